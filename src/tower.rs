//! A `tower` layer for MCP servers over HTTP that are built on any SDK, or on none.
//!
//! It reads the JSON-RPC messages as the bodies pass, requests and answers, plain JSON and SSE alike.
//! Nothing is held back or changed: each piece goes on as it came, and of each message a copy is kept up
//! to [`max_message_bytes`](UsageLayer::max_message_bytes).
//!
//! ```no_run
//! # use axum::Router;
//! # let mcp: Router = Router::new();
//! use mcp_usage::{UsageLogger, tower::UsageLayer};
//!
//! let usage = UsageLogger::builder().product_id("shop").build()?;
//! let app = mcp.layer(UsageLayer::new(&usage));
//! # Ok::<(), mcp_usage::BuildError>(())
//! ```
//!
//! It captures what the `rmcp` feature captures of a tool call: tool, arguments, outcome, error text,
//! duration, request id, protocol, client, session, round, `traceparent`, and the first listing of the
//! tools. The user is a [`Caller`](crate::Caller) or an [`Identity`](crate::Identity) in the request's
//! extensions, so put the layer inside your authentication.
//!
//! It adds nothing to the tools. An intent is read where a server asks for one itself: in the argument
//! that [`intent`](UsageLayer::intent) names; else, once a listing of the tools has passed, in the
//! property of a tool that has [`intent::schema`](crate::mcp::intent::schema) under the wire's name, or in its
//! property `intent` whose description asks for one. The argument stays in place for the tool, and out
//! of the captured ones. A call of a tool that no listing has shown, and that the server says it does not
//! have, is marked as unknown. What listings show is remembered for the latest 4 096 tools.
//!
//! A call whose answer does not come on the answer to its own request, or whose client goes away first,
//! is recorded as cancelled when the exchange ends. A request larger than the bound leaves no record; an
//! answer larger than it counts as `ok`.

mod exchange;
mod read;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::logger::UsageLogger;

use exchange::{Exchange, Shared};
use read::Reader;

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Reports the tool calls that pass through an HTTP service. See the [module](self).
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct UsageLayer {
    shared: Arc<Shared>,
}

impl UsageLayer {
    /// Creates the layer.
    pub fn new(usage: &UsageLogger) -> Self {
        Self {
            shared: Arc::new(Shared::new(usage.clone())),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut exchange::Settings)) -> Self {
        let shared = self.shared.with(change);
        self.shared = Arc::new(shared);
        self
    }

    /// Sets whether arguments are captured. Default: yes, redacted and within the limits.
    pub fn arguments(self, on: bool) -> Self {
        self.change(|settings| settings.arguments = on)
    }

    /// Sets whether results are captured. Default: no.
    pub fn results(self, on: bool) -> Self {
        self.change(|settings| settings.results = on)
    }

    /// Names the argument that holds the intent of a call, whatever listings show. Default: what a
    /// listing shows, see the [module](self).
    pub fn intent(self, name: impl Into<String>) -> Self {
        self.change(|settings| settings.intent = Some(name.into()))
    }

    /// Sets whether answers of 401, 403 and 429 are reported as
    /// [`AuthRejected`](crate::AuthRejected). Default: no, since it is of use only around the
    /// authentication, where the user is not known yet.
    pub fn auth_rejections(self, on: bool) -> Self {
        self.change(|settings| settings.auth_rejections = on)
    }

    /// Sets how much of a message is kept to be read. Default: [`DEFAULT_MAX_MESSAGE_BYTES`].
    pub fn max_message_bytes(self, bytes: usize) -> Self {
        self.change(|settings| settings.max_message_bytes = bytes)
    }
}

impl<S> Layer<S> for UsageLayer {
    type Service = UsageService<S>;

    fn layer(&self, inner: S) -> UsageService<S> {
        UsageService {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// A service whose tool calls are reported. Made by [`UsageLayer`].
#[derive(Debug, Clone)]
pub struct UsageService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B, R> Service<Request<B>> for UsageService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let exchange = self.shared.open(&parts);
        let reader = exchange
            .as_ref()
            .map(|_| Reader::json(self.shared.settings.max_message_bytes));
        let body = RequestBody {
            body,
            tap: Tap {
                exchange: exchange.clone(),
                reader,
                is_request: true,
            },
        };
        ResponseFuture {
            answer: self.inner.call(Request::from_parts(parts, body)),
            exchange,
        }
    }
}

pin_project! {
    /// Resolves to the answer of the service within.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        answer: F,
        exchange: Option<Arc<Exchange>>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(cx))?;
        let exchange = this.exchange.take();
        let (parts, body) = response.into_parts();
        let reader = exchange
            .as_ref()
            .and_then(|exchange| exchange.answered(&parts));
        let body = ResponseBody {
            body,
            tap: Tap {
                exchange,
                reader,
                is_request: false,
            },
        };
        Poll::Ready(Ok(Response::from_parts(parts, body)))
    }
}

/// What listens to a body as it passes.
#[derive(Debug)]
struct Tap {
    exchange: Option<Arc<Exchange>>,
    reader: Option<Reader>,
    is_request: bool,
}

impl Tap {
    fn pass(&mut self, data: &Bytes) {
        if let (Some(exchange), Some(reader)) = (&self.exchange, &mut self.reader) {
            reader.read(data, |message| exchange.hear(message, self.is_request));
        }
    }

    /// The body has come to its end.
    fn end(&mut self) {
        let (Some(exchange), Some(reader)) = (self.exchange.take(), self.reader.take()) else {
            return;
        };
        let is_whole = reader.end(|message| exchange.hear(message, self.is_request));
        if !self.is_request {
            exchange.end(is_whole);
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
                            this.tap.pass(data);
                        }
                        // Whoever knows the length may not ask for the end.
                        if this.body.is_end_stream() {
                            this.tap.end();
                        }
                    }
                    Some(Err(_)) => {}
                    None => this.tap.end(),
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
