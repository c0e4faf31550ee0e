//! Who waits for the worker: flushes, confirmations, a shutdown.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Instant;

use super::message::{ConfirmationWaiter, DiskFlush, Flush, Shutdown, ShutdownReport, answer};
use crate::error::{FlushError, SpoolError};
use crate::ledger::Stats;

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
        let oldest = oldest();
        let mut taken = Vec::new();
        for (sequence, flush) in std::mem::take(&mut self.disk_flushes) {
            if oldest.is_none_or(|oldest| oldest >= sequence) {
                taken.push(flush);
            } else if flush.deadline <= now {
                answer(flush.reply, Err(SpoolError::TimedOut(flush.timeout)));
            } else {
                self.disk_flushes.push((sequence, flush));
            }
        }
        taken
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

    /// Answers the flushes and confirmations that are done or whose time is up. `undelivered` and
    /// `oldest`, the sequence number of the oldest segment that is not done, are asked for when a
    /// flush needs them.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        undelivered: impl FnOnce() -> u64,
        oldest: impl FnOnce() -> Option<u64>,
    ) {
        if !self.flushes.is_empty() {
            let (oldest, pending) = (oldest(), undelivered());
            for (sequence, flush) in std::mem::take(&mut self.flushes) {
                if oldest.is_none_or(|oldest| oldest >= sequence) {
                    answer(flush.reply, Ok(()));
                } else if flush.deadline <= now {
                    answer(flush.reply, Err(FlushError::TimedOut { pending }));
                } else {
                    self.flushes.push((sequence, flush));
                }
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

    /// Answers all that is left when the worker ends. `all`: the ledgers of all destinations, the first one's first.
    pub(super) fn end(self, all: &[Stats], now: Instant) {
        let pending = all.iter().map(|stats| stats.pending).sum();
        let spooled: u64 = all.iter().map(|stats| stats.spooled).sum();
        for (_, flush) in self.flushes {
            answer(
                flush.reply,
                if pending + spooled == 0 {
                    Ok(())
                } else {
                    Err(FlushError::Closed)
                },
            );
        }
        for (_, flush) in self.disk_flushes {
            answer(flush.reply, Err(SpoolError::Closed));
        }
        let started = self.shutdowns.first().map_or(now, |first| first.started);
        let report = ShutdownReport {
            stats: all.first().copied().unwrap_or_default(),
            pending,
            elapsed: now.saturating_duration_since(started),
        };
        for reply in self.shutdowns.into_iter().filter_map(|it| it.reply) {
            answer(reply, report);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::error::ConfirmError;
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

        waits.answer(start, || 9, || Some(4));
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        waits.answer(start, || 9, || Some(5));
        assert_eq!(first.try_recv(), Ok(Ok(())));
        waits.answer(start + 2 * SECOND, || 3, || Some(6));
        assert_eq!(
            second.try_recv(),
            Ok(Err(FlushError::TimedOut { pending: 3 }))
        );
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
        waits.answer(start + SECOND, || 0, || None);
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
        waits.end(&[stats], start + SECOND);
        let report = first.try_recv().unwrap();
        assert_eq!((report.pending, report.elapsed), (2, SECOND));
        assert_eq!(second.try_recv(), Ok(report));
    }
}
