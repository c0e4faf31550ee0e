//! The future of a confirmed event.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::error::ConfirmError;
use crate::ledger::DropReason;

/// Resolves when the ingest has confirmed an event, or it is known that it will not.
#[derive(Debug)]
#[must_use = "whether the event was delivered is known when this resolves"]
pub struct Confirmation(pub(super) State);

#[derive(Debug)]
pub(crate) enum State {
    Known(Result<(), ConfirmError>),
    Waiting(oneshot::Receiver<Result<(), ConfirmError>>),
}

impl Future for Confirmation {
    type Output = Result<(), ConfirmError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(result) => Poll::Ready(*result),
            State::Waiting(hears) => {
                let result = ready!(Pin::new(hears).poll(cx));
                // A worker that ended without a word ended by its shutdown's deadline.
                Poll::Ready(
                    result.unwrap_or(Err(ConfirmError::Dropped(DropReason::ShutdownTimeout))),
                )
            }
        }
    }
}
