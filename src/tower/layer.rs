//! The layer, and the service that it makes of another.

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
use crate::mcp::arguments::Arguments;
use crate::observe::ObserverSettings;

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

    fn change(mut self, change: impl FnOnce(&mut HttpObserver)) -> Self {
        change(Arc::make_mut(&mut self.observer));
        self
    }

    fn set(self, set: impl FnOnce(&mut ObserverSettings)) -> Self {
        self.change(|http| set(&mut Arc::make_mut(&mut http.observer).settings))
    }

    /// Sets whether arguments are captured. Default: yes, redacted and within the limits.
    pub fn arguments(self, on: bool) -> Self {
        self.set(|settings| settings.arguments.is_on = on)
    }

    /// Lists the arguments of a tool that are captured; its others are not. Default: all.
    pub fn arguments_of<N: Into<String>>(
        self,
        tool: impl Into<String>,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = Arguments::names(names);
        self.set(|settings| {
            settings.arguments.listed.insert(tool.into(), names);
        })
    }

    /// Sets what says of each tool which of its arguments are captured. Default: all are.
    ///
    /// Asked with each call, by the name that the client calls. An argument is captured where
    /// [`arguments`](Self::arguments), [`arguments_of`](Self::arguments_of) and this all let it through; nothing is where
    /// the closure panics.
    pub fn arguments_by(self, by: impl Fn(&str) -> Arguments + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.arguments.set_by(by))
    }

    /// Sets whether results are captured. Default: no.
    pub fn results(self, on: bool) -> Self {
        self.set(|settings| settings.results = on)
    }

    /// Names the argument that holds the intent of a call, whatever listings show. Default: what a
    /// listing shows, see the [module](crate::tower).
    pub fn intent(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.intent = Some(name.into()))
    }

    /// Sets whether the lists of tools that pass get a property that asks for the intent of a call, and calls of those tools
    /// lose its argument. Default: no; then not one byte changes. See the [module](crate::tower#with-intent).
    pub fn add_intent(self, on: bool) -> Self {
        self.set(|settings| settings.add_intent = on)
    }

    /// Sets whether the last page of the tools that passes gets a tool that an agent can call to say what no tool offers, as
    /// an instrumented server's: `request_missing_capability`, on the mcpeye wire `mcpeye_request_capability`, on the PostHog
    /// wire `get_more_tools`. Default: no; then not one byte changes.
    ///
    /// The server gets the call, and its answer, which is that it has no such tool, is replaced by ours where
    /// the status is a success. A server that has a tool of that name keeps it.
    pub fn missing_capability(self, on: bool) -> Self {
        self.set(|settings| settings.missing_capability = on)
    }

    /// Names a header that tells tenants apart, beside those that the [module](crate::tower) lists. May be
    /// called for several. Default: none.
    ///
    /// For servers that show tenants other tools of the same name by a header whose name does not say so:
    /// without it, the intent of one tenant's tool is looked for where another's has it.
    pub fn tenant_header(self, name: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        self.change(|http| http.tenant_headers.push(name))
    }

    /// Sets whether answers of 401, 403 and 429 are reported as
    /// [`AuthRejected`](crate::AuthRejected). Default: no, since it is of use only around the
    /// authentication, where the user is not known yet.
    pub fn auth_rejections(self, on: bool) -> Self {
        self.change(|http| http.auth_rejections = on)
    }

    /// Sets how much of a message is kept to be read. Default:
    /// [`DEFAULT_MAX_MESSAGE_BYTES`](super::DEFAULT_MAX_MESSAGE_BYTES).
    pub fn max_message_bytes(self, bytes: usize) -> Self {
        self.set(|settings| settings.max_message_bytes = bytes)
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
