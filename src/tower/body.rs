//! Bodies that are read as they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::exchange::Exchange;
use super::reader::Reader;

/// Reads the messages of a body as it passes.
#[derive(Debug)]
pub(super) struct Tap {
    exchange: Option<Arc<Exchange>>,
    reader: Option<Reader>,
    is_request: bool,
}

impl Tap {
    pub(super) fn of_request(exchange: Option<Arc<Exchange>>) -> Self {
        Self {
            reader: exchange.as_deref().map(Exchange::request_reader),
            exchange,
            is_request: true,
        }
    }

    pub(super) fn of_response(exchange: Option<Arc<Exchange>>, parts: &response::Parts) -> Self {
        let reader = |exchange: &Arc<Exchange>| exchange.response_reader(parts);
        Self {
            reader: exchange.as_ref().and_then(reader),
            exchange,
            is_request: false,
        }
    }

    fn on_data(&mut self, data: &Bytes) {
        if let (Some(exchange), Some(reader)) = (&self.exchange, &mut self.reader) {
            reader.read(data, |json| exchange.on_messages(json, self.is_request));
        }
    }

    /// The body has come to its end.
    fn on_end(&mut self) {
        let (Some(exchange), Some(reader)) = (self.exchange.take(), self.reader.take()) else {
            return;
        };
        let is_whole = reader.end(|json| exchange.on_messages(json, self.is_request));
        if !self.is_request {
            exchange.on_end(is_whole);
        }
    }
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
                            this.tap.on_end();
                        }
                    }
                    Some(Err(_)) => {}
                    None => this.tap.on_end(),
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
