//! The stream to the client.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::io::AsyncWrite;

use super::session::StreamSession;
use crate::base::lock::lock;
use crate::base::panics;
use crate::mcp::framing::{FrameReader, Framing};
use crate::mcp::held_messages::{HeldMessages, Part};
use crate::observe::{Conversation, MAX_LISTING_BYTES, Surroundings};

/// The most bytes of a write that are accepted at once if they may be changed.
const MAX_TAKEN_BYTES: usize = 64 * 1024;

/// Reads the server's messages.
pub(super) struct Answers {
    conversation: Arc<Conversation<StreamSession>>,
    /// `None` once the stream has ended.
    reader: Option<FrameReader>,
    lines: HeldMessages,
}

impl Answers {
    pub(super) fn new(conversation: Arc<Conversation<StreamSession>>) -> Self {
        let most = conversation.max_message_bytes();
        let reader = FrameReader::new(Framing::Lines, most, conversation.reserve());
        let charged = Some(conversation.reserve());
        Self {
            conversation,
            reader: Some(reader),
            lines: HeldMessages::new(Framing::Lines, MAX_LISTING_BYTES, charged),
        }
    }

    /// Reads a part that passes unchanged.
    pub(super) fn pass(&mut self, data: &[u8]) {
        self.lines.pass(data);
        look(&mut self.reader, &self.conversation, data);
    }

    /// Whether the next part of the stream may be changed.
    pub(super) fn may_rewrite(&self) -> bool {
        self.lines.is_holding() || self.conversation.may_rewrite_answers()
    }

    /// Reads a part that may be changed.
    pub(super) fn rewrite(&mut self, data: &[u8], to_client: &mut Vec<u8>) {
        let Self {
            conversation,
            reader,
            lines,
        } = self;
        let holds = || conversation.may_rewrite_answers();
        lines.push(data, holds, |part| match part {
            Part::Passing(part) => {
                look(reader, conversation, part);
                to_client.extend_from_slice(part);
            }
            Part::Whole(line) => {
                let (splices, _) = conversation.rewrite_answers(line);
                to_client.append(&mut splices.apply(line));
            }
        });
    }

    /// Returns the held bytes, which pass unchanged.
    pub(super) fn release(&mut self, to_client: &mut Vec<u8>) {
        let Self {
            conversation,
            reader,
            lines,
        } = self;
        lines.release(|part| {
            if let Part::Passing(part) = part {
                look(reader, conversation, part);
                to_client.extend_from_slice(part);
            }
        });
    }

    /// The server has closed its stream: no call is answered any more.
    pub(super) fn end(&mut self) {
        if let Some(reader) = self.reader.take() {
            let conversation = &self.conversation;
            reader.end(|frame| {
                conversation.on_answers(frame);
            });
            conversation.end_calls(conversation.around.outcome_at_end(), None);
        }
    }

    /// Whether the client's next bytes would be inside a line of the server.
    fn is_within_line(&self) -> bool {
        !self.has_ended() && self.lines.has_passed_a_part()
    }

    const fn has_ended(&self) -> bool {
        self.reader.is_none()
    }

    /// Nothing reaches the client any more.
    pub(super) fn note_client_gone(&self) {
        self.conversation.around.note_client_gone();
    }
}

