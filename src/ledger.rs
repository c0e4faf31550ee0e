//! The ledger: every event offered ends once, delivered or dropped for a counted reason.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Why an event was not delivered.
///
/// Each reason is counted on its own in [`Stats::dropped`]; [`as_str`](Self::as_str) is its name
/// in loss reports and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue was full (`max_queue_events` or `max_queue_bytes`), and kept its older events.
    QueueFull,
    /// The queue was full and made room for newer events (`WhenFull::DropOldest`), or the event was among the oldest of a
    /// destination that lags behind the others.
    Evicted,
    /// The event exceeds the size of one event, or the ingest answered 413 to it alone.
    TooLarge,
    /// Neither the event nor the logger has a field that the wire requires.
    MissingField,
    /// The wire has no place for this kind of event.
    UnsupportedByWire,
    /// A redaction rule failed; the event is dropped rather than sent unredacted.
    RedactionFailed,
    /// The `before_send` hook discarded the event, or failed.
    BeforeSend,
    /// The tool is sampled, and this call was not chosen.
    Sampled,
    /// The tool was called more often than its rate cap allows.
    RateCapped,
    /// The hook of [`consent`](crate::Builder::consent) returned `false` for the event's user, or panicked.
    NoConsent,
    /// The event's user was [forgotten](crate::UsageLogger::forget) before it was delivered.
    Forgotten,
    /// The ingest answered 401, or 403 where no event of the request was found to be the cause.
    Unauthorized,
    /// The ingest answered with a redirect or with another 4xx status, or refused this event of
    /// an accepted batch.
    Rejected,
    /// The ingest kept answering 5xx to this event while it accepted others.
    Refused,
    /// The event was not delivered within `max_event_age`.
    Expired,
    /// The spool did not keep the event: it was full and made room for newer ones, or its file was
    /// damaged or removed.
    SpoolFull,
    /// The shutdown's deadline passed first.
    ShutdownTimeout,
    /// The event was offered after the shutdown, or while the system had no thread for the worker; or
    /// the worker has panicked.
    Closed,
    /// The process was forked: this handle's worker lives in the parent.
    Forked,
}

impl DropReason {
    /// Every reason, in the order of loss reports.
    pub const ALL: &'static [Self] = &[
        Self::QueueFull,
        Self::Evicted,
        Self::TooLarge,
        Self::MissingField,
        Self::UnsupportedByWire,
        Self::RedactionFailed,
        Self::BeforeSend,
        Self::Sampled,
        Self::RateCapped,
        Self::NoConsent,
        Self::Forgotten,
        Self::Unauthorized,
        Self::Rejected,
        Self::Refused,
        Self::Expired,
        Self::SpoolFull,
        Self::ShutdownTimeout,
        Self::Closed,
        Self::Forked,
    ];

    const COUNT: usize = Self::ALL.len();

    /// Returns the reason in snake case, as in loss reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Evicted => "evicted",
            Self::TooLarge => "too_large",
            Self::MissingField => "missing_field",
            Self::UnsupportedByWire => "unsupported_by_wire",
            Self::RedactionFailed => "redaction_failed",
            Self::BeforeSend => "before_send",
            Self::Sampled => "sampled",
            Self::RateCapped => "rate_capped",
            Self::NoConsent => "no_consent",
            Self::Forgotten => "forgotten",
            Self::Unauthorized => "unauthorized",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::SpoolFull => "spool_full",
            Self::ShutdownTimeout => "shutdown_timeout",
            Self::Closed => "closed",
            Self::Forked => "forked",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many events were dropped, by reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::COUNT]);

impl Dropped {
    /// Returns the number of events dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Returns the number of events dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Iterates over the reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL
            .iter()
            .map(|&reason| (reason, self.get(reason)))
            .filter(|&(_, count)| count > 0)
    }
}

impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(reason, count)| (reason.as_str(), count)))
            .finish()
    }
}

/// The counts of one destination in the result of a [`flush`](crate::UsageLogger::flush) that timed out, or of a
/// [`shutdown`](crate::UsageLogger::shutdown).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DestinationReport {
    /// Its name, as [`DestinationHandle::name`](crate::DestinationHandle::name).
    pub name: String,
    /// Its ledger at that time, as [`DestinationHandle::stats`](crate::DestinationHandle::stats).
    pub stats: Stats,
}

impl DestinationReport {
    pub(crate) fn new(name: &str, stats: Stats) -> Self {
        Self {
            name: name.to_owned(),
            stats,
        }
    }

    /// Events that have not ended.
    pub(crate) const fn undelivered(&self) -> u64 {
        self.stats.pending + self.stats.spooled
    }
}

