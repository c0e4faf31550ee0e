//! Turns at work that costs a core: few at a time, and one at a time for each source.
//!
//! The many requests of one source wait only for each other: another source waits for at most one piece of each
//! source's work, and only if as many sources as have turns at a time are busy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::source::Source;

/// How much of one source's work waits, that which runs included.
const WAITING: usize = 16;
/// How long work waits for its turn.
pub const PATIENCE: Duration = Duration::from_secs(5);

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
    use std::collections::VecDeque;
    use std::future::{Future, poll_fn};
    use std::net::IpAddr;
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    fn source(last: u8) -> Source {
        Source::from(IpAddr::from([192, 0, 2, last]))
    }

    /// Polls once, and returns the output if that was enough.
    async fn polled<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| {
            Poll::Ready(match future.as_mut().poll(cx) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await
    }

    /// Takes a turn that is there at once, or none.
    async fn taken(turns: &Turns, source: Source) -> Option<Turn> {
        polled(pin!(turns.turn(source))).await?.ok()
    }

    #[tokio::test]
    async fn one_source_leaves_a_turn_for_the_others() {
        let turns = Turns::new(2);
        let first = taken(&turns, source(1)).await.unwrap();
        let mut second = pin!(turns.turn(source(1)));
        assert!(polled(second.as_mut()).await.is_none(), "of one source one");
        let other = taken(&turns, source(2)).await.unwrap();
        assert!(taken(&turns, source(3)).await.is_none(), "two at a time");
        drop(other);
        assert!(taken(&turns, source(3)).await.is_some());
        drop(first);
        assert!(polled(second.as_mut()).await.is_some());
    }

    #[tokio::test]
    async fn behind_busy_sources_another_waits_for_at_most_one_piece_of_each() {
        const OTHER: u8 = 5;
        let turns = Turns::new(2);
        let (mut waiting, mut running) = (Vec::new(), VecDeque::new());
        let busy = (0..OTHER).chain(0..OTHER).chain(0..OTHER);
        for n in busy.chain([OTHER]) {
            let mut turn = Box::pin(turns.turn(source(n)));
            match polled(turn.as_mut()).await {
                Some(turn) => running.push_back((n, turn.unwrap())),
                None => waiting.push((n, turn)),
            }
        }
        let mut done = Vec::new();
        while running.iter().all(|(n, _)| *n != OTHER) {
            let (n, turn) = running.pop_front().unwrap();
            assert!(!done.contains(&n), "{n} again, after {done:?}");
            done.push(n);
            drop(turn);
            let mut still = Vec::new();
            for (n, mut turn) in waiting {
                match polled(turn.as_mut()).await {
                    Some(turn) => running.push_back((n, turn.unwrap())),
                    None => still.push((n, turn)),
                }
            }
            waiting = still;
        }
        assert!(!done.is_empty(), "two at a time");
    }

    #[tokio::test]
    async fn a_source_has_a_bounded_line_and_leaves_nothing_behind() {
        let turns = Turns::new(2);
        let running = taken(&turns, source(1)).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 1..WAITING {
            let mut turn = Box::pin(turns.turn(source(1)));
            assert!(polled(turn.as_mut()).await.is_none());
            waiting.push(turn);
        }
        let one_more = polled(pin!(turns.turn(source(1)))).await;
        assert_eq!(one_more.map(|turn| turn.err()), Some(Some(Busy)));
        assert!(taken(&turns, source(2)).await.is_some());
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
        assert!(polled(left.as_mut()).await.is_none());
        has_begun.recv().unwrap();
        drop(left);
        let mut next = pin!(turns.turn(source(2)));
        assert!(polled(next.as_mut()).await.is_none(), "the work still runs");
        drop(end);
        assert!(next.await.is_ok());
    }
}
