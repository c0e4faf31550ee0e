//! Turns at work that costs a core: few at a time, and one at a time for each source.
//!
//! Whoever sends many requests at once waits behind its own alone: another source waits for one piece of
//! work to end, however many the first has sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::source::Source;

/// How much of one source's work waits, that which runs included.
const WAITING: usize = 16;
/// How long work waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The work was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

#[derive(Debug)]
pub struct Turns {
    at_a_time: Arc<Semaphore>,
    /// Of those whose work waits or runs, and of nobody else.
    lines: Arc<Mutex<HashMap<Source, Line>>>,
}

/// The work of one source.
#[derive(Debug)]
struct Line {
    turn: Arc<Semaphore>,
    waiting: usize,
}

impl Turns {
    #[must_use]
    pub fn new(at_a_time: usize) -> Self {
        Self {
            at_a_time: Arc::new(Semaphore::new(at_a_time)),
            lines: Arc::default(),
        }
    }

    /// Runs blocking work when it is its turn.
    ///
    /// Work that has begun keeps its turn to its end, also when the caller goes away: sending a request and closing
    /// the connection would otherwise be a way around the bound.
    ///
    /// # Errors
    ///
    /// When too much of the source's work waits, or the turn does not come in time.
    pub async fn run<T: Send + 'static>(
        &self,
        source: Source,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = tokio::time::timeout(PATIENCE, self.turn(source));
        let turn = turn.await.map_err(|_| Busy)??;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Busy)
    }

    async fn turn(&self, source: Source) -> Result<Turn, Busy> {
        let (place, own) = Place::join(&self.lines, source)?;
        // The source's own first: one that has the other and waits for its own would hold others up.
        let own = own.acquire_owned().await.map_err(|_| Busy)?;
        let shared = Arc::clone(&self.at_a_time).acquire_owned().await;
        Ok(Turn {
            _permits: [own, shared.map_err(|_| Busy)?],
            _place: place,
        })
    }
}

struct Turn {
    _permits: [OwnedSemaphorePermit; 2],
    _place: Place,
}

/// A place in a line, given back when dropped.
struct Place {
    lines: Arc<Mutex<HashMap<Source, Line>>>,
    source: Source,
}

impl Place {
    fn join(
        lines: &Arc<Mutex<HashMap<Source, Line>>>,
        source: Source,
    ) -> Result<(Self, Arc<Semaphore>), Busy> {
        let mut known = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = known.entry(source).or_insert_with(|| Line {
            turn: Arc::new(Semaphore::new(1)),
            waiting: 0,
        });
        if line.waiting >= WAITING {
            return Err(Busy);
        }
        line.waiting += 1;
        let place = Self {
            lines: Arc::clone(lines),
            source,
        };
        Ok((place, Arc::clone(&line.turn)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(&self.source) {
            line.waiting -= 1;
            if line.waiting == 0 {
                lines.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::net::IpAddr;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    fn source(last: u8) -> Source {
        Source::from(IpAddr::from([192, 0, 2, last]))
    }

    /// Polls once, and says whether that was enough.
    async fn is_ready<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        let mut future = Some(future);
        poll_fn(move |cx| {
            let polled = future.take().map(|future| future.poll(cx));
            Poll::Ready(matches!(polled, Some(Poll::Ready(_))))
        })
        .await
    }

    #[tokio::test]
    async fn one_source_leaves_a_turn_for_the_others() {
        let turns = Turns::new(2);
        let first = turns.turn(source(1)).await.unwrap();
        let mut second = pin!(turns.turn(source(1)));
        assert!(!is_ready(second.as_mut()).await, "of one source one");
        let other = turns.turn(source(2)).await.unwrap();
        let mut third = pin!(turns.turn(source(3)));
        assert!(!is_ready(third.as_mut()).await, "no more than at a time");
        drop(other);
        assert!(is_ready(third.as_mut()).await, "it waited for one to end");
        drop(first);
        assert!(is_ready(second.as_mut()).await);
    }

    #[tokio::test]
    async fn a_source_has_a_bounded_line_and_leaves_nothing_behind() {
        let turns = Turns::new(2);
        let running = turns.turn(source(1)).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 1..WAITING {
            let mut turn = Box::pin(turns.turn(source(1)));
            assert!(!is_ready(turn.as_mut()).await);
            waiting.push(turn);
        }
        assert_eq!(turns.turn(source(1)).await.err(), Some(Busy));
        assert!(turns.turn(source(2)).await.is_ok());
        drop((running, waiting));
        assert!(turns.lines.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn work_that_was_left_alone_keeps_its_turn() {
        let turns = Turns::new(1);
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let mut left = Box::pin(turns.run(source(1), move || {
            begun.send(()).unwrap();
            let _ = may_end.recv();
        }));
        assert!(!is_ready(left.as_mut()).await);
        has_begun.recv().unwrap();
        drop(left);
        let mut next = pin!(turns.run(source(2), || ()));
        assert!(!is_ready(next.as_mut()).await, "the work still runs");
        drop(end);
        assert_eq!(next.await, Ok(()));
    }
}
