//! The layer, and the service that wraps another one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::{RequestBody, ResponseBody, Tap};
use super::exchange::Exchange;
use super::observer::HttpObserver;
use crate::logger::UsageLogger;
use crate::mcp::arguments::capture_setters;
use crate::mcp::client_address::client_address_setter;
use crate::observe::{ObserverSettings, observer_setters};

/// Reports the tool calls that pass through an HTTP service. See the [module](crate::tower).
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct UsageLayer {
    observer: Arc<HttpObserver>,
}

impl UsageLayer {
    /// Creates the layer.
    pub fn new(usage: &UsageLogger) -> Self {
        Self {
            observer: Arc::new(HttpObserver::new(usage.clone())),
        }
    }

    fn change_http(mut self, change: impl FnOnce(&mut HttpObserver)) -> Self {
        change(Arc::make_mut(&mut self.observer));
        self
    }

    fn change(self, change: impl FnOnce(&mut ObserverSettings)) -> Self {
        self.change_http(|http| change(&mut Arc::make_mut(&mut http.observer).settings))
    }

    capture_setters!();
    observer_setters!("tower");

    /// Names a header that identifies the tenant, in addition to those that the [module](crate::tower) lists. May be
    /// called several times. Default: none.
    ///
    /// For servers that choose a tenant's tools by a header that is not on that list. Without it, the intent of one
    /// tenant's tool may be read from the argument in which another tenant's tool of that name has it.
    pub fn tenant_header(self, name: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        self.change_http(|http| http.tenant_headers.push(name))
    }

    client_address_setter!(change_http, "mcp_usage::tower::UsageLayer::new(&usage)");

    /// Sets whether answers of 401, 403 and 429 are reported as
    /// [`AuthRejected`](crate::AuthRejected). Default: no, because it works only outside the
    /// authentication, where the user is not known yet.
    pub fn auth_rejections(self, on: bool) -> Self {
        self.change_http(|http| http.auth_rejections = on)
    }
}

impl<S> Layer<S> for UsageLayer {
    type Service = UsageService<S>;

    fn layer(&self, inner: S) -> UsageService<S> {
        UsageService {
            inner,
            observer: Arc::clone(&self.observer),
        }
    }
}

/// A service whose tool calls are reported. Made by [`UsageLayer`].
#[derive(Debug, Clone)]
pub struct UsageService<S> {
    inner: S,
    observer: Arc<HttpObserver>,
}

impl<S, B, R> Service<Request<B>> for UsageService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let exchange = self.observer.open(&mut parts);
        let tap = Tap::of_request(exchange.clone(), &parts.headers);
        tap.leave_length_open(&mut parts.headers);
        let body = RequestBody::new(body, tap);
        ResponseFuture {
            answer: self.inner.call(Request::from_parts(parts, body)),
            exchange,
        }
    }
}

pin_project! {
    /// Resolves to the answer of the inner service.
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
    R: Body,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        let exchange = this.exchange.take();
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                if let Some(exchange) = exchange {
                    exchange.on_failure();
                }
                return Poll::Ready(Err(error));
            }
        };
        let (mut parts, body) = response.into_parts();
        if let Some(exchange) = &exchange {
            exchange.on_head(&parts);
        }
        let tap = Tap::of_response(exchange, &parts, body.is_end_stream());
        tap.leave_length_open(&mut parts.headers);
        Poll::Ready(Ok(Response::from_parts(
            parts,
            ResponseBody::new(body, tap),
        )))
    }
}