/// A snapshot of what happened to the events offered so far.
///
/// Whenever the logger is idle, `offered + recovered == delivered + dropped.total() + pending + spooled`; without a spool
/// `recovered` and `spooled` are 0. Each term is counted where it happens, so a snapshot taken while other threads log may
/// be off by the events that are between two counters at that moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Events handed to `log_usage`, or recorded by a call guard.
    pub offered: u64,
    /// Events that earlier processes left in the spool, and this logger took over.
    pub recovered: u64,
    /// Events the ingest confirmed with a 2xx answer.
    pub delivered: u64,
    /// Events queued, in flight, or waiting for a retry.
    pub pending: u64,
    /// Events that are only on disk: they wait there for room in memory or, after a shutdown, for the next
    /// process. Pending events that are also on disk count as pending.
    pub spooled: u64,
    /// Events lost, by reason.
    pub dropped: Dropped,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that failed and are retried.
    pub retries: u64,
    /// Bytes of memory that the queue holds, including batches in flight and open call guards.
    pub queue_bytes: u64,
    /// Panics caught in a caller's `Serialize`, redaction rule or hook.
    pub panics: u64,
    /// Requests without a user because the hook of `identify` failed; their events are anonymous.
    pub identity_failures: u64,
    /// Calls, and requests for prompts and resources, recorded with names and sizes in place of some of their content,
    /// because open calls together held a quarter of `max_queue_bytes`, because the queue was full, or because a message was
    /// larger than `max_message_bytes`.
    pub calls_without_content: u64,
    /// Request messages that a layer or a stream passed on unread: compressed, not JSON, with an outline that is too large,
    /// or after the hundredth message of a batch. Calls among them have no event.
    pub unread_messages: u64,
    /// Malformed values of events that were left out, or replaced by their default: an `event_id` below 1, an `event_at`
    /// outside 2020 to 2100, an invalid `traceparent`, a duration of more than a hundred years, a tool without a name in an
    /// `Init`, arguments that mcpeye's own tool does not take. What `before_send` returns and what is read back from a
    /// spool is also checked, for each member that the wire's format names.
    pub fields_left_out: u64,
    /// Problems of the spool: a failed write, a damaged or missing file, files of other users.
    pub spool_faults: u64,
}

impl Stats {
    /// Returns whether the numbers add up; they always do when the logger is idle.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.offered + self.recovered
            == self.delivered + self.dropped.total() + self.pending + self.spooled
    }
}

/// Prints the sum, and the reasons for drops if there were any.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offered,
            recovered,
            delivered,
            pending,
            spooled,
            dropped,
            ..
        } = self;
        write!(f, "offered {offered}")?;
        if *recovered > 0 {
            write!(f, " + recovered {recovered}")?;
        }
        write!(f, " = delivered {delivered} + dropped {}", dropped.total())?;
        for (n, (reason, count)) in dropped.iter().enumerate() {
            write!(f, "{}{reason} {count}", if n == 0 { " (" } else { ", " })?;
        }
        let close = if dropped.total() > 0 { ")" } else { "" };
        write!(f, "{close} + pending {pending}")?;
        if *spooled > 0 {
            write!(f, " + spooled {spooled}")?;
        }
        Ok(())
    }
}

/// The live counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    callers: Callers,
    recovered: AtomicU64,
    delivered: AtomicU64,
    spooled: AtomicU64,
    dropped: [AtomicU64; DropReason::COUNT],
    requests: AtomicU64,
    retries: AtomicU64,
    panics: AtomicU64,
    identity_failures: AtomicU64,
    calls_without_content: AtomicU64,
    unread_messages: AtomicU64,
    fields_left_out: AtomicU64,
    spool_faults: AtomicU64,
}

/// The callers' counters, in a cache line of their own, so that the worker's counters do not share it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Callers {
    /// Without those of `refused_full`.
    offered: AtomicU64,
    pending: AtomicU64,
    refused_full: AtomicU64,
}

impl Ledger {
    /// An event was offered, and refused.
    pub(crate) fn refuse(&self, reason: DropReason) {
        self.callers.offered.fetch_add(1, Relaxed);
        self.count_dropped(reason, 1);
    }

    /// An event was offered, and found the queue full before any other work. One counter stands for
    /// both facts: while a queue is full this is most of what a call costs.
    pub(crate) fn refuse_full(&self) {
        self.callers.refused_full.fetch_add(1, Relaxed);
    }

    /// An event was offered, and queued; returns how many are pending.
    pub(crate) fn queue(&self) -> u64 {
        self.callers.offered.fetch_add(1, Relaxed);
        self.callers.pending.fetch_add(1, Relaxed) + 1
    }

    /// Pending events were confirmed by the ingest.
    pub(crate) fn deliver(&self, events: u64) {
        self.delivered.fetch_add(events, Relaxed);
        self.callers.pending.fetch_sub(events, Relaxed);
    }

