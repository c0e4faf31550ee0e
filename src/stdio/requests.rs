//! The stream from the client.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answers::Outlet;
use super::session::StreamSession;
use crate::mcp::framing::{Frame, FrameReader, Framing};
use crate::mcp::held_messages::{HeldMessages, Part};
use crate::observe::{Conversation, MAX_CALL_BYTES, RewrittenRequests};

/// Reads the client's messages.
pub(super) struct Requests {
    conversation: Arc<Conversation<StreamSession>>,
    /// `None` once the stream has ended.
    reader: Option<FrameReader>,
    lines: HeldMessages,
}

/// What happens to a part of the stream.
#[derive(Default)]
pub(super) struct Rewritten {
    pub(super) to_server: Vec<u8>,
    pub(super) to_client: Vec<u8>,
}

impl Requests {
    pub(super) fn new(conversation: Arc<Conversation<StreamSession>>) -> Self {
        let most = conversation.max_message_bytes();
        let reader = FrameReader::new(Framing::Lines, most, conversation.reserve());
        Self {
            conversation,
            reader: Some(reader),
            lines: HeldMessages::new(Framing::Lines, MAX_CALL_BYTES, None),
        }
    }

    /// Reads a part that passes unchanged.
    pub(super) fn pass(&mut self, data: &[u8]) {
        self.lines.pass(data);
        look(&mut self.reader, &self.conversation, data);
    }

    /// Whether the next part of the stream may be changed.
    pub(super) fn may_rewrite(&self) -> bool {
        self.lines.is_holding() || self.conversation.may_rewrite_requests()
    }

    /// Reads a part that may be changed.
    pub(super) fn rewrite(&mut self, data: &[u8], rewritten: &mut Rewritten) {
        let Self {
            conversation,
            reader,
            lines,
        } = self;
        let holds = || conversation.may_rewrite_requests();
        lines.push(data, holds, |part| {
            rewrite_part(part, reader, conversation, rewritten);
        });
    }

    /// The client has closed its stream, or its stream has failed: reads the held bytes, which may be a line without its end.
    pub(super) fn end(&mut self) -> Rewritten {
        let Self {
            conversation,
            reader,
            lines,
        } = self;
        let mut rewritten = Rewritten::default();
        lines.end(|part| rewrite_part(part, reader, conversation, &mut rewritten));
        if let Some(reader) = reader.take() {
            reader.end(|frame| take(conversation, frame, false));
            conversation.around.note_client_gone();
        }
        rewritten
    }
}

fn rewrite_part(
    part: Part<'_>,
    reader: &mut Option<FrameReader>,
    conversation: &Conversation<StreamSession>,
    rewritten: &mut Rewritten,
) {
    let line = match part {
        Part::Passing(part) => {
            look(reader, conversation, part);
            return rewritten.to_server.extend_from_slice(part);
        }
        Part::Whole(line) => line,
    };
    match conversation.rewrite_requests(line) {
        RewrittenRequests::AsTheyAre => {
            look(reader, conversation, line);
            rewritten.to_server.extend_from_slice(line);
        }
        RewrittenRequests::Spliced(splices) => {
            look(reader, conversation, line);
            rewritten.to_server.append(&mut splices.apply(line));
        }
        RewrittenRequests::Answered(mut answer) => {
            rewritten.to_client.append(&mut answer);
            rewritten.to_client.push(b'\n');
        }
    }
}

fn look(reader: &mut Option<FrameReader>, conversation: &Conversation<StreamSession>, data: &[u8]) {
    if let Some(reader) = reader {
        reader.read(data, |frame| take(conversation, frame, true));
    }
}

fn take(conversation: &Conversation<StreamSession>, frame: Frame<'_>, is_whole: bool) {
    let unread = conversation.on_requests(frame, is_whole);
    if is_whole && unread > 0 {
        conversation.count_unread(unread);
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requests")
    }
}

pin_project! {
    /// The stream from the client, for the server to read. Made by [`UsageLogger::stdio`](crate::UsageLogger::stdio).
    pub struct RequestReader<R, W> {
        #[pin]
        inner: R,
        // `None` where the logger is off.
        requests: Option<Requests>,
        outlet: Arc<Outlet<W>>,
        // What the server gets before anything else is read.
        ready: io::Cursor<Vec<u8>>,
    }
}

impl<R, W> RequestReader<R, W> {
    pub(super) const fn new(inner: R, requests: Option<Requests>, outlet: Arc<Outlet<W>>) -> Self {
        Self {
            inner,
            requests,
            outlet,
            ready: io::Cursor::new(Vec::new()),
        }
    }
}

impl<R: AsyncRead, W: AsyncWrite> AsyncRead for RequestReader<R, W> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut this = self.project();
        let Some(requests) = this.requests else {
            return this.inner.poll_read(cx, buf);
        };
        loop {
            ready!(this.outlet.poll_own_answers(cx));
            if has_more(this.ready) {
                let read = Pin::new(&mut *this.ready).poll_read(cx, buf);
                if !has_more(this.ready) {
                    *this.ready = io::Cursor::default();
                }
                return read;
            }
            let before = buf.filled().len();
            if buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = ready!(this.inner.as_mut().poll_read(cx, buf)) {
                if error.kind() != io::ErrorKind::Interrupted {
                    hand_on(requests.end(), this.ready, this.outlet);
                }
                return Poll::Ready(Err(error));
            }
            let data = buf.filled().get(before..).unwrap_or_default();
            if data.is_empty() {
                let is_answered = hand_on(requests.end(), this.ready, this.outlet);
                if !is_answered && !has_more(this.ready) {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if !requests.may_rewrite() {
                requests.pass(data);
                return Poll::Ready(Ok(()));
            }
            let mut rewritten = Rewritten::default();
            requests.rewrite(data, &mut rewritten);
            buf.set_filled(before);
            hand_on(rewritten, this.ready, this.outlet);
        }
    }
}

/// Passes bytes on to the server and the client; returns whether the client gets any.
fn hand_on<W>(rewritten: Rewritten, ready: &mut io::Cursor<Vec<u8>>, outlet: &Outlet<W>) -> bool {
    let Rewritten {
        to_server,
        to_client,
    } = rewritten;
    *ready = io::Cursor::new(to_server);
    if to_client.is_empty() {
        return false;
    }
    outlet.push_own_answers(&to_client);
    true
}

fn has_more(ready: &io::Cursor<Vec<u8>>) -> bool {
    ready.position() < ready.get_ref().len() as u64
}

impl<R, W> fmt::Debug for RequestReader<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestReader")
    }
}
