//! Who waits for the worker: flushes, confirmations, a shutdown.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Instant;

use super::message::{ConfirmationWaiter, DiskFlush, Flush, Shutdown, ShutdownReport, answer};
use crate::error::{FlushError, SpoolError};
use crate::ledger::DestinationReport;

/// Ended confirmations are swept out only once there are this many.
const MIN_SWEEP: usize = 64;

/// All waits, each with its own deadline.
#[derive(Default)]
pub(crate) struct Waits {
    /// Each until all segments before a sequence number are done.
    flushes: Vec<(u64, Flush)>,
    /// Those to disk, each until all segments before a sequence number were handed over.
    disk_flushes: Vec<(u64, DiskFlush)>,
    /// By deadline. An entry outlives its event until it is swept out.
    confirmations: BTreeMap<(Instant, u64), Weak<ConfirmationWaiter>>,
    next_confirmation: u64,
    sweep_at: usize,
    /// Of several the first deadline holds, and all are answered together.
    shutdowns: Vec<Shutdown>,
}

impl Waits {
    /// Adds a flush, which waits until all segments before `sequence` are done.
    pub(super) fn add_flush(&mut self, sequence: u64, flush: Flush) {
        self.flushes.push((sequence, flush));
    }

    /// Adds a flush to disk, which waits until all segments before `sequence` were handed over to the destinations.
    pub(super) fn add_disk_flush(&mut self, sequence: u64, flush: DiskFlush) {
        self.disk_flushes.push((sequence, flush));
    }

    /// Takes out the flushes to disk of which all was handed over, and answers those whose time is up. `oldest`, the
    /// sequence number of the oldest segment that was not handed over whole, is asked for when there is one.
    pub(super) fn take_disk_flushes(
        &mut self,
        now: Instant,
        oldest: impl FnOnce() -> Option<u64>,
    ) -> Vec<DiskFlush> {
        if self.disk_flushes.is_empty() {
            return Vec::new();
        }
        let is_late = |flush: &DiskFlush| flush.deadline <= now;
        let ended = Ended::of(&mut self.disk_flushes, oldest(), is_late);
        for flush in ended.late {
            answer(flush.reply, Err(SpoolError::TimedOut(flush.timeout)));
        }
        ended.done
    }

    pub(super) fn add_confirmation(&mut self, deadline: Instant, waiter: Weak<ConfirmationWaiter>) {
        self.confirmations
            .insert((deadline, self.next_confirmation), waiter);
        self.next_confirmation += 1;
        if self.confirmations.len() >= self.sweep_at.max(MIN_SWEEP) {
            self.confirmations
                .retain(|_, waiter| waiter.strong_count() > 0);
            self.sweep_at = 2 * self.confirmations.len();
        }
    }

    /// Adds a shutdown. One that nobody waits for counts only if none has begun.
    pub(super) fn add_shutdown(&mut self, shutdown: Shutdown) {
        if shutdown.reply.is_some() || self.shutdowns.is_empty() {
            self.shutdowns.push(shutdown);
        }
    }

    /// Answers the flushes and confirmations that are done or whose time is up. `oldest`, the sequence number of the
    /// oldest segment that is not done, and `reports`, the ledgers of all destinations, are asked for when a flush needs
    /// them.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        oldest: impl FnOnce() -> Option<u64>,
        reports: impl Fn() -> Vec<DestinationReport>,
    ) {
        if !self.flushes.is_empty() {
            let is_late = |flush: &Flush| flush.deadline <= now;
            let ended = Ended::of(&mut self.flushes, oldest(), is_late);
            for flush in ended.done {
                answer(flush.reply, Ok(()));
            }
            for flush in ended.late {
                answer(flush.reply, Err(FlushError::timed_out(reports())));
            }
        }
        while let Some(entry) = self.confirmations.first_entry()
            && entry.key().0 <= now
        {
            if let Some(waiter) = entry.remove().upgrade() {
                waiter.time_out();
            }
        }
    }

    /// Whether somebody waits for events to be delivered.
    pub(super) fn is_awaited(&self) -> bool {
        let mut confirmations = self.confirmations.values();
        !self.flushes.is_empty()
            || !self.shutdowns.is_empty()
            || confirmations.any(|waiter| waiter.strong_count() > 0)
    }

    /// The next deadline.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let flushes = self.flushes.iter().map(|(_, flush)| flush.deadline);
        let confirmation = self.confirmations.keys().next().map(|(at, _)| *at);
        let shutdowns = self.shutdowns.iter().map(|shutdown| shutdown.deadline);
        let to_disk = self.disk_flushes.iter().map(|(_, flush)| flush.deadline);
        let flushes = flushes.chain(to_disk);
        flushes.chain(confirmation).chain(shutdowns).min()
    }

    /// Returns whether a shutdown has begun, and is complete or out of time.
    pub(super) fn ends(&self, now: Instant, is_done: bool) -> bool {
        let mut shutdowns = self.shutdowns.iter();
        shutdowns.any(|shutdown| is_done || shutdown.deadline <= now)
    }

    /// Answers all that is left when the worker ends. `destinations`: the ledgers of all, the first one's first.
    pub(super) fn end(self, destinations: Vec<DestinationReport>, now: Instant) {
        let is_done = destinations.iter().all(|it| it.undelivered() == 0);
        for (_, flush) in self.flushes {
            let ended = if is_done {
                Ok(())
            } else {
                Err(FlushError::Closed)
            };
            answer(flush.reply, ended);
        }
        for (_, flush) in self.disk_flushes {
            answer(flush.reply, Err(SpoolError::Closed));
        }
        let started = self.shutdowns.first().map_or(now, |first| first.started);
        let elapsed = now.saturating_duration_since(started);
        let stats = destinations.first().map(|first| first.stats);
        let report = ShutdownReport::new(stats.unwrap_or_default(), elapsed, destinations);
        for reply in self.shutdowns.into_iter().filter_map(|it| it.reply) {
            answer(reply, report.clone());
        }
    }
}