fn look(reader: &mut Option<FrameReader>, conversation: &Conversation<StreamSession>, data: &[u8]) {
    if let Some(reader) = reader {
        reader.read(data, |frame| {
            conversation.on_answers(frame);
        });
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

/// The stream to the client, for the server's bytes and for our own answers.
pub(super) struct Outlet<W>(Mutex<State<W>>);

struct State<W> {
    /// `None` once the server has dropped it.
    inner: Option<Pin<Box<W>>>,
    /// `None` where the logger is off.
    answers: Option<Answers>,
    /// What is written before anything else.
    pending: Pending,
    /// Our own answers, which are inserted between two lines.
    own: Vec<u8>,
    /// Messages may be changed, so the reader of the requests may also write here.
    may_change: bool,
    /// Writes what it can before the end; `None` until the server has polled, and nothing can be left.
    write_rest: Option<fn(&mut Self)>,
    /// Our own answers are pending, and no request is read before they are written.
    is_answering: bool,
    wakers: Arc<Wakers>,
}

/// Bytes that are written a part at a time.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    written: usize,
}

impl Pending {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    fn advance(&mut self, written: usize) {
        self.written += written;
        if self.rest().is_empty() {
            *self = Self::default();
        }
    }
}

/// The tasks that wait to write, because the inner stream keeps only one waker.
#[derive(Default)]
struct Wakers {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        for waker in [&self.reader, &self.writer] {
            let waker = lock(waker).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<W> Outlet<W> {
    pub(super) fn new(inner: W, answers: Option<Answers>) -> Self {
        let may_change = answers
            .as_ref()
            .is_some_and(|answers| answers.conversation.rewrites());
        Self(Mutex::new(State {
            inner: Some(Box::pin(inner)),
            answers,
            may_change,
            write_rest: None,
            pending: Pending::default(),
            own: Vec::new(),
            is_answering: false,
            wakers: Arc::default(),
        }))
    }

    /// Adds our own answers, as complete lines.
    pub(super) fn push_own_answers(&self, lines: &[u8]) {
        let mut state = lock(&self.0);
        state.own.extend_from_slice(lines);
        state.is_answering = true;
    }
}

impl<W: AsyncWrite> Outlet<W> {
    /// Writes what is pending, since a server that does not flush may never poll again; waits for the answers of our own
    /// alone.
    pub(super) fn poll_own_answers(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.answers.as_ref().is_none_or(Answers::has_ended) {
            // They would come behind the end, or within the server's last line.
            state.is_answering = false;
            state.own.clear();
        }
        if state.may_change {
            // What comes to be pending while the reader waits for the client wakes it, too.
            *lock(&state.wakers.reader) = Some(cx.waker().clone());
        }
        if !state.is_answering && state.pending.rest().is_empty() {
            return Poll::Ready(());
        }
        let waker = Waker::from(Arc::clone(&state.wakers));
        let mut cx = Context::from_waker(&waker);
        let written = state.poll_pending(&mut cx);
        if !state.is_answering {
            return Poll::Ready(());
        }
        let written = ready!(written);
        if is_interrupted(&written) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Whether the client can be reached is the server's to find out.
        let written = written.is_ok();
        if written && !state.own.is_empty() {
            // The server is within a line, and wakes the reader at its end.
            return Poll::Pending;
        }
        if written && let Some(inner) = &mut state.inner {
            drop(ready!(inner.as_mut().poll_flush(&mut cx)));
        }
        state.is_answering = false;
        state.own.clear();
        Poll::Ready(())
    }
}

impl<W: AsyncWrite> State<W> {
    /// Writes what is pending.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_within_line = self.answers.as_ref().is_some_and(Answers::is_within_line);
        if !is_within_line {
            self.pending.bytes.append(&mut self.own);
        }
        while !self.pending.rest().is_empty() {
            let written = match &mut self.inner {
                Some(inner) => ready!(inner.as_mut().poll_write(cx, self.pending.rest())),
                None => Ok(self.pending.rest().len()),
            };
            match self.note_failure(written) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => self.pending.advance(written),
                Err(error) => {
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn note_failure<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err()
            && !is_interrupted(&result)
            && let Some(answers) = &self.answers
        {
            answers.note_client_gone();
        }
        result
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let Some(answers) = &mut self.answers else {
            return write_slices(inner.as_mut(), cx, data);
        };
        if !answers.may_rewrite() {
            let written = ready!(write_slices(inner.as_mut(), cx, data));
            let mut left = *written.as_ref().unwrap_or(&0);
            for slice in data {
                let part = slice.get(..left.min(slice.len())).unwrap_or_default();
                left -= part.len();
                answers.pass(part);
            }
            self.wake_reader();
            return Poll::Ready(self.note_failure(written));
        }
        let first = data.iter().find(|slice| !slice.is_empty());
        let first = first.map(|slice| &**slice).unwrap_or_default();
        let taken = first
            .get(..first.len().min(MAX_TAKEN_BYTES))
            .unwrap_or_default();
        answers.rewrite(taken, &mut self.pending.bytes);
        self.wake_reader();
        // What is not written now is written before anything else.
        match self.poll_pending(cx) {
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::Interrupted => {
                Poll::Ready(Err(error))
            }
            _ => Poll::Ready(Ok(taken.len())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        match &mut self.inner {
            Some(inner) => inner.as_mut().poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(answers) = &mut self.answers {
            answers.release(&mut self.pending.bytes);
        }
        ready!(self.poll_pending(cx))?;
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Ok(()));
        };
        let shut_down = ready!(inner.as_mut().poll_shutdown(cx));
        if let Some(answers) = &mut self.answers {
            answers.end();
        }
        self.wake_reader();
        Poll::Ready(shut_down)
    }

    /// Writes what the inner stream accepts at once.
    fn write_rest(&mut self) {
        if let Some(answers) = &mut self.answers {
            answers.release(&mut self.pending.bytes);
        }
        // There is nobody left to report a failure to.
        drop(self.poll_pending(&mut Context::from_waker(Waker::noop())));
    }

    /// Runs a poll of the server. If the reader of the requests may wait for the same stream, both are woken.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self.may_change {
            return poll(self, cx);
        }
        self.write_rest = Some(Self::write_rest);
        *lock(&self.wakers.writer) = Some(cx.waker().clone());
        let waker = Waker::from(Arc::clone(&self.wakers));
        poll(self, &mut Context::from_waker(&waker))
    }
}

impl<W> State<W> {
    /// Wakes the reader that waits for the end of a line.
    fn wake_reader(&self) {
        if self.is_answering {
            let waker = lock(&self.wakers.reader).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

fn is_interrupted<T>(result: &io::Result<T>) -> bool {
    let error = result.as_ref().err();
    error.is_some_and(|error| error.kind() == io::ErrorKind::Interrupted)
}

/// Writes as many slices as the inner stream accepts at once.
fn write_slices<W: AsyncWrite>(
    inner: Pin<&mut W>,
    cx: &mut Context<'_>,
    data: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match data {
        [one] => inner.poll_write(cx, one),
        many => inner.poll_write_vectored(cx, many),
    }
}

/// The stream to the client, for the server to write. Made by [`UsageLogger::stdio`](crate::UsageLogger::stdio).
///
/// If messages may be changed, accepted bytes may still be held, or wait for the inner stream. Flush this stream, and shut
/// it down at the end: if it is dropped, it writes only as much of the rest as the inner stream accepts at once.
pub struct AnswerWriter<W> {
    outlet: Arc<Outlet<W>>,
}

impl<W> AnswerWriter<W> {
    pub(super) const fn new(outlet: Arc<Outlet<W>>) -> Self {
        Self { outlet }
    }
}

impl<W: AsyncWrite> AsyncWrite for AnswerWriter<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let slice = [io::IoSlice::new(data)];
        let mut state = lock(&self.outlet.0);
        state.poll(cx, |state, cx| state.poll_write(cx, &slice))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.outlet.0);
        state.poll(cx, |state, cx| state.poll_write(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        let state = lock(&self.outlet.0);
        let inner = state.inner.as_ref();
        inner.is_some_and(|inner| inner.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outlet.0).poll(cx, State::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outlet.0).poll(cx, State::poll_shutdown)
    }
}

impl<W> Drop for AnswerWriter<W> {
    fn drop(&mut self) {
        let mut state = lock(&self.outlet.0);
        if let Some(write_rest) = state.write_rest {
            // A stream of a runtime that is gone may panic.
            let _ = panics::catch(|| write_rest(&mut state));
        }
        if let Some(answers) = &mut state.answers {
            answers.end();
        }
        state.wake_reader();
        state.is_answering = false;
        // The reader of the requests may live on; for the client, this is the end.
        let inner = state.inner.take();
        drop(state);
        drop(inner);
    }
}

impl<W> fmt::Debug for AnswerWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerWriter")
    }
}
