//! Bodies that are read as they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::exchange::{End, Exchange};
use crate::mcp::framing::{FrameReader, Framing, is_json};

/// Reads the messages of a body as it passes.
#[derive(Debug)]
pub(super) struct Tap {
    /// `None` where nothing is recorded, and once the body has ended.
    exchange: Option<Arc<Exchange>>,
    /// `None` for a body that cannot be read.
    reader: Option<FrameReader>,
    side: Side,
    /// Messages of an answer have passed that were not read.
    has_unread: bool,
    /// How much of the body is to come, if its head says so: who knows the length may not ask for the
    /// end.
    left: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    /// Whether what cannot be read is counted: not where the head says that it is no JSON.
    Request {
        is_counted: bool,
    },
    Response {
        status: StatusCode,
    },
}

impl Tap {
    pub(super) fn of_request(exchange: Option<Arc<Exchange>>, headers: &HeaderMap) -> Self {
        let side = Side::Request {
            is_counted: is_json(content_type(headers)),
        };
        Self::new(exchange, headers, Framing::Json, side)
    }

    /// `is_over`: there is no body, and nobody will ask for its end.
    pub(super) fn of_response(
        exchange: Option<Arc<Exchange>>,
        parts: &response::Parts,
        is_over: bool,
    ) -> Self {
        let status = parts.status;
        let framing = Framing::of(content_type(&parts.headers));
        let mut tap = Self::new(exchange, &parts.headers, framing, Side::Response { status });
        if is_over || tap.left == Some(0) || status == StatusCode::NO_CONTENT {
            tap.end(End::Whole);
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
            side,
            has_unread: false,
            left: length.and_then(|length| length.to_str().ok()?.trim().parse().ok()),
        }
    }

    fn on_data(&mut self, data: &Bytes) {
        match (&self.exchange, &mut self.reader) {
            // The messages of a request are read once all of it is there.
            (Some(exchange), Some(reader)) => {
                reader.read(data, |frame| {
                    self.has_unread |= exchange.conversation.on_answers(frame) > 0;
                });
            }
            _ => self.has_unread = true,
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(data.len() as u64);
            if *left == 0 {
                self.end(End::Whole);
            }
        }
    }

    /// Takes what is there of a body that has ended, and tells how it did.
    fn end(&mut self, end: End) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let reader = self.reader.take();
        match self.side {
            Side::Request { is_counted } => {
                let is_whole = end == End::Whole;
                let mut unread = u64::from(reader.is_none());
                if let Some(reader) = reader {
                    reader
                        .end(|frame| unread += exchange.conversation.on_requests(frame, is_whole));
                }
                if is_counted && is_whole {
                    exchange.conversation.count_unread(unread);
                }
            }
            Side::Response { status } => {
                if let Some(reader) = reader {
                    reader.end(|frame| {
                        exchange.conversation.on_answers(frame);
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

/// Whether a body is what it says, and not compressed.
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
            }
        }

        impl<B> $name<B> {
            pub(super) const fn new(body: B, tap: Tap) -> Self {
                Self { body, tap }
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
                self.body.is_end_stream()
            }

            fn size_hint(&self) -> SizeHint {
                self.body.size_hint()
            }
        }
    };
}

body! {
    /// The body of a request, as it came.
    RequestBody
}

body! {
    /// The body of an answer, as it came.
    ResponseBody
}