/// Waits for segments that have ended.
struct Ended<W> {
    done: Vec<W>,
    /// Their time is up.
    late: Vec<W>,
}

impl<W> Ended<W> {
    /// Takes out what has ended of waits, each of which is done when all segments before a sequence number are. `oldest` is
    /// that of the oldest one that is not.
    fn of(waits: &mut Vec<(u64, W)>, oldest: Option<u64>, is_late: impl Fn(&W) -> bool) -> Self {
        let mut ended = Self {
            done: Vec::new(),
            late: Vec::new(),
        };
        for (sequence, wait) in std::mem::take(waits) {
            if oldest.is_none_or(|oldest| oldest >= sequence) {
                ended.done.push(wait);
            } else if is_late(&wait) {
                ended.late.push(wait);
            } else {
                waits.push((sequence, wait));
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::error::ConfirmError;
    use crate::ledger::Stats;
    use crate::queue::EventEnd;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_flush_is_answered_when_its_segments_are_done_or_its_time_is_up() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let (reply, mut first) = oneshot::channel();
        let deadline = start + SECOND;
        waits.add_flush(5, Flush { deadline, reply });
        let (reply, mut second) = oneshot::channel();
        let deadline = start + 2 * SECOND;
        waits.add_flush(7, Flush { deadline, reply });
        assert_eq!(waits.wake_at(), Some(start + SECOND));

        let reports = || {
            let report = |name, pending| {
                let stats = Stats {
                    pending,
                    ..Stats::default()
                };
                DestinationReport::new(name, stats)
            };
            vec![report("reo", 0), report("otlp", 3)]
        };
        waits.answer(start, || Some(4), reports);
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        waits.answer(start, || Some(5), reports);
        assert_eq!(first.try_recv(), Ok(Ok(())));
        waits.answer(start + 2 * SECOND, || Some(6), reports);
        let late = second.try_recv().unwrap().unwrap_err();
        assert_eq!(late, FlushError::timed_out(reports()));
        assert_eq!(late.to_string(), "3 events are still pending (otlp: 3)");
        assert_eq!(waits.wake_at(), None);
    }

    #[test]
    fn a_confirmation_times_out_once_and_an_ended_one_not_at_all() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let waiter = || {
            let (reply, answer) = oneshot::channel();
            (Arc::new(ConfirmationWaiter::new(SECOND, reply)), answer)
        };
        let (late, mut late_answer) = waiter();
        let (ended, mut ended_answer) = waiter();
        for waiter in [&late, &ended] {
            waits.add_confirmation(start + SECOND, Arc::downgrade(waiter));
        }
        ended.end(EventEnd::Delivered);
        waits.answer(start + SECOND, || None, Vec::new);
        let timed_out = Err(ConfirmError::Unknown(SECOND));
        assert_eq!(late_answer.try_recv(), Ok(timed_out));
        assert_eq!(ended_answer.try_recv(), Ok(Ok(())));
        late.end(EventEnd::Delivered);
        assert_eq!(waits.wake_at(), None);
    }

    #[test]
    fn ended_confirmations_are_swept_out() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        for _ in 0..10 * MIN_SWEEP {
            let (reply, _) = oneshot::channel();
            let waiter = Arc::new(ConfirmationWaiter::new(SECOND, reply));
            waits.add_confirmation(start, Arc::downgrade(&waiter));
        }
        assert!(waits.confirmations.len() < MIN_SWEEP);
    }

    #[test]
    fn of_several_shutdowns_the_first_deadline_holds_and_all_are_answered() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        assert!(!waits.ends(start, true), "none has begun");
        let shutdown = |deadline, started, reply| Shutdown {
            deadline,
            started,
            reply,
        };
        let (reply, mut first) = oneshot::channel();
        waits.add_shutdown(shutdown(start + 3 * SECOND, start, Some(reply)));
        let (reply, mut second) = oneshot::channel();
        waits.add_shutdown(shutdown(start + SECOND, start + SECOND, Some(reply)));
        waits.add_shutdown(shutdown(start, start, None));
        assert_eq!(waits.wake_at(), Some(start + SECOND));
        assert!(!waits.ends(start, false) && waits.ends(start, true));
        assert!(waits.ends(start + SECOND, false));

        let stats = Stats {
            pending: 2,
            ..Stats::default()
        };
        waits.end(vec![DestinationReport::new("reo", stats)], start + SECOND);
        let report = first.try_recv().unwrap();
        assert_eq!((report.pending, report.elapsed), (2, SECOND));
        assert_eq!(report.destinations[0].stats, stats);
        assert_eq!(second.try_recv(), Ok(report));
    }
}
