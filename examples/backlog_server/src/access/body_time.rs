//! A request's body arrives in time, whoever reads it. Otherwise a client could keep it open for ever, a byte at a time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::App;

/// Answers 408 to a request whose body has not come whole within the time that one has.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        Body::new(InTime {
            body,
            deadline: Box::pin(sleep(app.config.body_timeout)),
            is_late: Arc::clone(&is_late),
        })
    });
    let response = next.run(request).await;
    // Whoever read it has some answer of its own for a body that broke off.
    if is_late.load(Ordering::Relaxed) {
        let close = [(CONNECTION, HeaderValue::from_static("close"))];
        let text = "the body did not come in time";
        return (StatusCode::REQUEST_TIMEOUT, close, text).into_response();
    }
    response
}

/// A body that breaks off at its deadline.
struct InTime {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    is_late: Arc<AtomicBool>,
}

impl http_body::Body for InTime {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // The deadline first: a body that trickles always has something ready.
        if self.deadline.as_mut().poll(cx).is_pending() {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        self.is_late.store(true, Ordering::Relaxed);
        let late = io::Error::from(io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