    /// Pending events were dropped.
    pub(crate) fn drop_pending(&self, reason: DropReason, events: u64) {
        self.count_dropped(reason, events);
        self.callers.pending.fetch_sub(events, Relaxed);
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn panics(&self, caught: u64) {
        if caught > 0 {
            self.panics.fetch_add(caught, Relaxed);
        }
    }

    pub(crate) fn identity_failure(&self) {
        self.identity_failures.fetch_add(1, Relaxed);
    }

    pub(crate) fn call_without_content(&self) {
        self.calls_without_content.fetch_add(1, Relaxed);
    }

    pub(crate) fn unread(&self, messages: u64) {
        self.unread_messages.fetch_add(messages, Relaxed);
    }

    pub(crate) fn leave_out(&self, fields: u64) {
        if fields > 0 {
            self.fields_left_out.fetch_add(fields, Relaxed);
        }
    }

    pub(crate) fn pending(&self) -> u64 {
        self.callers.pending.load(Relaxed)
    }

    /// Events offered, except those that are left out on purpose.
    pub(crate) fn wanted(&self) -> u64 {
        let left_out = [
            DropReason::Sampled,
            DropReason::RateCapped,
            DropReason::NoConsent,
        ];
        let left_out = left_out.map(|reason| self.dropped.get(reason as usize));
        let left_out = left_out
            .into_iter()
            .flatten()
            .map(|count| count.load(Relaxed));
        let offered = self.callers.offered.load(Relaxed);
        offered.saturating_sub(left_out.sum())
    }

    pub(crate) fn spooled(&self) -> u64 {
        self.spooled.load(Relaxed)
    }

    pub(crate) fn refused_full(&self) -> u64 {
        self.callers.refused_full.load(Relaxed)
    }

    pub(crate) fn dropped(&self) -> Dropped {
        let mut counts = Dropped::default();
        for (to, from) in counts.0.iter_mut().zip(&self.dropped) {
            *to = from.load(Relaxed);
        }
        if let Some(full) = counts.0.get_mut(DropReason::QueueFull as usize) {
            *full += self.refused_full();
        }
        counts
    }

    pub(crate) fn snapshot(&self, queue_bytes: u64) -> Stats {
        Stats {
            offered: self.callers.offered.load(Relaxed) + self.refused_full(),
            recovered: self.recovered.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            pending: self.pending(),
            spooled: self.spooled(),
            dropped: self.dropped(),
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            queue_bytes,
            panics: self.panics.load(Relaxed),
            identity_failures: self.identity_failures.load(Relaxed),
            calls_without_content: self.calls_without_content.load(Relaxed),
            unread_messages: self.unread_messages.load(Relaxed),
            fields_left_out: self.fields_left_out.load(Relaxed),
            spool_faults: self.spool_faults.load(Relaxed),
        }
    }

    fn count_dropped(&self, reason: DropReason, events: u64) {
        if let Some(count) = self.dropped.get(reason as usize) {
            count.fetch_add(events, Relaxed);
        }
    }
}

/// Moves between memory and disk.
impl Ledger {
    /// Events of earlier processes were found on disk.
    pub(crate) fn recover(&self, events: u64) {
        self.spooled.fetch_add(events, Relaxed);
        self.recovered.fetch_add(events, Relaxed);
    }

    /// Pending events are only on disk from now on.
    pub(crate) fn spool(&self, events: u64) {
        self.spooled.fetch_add(events, Relaxed);
        self.callers.pending.fetch_sub(events, Relaxed);
    }

    /// Events were read back into memory.
    pub(crate) fn load(&self, events: u64) {
        self.callers.pending.fetch_add(events, Relaxed);
        self.spooled.fetch_sub(events, Relaxed);
    }

    /// Events that were only on disk were dropped.
    pub(crate) fn drop_spooled(&self, reason: DropReason, events: u64) {
        self.count_dropped(reason, events);
        self.spooled.fetch_sub(events, Relaxed);
    }

    pub(crate) fn spool_fault(&self) {
        self.spool_faults.fetch_add(1, Relaxed);
    }
}

/// What happened to an event when it was offered. You may ignore it: each drop is counted in [`Stats::dropped`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is redacted and queued; the worker delivers it.
    Queued,
    /// It was dropped, and counted.
    Dropped(DropReason),
    /// The logger is switched off; nothing is counted.
    Disabled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        let ledger = Ledger::default();
        for (n, &reason) in DropReason::ALL.iter().enumerate() {
            for _ in 0..=n {
                ledger.refuse(reason);
            }
        }
        let dropped = ledger.dropped();
        for (n, &reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(dropped.get(reason), n as u64 + 1, "{reason}");
        }
        let names: std::collections::BTreeSet<_> =
            DropReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
        assert_eq!(dropped.total(), 19 * 20 / 2);
    }
}
