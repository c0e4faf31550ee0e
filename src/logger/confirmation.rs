//! The future of a confirmed event.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::wait::Wait;
use crate::error::ConfirmError;

/// Resolves when the ingest has confirmed an event, or when it is certain that it will not.
#[must_use = "whether the event was delivered is known when this resolves"]
pub struct Confirmation(pub(super) Wait<Result<(), ConfirmError>>);

impl Future for Confirmation {
    type Output = Result<(), ConfirmError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmation")
    }
}
