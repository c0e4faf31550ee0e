//! A wait for the worker: a future for async code, and a blocking form for plain threads.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How much longer than its deadline a blocking wait waits for a worker that a hook holds up.
const GRACE: Duration = Duration::from_secs(1);

/// Resolves to what the worker answers; to another value when the worker ends without an answer.
pub(crate) enum Wait<T> {
    /// There is nothing to wait for. Taken when the wait is polled.
    Known(Option<T>),
    Asked {
        answer: oneshot::Receiver<T>,
        if_ended: Option<Box<dyn FnOnce() -> T + Send + Sync>>,
    },
}

impl<T> Wait<T> {
    pub(crate) const fn known(value: T) -> Self {
        Self::Known(Some(value))
    }

    pub(crate) fn asked(
        answer: oneshot::Receiver<T>,
        if_ended: impl FnOnce() -> T + Send + Sync + 'static,
    ) -> Self {
        Self::Asked {
            answer,
            if_ended: Some(Box::new(if_ended)),
        }
    }
}

impl<T: Unpin> Wait<T> {
    /// Blocks for the answer, a little longer than the `timeout` that the worker was given: it answers
    /// at the deadline by itself, unless the host's hook holds it up. `None`: it did not.
    /// [`Duration::MAX`] waits until the worker has answered or ended.
    pub(crate) fn block(self, timeout: Duration) -> Option<T> {
        self.block_until(Instant::now().checked_add(timeout.saturating_add(GRACE)))
    }

    fn block_until(self, deadline: Option<Instant>) -> Option<T> {
        let mut wait = pin!(self);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = wait.as_mut().poll(&mut context) {
                return Some(value);
            }
            match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

impl<T: Unpin> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let value = match &mut *self {
            Self::Known(value) => value.take(),
            Self::Asked { answer, if_ended } => match Pin::new(answer).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(value)) => Some(value),
                Poll::Ready(Err(_)) => if_ended.take().map(|value| value()),
            },
        };
        // A future that is polled again after its end stays pending: there is no value left.
        value.map_or(Poll::Pending, Poll::Ready)
    }
}

/// Wakes a thread that blocks.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_value_is_there_at_once() {
        assert_eq!(Wait::known(7).block(Duration::ZERO), Some(7));
    }

    #[test]
    fn an_answer_from_another_thread_ends_a_blocking_wait() {
        let (reply, answer) = oneshot::channel();
        let wait = Wait::asked(answer, || 0);
        let worker = thread::spawn(move || reply.send(7));
        assert_eq!(wait.block(Duration::MAX), Some(7));
        assert_eq!(worker.join().unwrap(), Ok(()));
    }

    #[test]
    fn a_worker_that_ends_without_an_answer_ends_a_wait() {
        let (reply, answer) = oneshot::channel();
        let wait = Wait::asked(answer, || 3);
        drop(reply);
        assert_eq!(wait.block(Duration::MAX), Some(3));
    }

    #[test]
    fn a_worker_that_does_not_answer_is_given_up_after_the_deadline() {
        let (_reply, answer) = oneshot::channel();
        let start = Instant::now();
        let wait = Wait::asked(answer, || 3);
        assert_eq!(wait.block_until(Some(start)), None);
    }

    #[test]
    fn a_wait_that_is_too_long_for_the_clock_has_no_end() {
        let (reply, answer) = oneshot::channel();
        reply.send(7).unwrap();
        assert_eq!(Wait::asked(answer, || 0).block(Duration::MAX), Some(7));
    }
}
