//! A wait for the worker: a future for async code, and a blocking form for plain threads.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use tokio::sync::oneshot;

use super::alarm::Alarm;

/// Resolves to the worker's answer, or to a substitute once it is certain that the worker will not answer.
pub(crate) enum Wait<T> {
    /// There is nothing to wait for. Taken when the wait is polled.
    Known(Option<T>),
    Asked(Asked<T>),
}

/// Why a wait ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The worker has ended, or there is none.
    Ended,
    /// The worker is held up.
    Late,
}

/// A question that the worker has been asked.
pub(crate) struct Asked<T> {
    answer: oneshot::Receiver<T>,
    otherwise: Option<Box<dyn FnOnce(Unanswered) -> T + Send + Sync>>,
    /// When the worker is late; `None` when there is no such time.
    late_at: Option<Instant>,
    /// Wakes async code then.
    alarm: Option<Alarm>,
}

impl<T> Asked<T> {
    /// What is known when the worker has not answered. Taken once.
    fn otherwise(&mut self, why: Unanswered) -> Option<T> {
        self.otherwise.take().map(|value| value(why))
    }

    fn is_late(&self) -> bool {
        self.late_at.is_some_and(|at| at <= Instant::now())
    }
}

impl<T> Wait<T> {
    pub(crate) const fn known(value: T) -> Self {
        Self::Known(Some(value))
    }

    pub(super) fn asked(
        answer: oneshot::Receiver<T>,
        late_at: Option<Instant>,
        alarm: Option<Alarm>,
        otherwise: impl FnOnce(Unanswered) -> T + Send + Sync + 'static,
    ) -> Self {
        Self::Asked(Asked {
            answer,
            otherwise: Some(Box::new(otherwise)),
            late_at,
            alarm,
        })
    }
}

impl<T: Unpin> Wait<T> {
    /// Blocks for the answer, or until the worker is late.
    pub(crate) fn block(mut self) -> T {
        let late_at = match &mut self {
            Self::Known(_) => None,
            Self::Asked(asked) => {
                // This thread keeps the time by itself.
                asked.alarm = None;
                asked.late_at
            }
        };
        let mut wait = pin!(self);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = wait.as_mut().poll(&mut context) {
                return value;
            }
            match late_at {
                None => thread::park(),
                Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
            }
        }
    }
}

impl<T: Unpin> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let value = match &mut *self {
            Self::Known(value) => value.take(),
            Self::Asked(asked) => match Pin::new(&mut asked.answer).poll(cx) {
                Poll::Ready(Ok(value)) => Some(value),
                Poll::Ready(Err(_)) => asked.otherwise(Unanswered::Ended),
                Poll::Pending if asked.is_late() => asked.otherwise(Unanswered::Late),
                Poll::Pending => {
                    if let Some(alarm) = &mut asked.alarm {
                        alarm.set(cx.waker());
                    }
                    return Poll::Pending;
                }
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
    use std::time::Duration;

    use super::super::alarm::Alarms;
    use super::*;

    type ReplySender = oneshot::Sender<Result<u32, Unanswered>>;

    fn asked(late_at: Option<Instant>) -> (ReplySender, Wait<Result<u32, Unanswered>>) {
        let (reply, answer) = oneshot::channel();
        let alarm = late_at.map(|at| Alarm::new(&Arc::default(), at));
        (reply, Wait::asked(answer, late_at, alarm, Err))
    }

    #[test]
    fn a_known_value_is_there_at_once() {
        assert_eq!(Wait::known(7).block(), 7);
    }

    #[test]
    fn an_answer_from_another_thread_ends_a_blocking_wait() {
        let (reply, wait) = asked(None);
        let worker = thread::spawn(move || reply.send(Ok(7)));
        assert_eq!(wait.block(), Ok(7));
        assert_eq!(worker.join().unwrap(), Ok(()));
    }

    #[test]
    fn a_worker_that_ends_without_an_answer_ends_a_wait() {
        let (reply, wait) = asked(None);
        drop(reply);
        assert_eq!(wait.block(), Err(Unanswered::Ended));
    }

    #[test]
    fn a_worker_that_is_late_is_given_up_and_its_answer_counts_if_it_is_there() {
        let start = Instant::now();
        let (_reply, wait) = asked(Some(start));
        assert_eq!(wait.block(), Err(Unanswered::Late));
        let (reply, wait) = asked(Some(start));
        reply.send(Ok(7)).unwrap();
        assert_eq!(wait.block(), Ok(7));
    }

    #[test]
    fn an_alarm_ends_an_async_wait_without_a_timer_of_the_executor() {
        let soon = Instant::now() + Duration::from_millis(20);
        let (_reply, wait) = asked(Some(soon));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        assert_eq!(runtime.unwrap().block_on(wait), Err(Unanswered::Late));
        assert!(Instant::now() >= soon);
    }

    #[test]
    fn alarms_ring_in_order_and_their_thread_ends_with_the_last() {
        let alarms = Arc::new(Alarms::default());
        let (sender, rung) = std::sync::mpsc::channel();
        let waker = |number| {
            let sender = sender.clone();
            Waker::from(Arc::new(SendNumber(number, sender)))
        };
        let start = Instant::now();
        let [mut late, mut soon, mut never] = [30, 10, 600_000]
            .map(|millis| Alarm::new(&alarms, start + Duration::from_millis(millis)));
        never.set(&waker(3));
        soon.set(&waker(1));
        late.set(&waker(2));
        assert_eq!([rung.recv(), rung.recv()], [Ok(1), Ok(2)]);
        drop((late, soon, never));
        while Arc::strong_count(&alarms) > 1 {
            thread::yield_now();
        }
        assert!(rung.try_recv().is_err());
    }

    struct SendNumber(u32, std::sync::mpsc::Sender<u32>);

    impl Wake for SendNumber {
        fn wake(self: Arc<Self>) {
            let _ = self.1.send(self.0);
        }
    }
}
