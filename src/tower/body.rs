//! Bodies that are read while they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::exchange::{End, Exchange};
use crate::mcp::event_text::EventText;
use crate::mcp::framing::{FrameReader, Framing, is_json};
use crate::mcp::held_messages::{HeldMessages, Part};
use crate::observe::{MAX_CALL_BYTES, MAX_LISTING_BYTES, RewrittenRequests};

/// Headers that sign a body or are made from it: such a body is not changed.
const DIGESTS: [&str; 8] = [
    "content-digest",
    "content-md5",
    "digest",
    "etag",
    "repr-digest",
    "signature",
    "signature-input",
    "x-amz-content-sha256",
];

/// Reads the messages of a body while it passes.
#[derive(Debug)]
pub(super) struct Tap {
    /// `None` if nothing is recorded, and once the body has ended.
    exchange: Option<Arc<Exchange>>,
    /// `None` for a body that cannot be read.
    reader: Option<FrameReader>,
    framing: Framing,
    /// For a body that may be changed.
    held: Option<HeldMessages>,
    side: Side,
    /// An event has passed.
    has_events: bool,
    /// Messages of an answer have passed that were not read.
    has_unread: bool,
    /// How much of the body is still to come, if its head says so: a reader that knows the length may not
    /// poll for the end.
    left: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    /// Whether unreadable messages are counted; they are not if the head says that the body is not JSON.
    Request {
        is_counted: bool,
    },
    Response {
        status: StatusCode,
    },
}

impl Tap {
    pub(super) fn of_request(exchange: Option<Arc<Exchange>>, headers: &HeaderMap) -> Self {
        let is_counted = is_json(content_type(headers));
        let side = Side::Request { is_counted };
        let mut tap = Self::new(exchange, headers, Framing::Json, side);
        if let Some(exchange) = tap.readable()
            && is_counted
            && !is_signed(headers)
            && exchange.conversation.may_rewrite_requests()
        {
            tap.held = Some(HeldMessages::new(Framing::Json, MAX_CALL_BYTES, None));
        }
        tap
    }

    /// `is_over`: there is no body, and nobody will poll for its end.
    pub(super) fn of_response(
        exchange: Option<Arc<Exchange>>,
        parts: &response::Parts,
        is_over: bool,
    ) -> Self {
        let status = parts.status;
        let content_type = content_type(&parts.headers);
        let framing = Framing::of(content_type);
        let mut tap = Self::new(exchange, &parts.headers, framing, Side::Response { status });
        if is_over || tap.left == Some(0) || status == StatusCode::NO_CONTENT {
            tap.end(End::Whole);
        }
        if tap.reader.is_none()
            && status.is_success()
            && let Some(exchange) = &tap.exchange
        {
            exchange.conversation.on_unreadable_answer();
        }
        let is_small = tap.left.is_none_or(|left| left <= MAX_LISTING_BYTES as u64);
        if let Some(exchange) = tap.readable()
            && status.is_success()
            && is_small
            && (framing == Framing::Events || is_json(content_type))
            && exchange.conversation.may_rewrite_answers()
            && !is_signed(&parts.headers)
        {
            let charged = Some(exchange.conversation.reserve());
            tap.held = Some(HeldMessages::new(framing, MAX_LISTING_BYTES, charged));
        }
        tap
    }

    fn new(
        exchange: Option<Arc<Exchange>>,
        headers: &HeaderMap,
        framing: Framing,
        side: Side,
    ) -> Self {
        let plain = exchange.as_deref().filter(|_| is_plain(headers));
        let reader = plain.map(|exchange| {
            let conversation = &exchange.conversation;
            let most = conversation.max_message_bytes();
            FrameReader::new(framing, most, conversation.reserve())
        });
        let length = headers.get(header::CONTENT_LENGTH);
        Self {
            exchange,
            reader,
            framing,
            held: None,
            side,
            has_events: false,
            has_unread: false,
            left: length.and_then(|length| length.to_str().ok()?.trim().parse().ok()),
        }
    }

    /// The exchange of a body that can be read.
    fn readable(&self) -> Option<&Exchange> {
        self.reader.as_ref()?;
        self.exchange.as_deref()
    }

    /// Whether the body may be changed, so that its length is not known.
    pub(super) const fn may_change(&self) -> bool {
        self.held.is_some()
    }

    /// Removes the length from the head of a body that may be changed.
    pub(super) fn leave_length_open(&self, headers: &mut HeaderMap) {
        if self.may_change() {
            headers.remove(header::CONTENT_LENGTH);
        }
    }

    fn on_data(&mut self, data: &[u8]) {
        self.read(data);
        if self.has_all(data.len()) {
            self.end(End::Whole);
        }
    }

    /// Reads a piece that may be changed, and adds the bytes that pass to `passing`.
    fn change(&mut self, data: &[u8], passing: &mut Vec<u8>) {
        if let Some(mut held) = self.held.take() {
            let exchange = self.exchange.clone();
            let is_request = matches!(self.side, Side::Request { .. });
            let holds = || {
                let conversation = exchange.as_ref().map(|exchange| &exchange.conversation);
                is_request || conversation.is_some_and(|it| it.may_rewrite_answers())
            };
            held.push(data, holds, |part| self.take(part, passing));
            self.held = Some(held);
        }
        if self.has_all(data.len()) {
            self.finish(End::Whole, passing);
        }
    }

    /// Ends a body that may be changed.
    fn finish(&mut self, end: End, passing: &mut Vec<u8>) {
        if let Some(mut held) = self.held.take() {
            if end == End::Whole {
                held.end(|part| self.take(part, passing));
            } else {
                held.release(|part| self.take(part, passing));
            }
        }
        self.end(end);
    }

    fn take(&mut self, part: Part<'_>, passing: &mut Vec<u8>) {
        let is_first = !std::mem::replace(&mut self.has_events, true);
        let message = match part {
            Part::Passing(data) => {
                self.read(data);
                return passing.extend_from_slice(data);
            }
            Part::Whole(message) => message,
        };
        let Some(exchange) = &self.exchange else {
            return passing.extend_from_slice(message);
        };
        let conversation = &exchange.conversation;
        let splices = match (self.side, self.framing) {
            (Side::Request { .. }, _) => {
                let rewritten = conversation.rewrite_requests(message);
                self.read(message);
                match rewritten {
                    RewrittenRequests::Spliced(splices) => Some(splices),
                    _ => None,
                }
            }
            (Side::Response { .. }, Framing::Events) => {
                let event = EventText::read(message, is_first);
                let (splices, unread) = conversation.rewrite_answers(&event.data);
                self.has_unread |= unread > 0;
                Some(event.in_event(&splices))
            }
            (Side::Response { .. }, _) => {
                let (splices, unread) = conversation.rewrite_answers(message);
                self.has_unread |= unread > 0;
                Some(splices)
            }
        };
        match splices {
            Some(splices) => passing.append(&mut splices.apply(message)),
            None => passing.extend_from_slice(message),
        }
    }

    fn read(&mut self, data: &[u8]) {
        match (&self.exchange, &mut self.reader) {
            // The messages of a request are read once all of it is there.
            (Some(exchange), Some(reader)) => {
                reader.read(data, |frame| {
                    self.has_unread |= exchange.conversation.on_answers(frame) > 0;
                });
            }
            _ => self.has_unread = true,
        }
    }

    /// Whether the body has come to its end with these bytes, as its head has said.
    fn has_all(&mut self, bytes: usize) -> bool {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(bytes as u64);
        }
        self.left == Some(0)
    }

    /// Reads the rest of a body that has ended, and reports how it ended.
    fn end(&mut self, end: End) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let conversation = &exchange.conversation;
        let reader = self.reader.take();
        match self.side {
            Side::Request { is_counted } => {
                let is_whole = end == End::Whole;
                let mut unread = u64::from(reader.is_none());
                if let Some(reader) = reader {
                    reader.end(|frame| unread += conversation.on_requests(frame, is_whole));
                }
                if is_counted && is_whole {
                    conversation.count_unread(unread);
                }
            }
            Side::Response { status } => {
                if let Some(reader) = reader {
                    reader.end(|frame| {
                        conversation.on_answers(frame);
                    });
                }
                // Whoever goes away behind an answer that was not read may have got it.
                let is_unknown = end == End::Dropped && self.has_unread;
                exchange.on_end(status, if is_unknown { End::Whole } else { end });
            }
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.unwrap_or_default()
}

fn is_signed(headers: &HeaderMap) -> bool {
    DIGESTS.iter().any(|name| headers.contains_key(*name))
}

/// Whether a body is in the announced format, and not compressed.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

macro_rules! body {
    ($(#[$doc:meta])* $name:ident) => {
        pin_project! {
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name<B> {
                #[pin]
                body: B,
                tap: Tap,
                // They come behind what has changed.
                trailers: Option<HeaderMap>,
                // The body within has come to its end.
                is_over: bool,
            }
        }

        impl<B> $name<B> {
            pub(super) const fn new(body: B, tap: Tap) -> Self {
                Self { body, tap, trailers: None, is_over: false }
            }
        }

        impl<B: Body<Data = Bytes>> Body for $name<B> {
            type Data = Bytes;
            type Error = B::Error;

            fn poll_frame(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
                let mut this = self.project();
                if let Some(trailers) = this.trailers.take() {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                if *this.is_over {
                    return Poll::Ready(None);
                }
                while this.tap.may_change() {
                    let mut passing = Vec::new();
                    match ready!(this.body.as_mut().poll_frame(cx)) {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => this.tap.change(&data, &mut passing),
                            Err(frame) => {
                                *this.trailers = frame.into_trailers().ok();
                                this.tap.finish(End::Whole, &mut passing);
                            }
                        },
                        // A part of a message is of no use to whoever gets no more of it.
                        Some(Err(error)) => {
                            this.tap.finish(End::Broken, &mut passing);
                            return Poll::Ready(Some(Err(error)));
                        }
                        None => {
                            *this.is_over = true;
                            this.tap.finish(End::Whole, &mut passing);
                        }
                    }
                    if this.body.is_end_stream() {
                        this.tap.finish(End::Whole, &mut passing);
                    }
                    if !passing.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(passing.into()))));
                    }
                    if let Some(trailers) = this.trailers.take() {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    if *this.is_over {
                        return Poll::Ready(None);
                    }
                }
                let frame = ready!(this.body.as_mut().poll_frame(cx));
                match &frame {
                    Some(Ok(frame)) => {
                        if let Some(data) = frame.data_ref() {
                            this.tap.on_data(data);
                        }
                        // A reader that knows the length may not poll for the end.
                        if this.body.is_end_stream() {
                            this.tap.end(End::Whole);
                        }
                    }
                    Some(Err(_)) => this.tap.end(End::Broken),
                    None => this.tap.end(End::Whole),
                }
                Poll::Ready(frame)
            }

            fn is_end_stream(&self) -> bool {
                self.trailers.is_none() && !self.tap.may_change() && self.body.is_end_stream()
            }

            fn size_hint(&self) -> SizeHint {
                if self.tap.may_change() {
                    SizeHint::default()
                } else {
                    self.body.size_hint()
                }
            }
        }
    };
}

body! {
    /// The body of a request, as it was received.
    RequestBody
}

body! {
    /// The body of an answer, as it was received.
    ResponseBody
}
