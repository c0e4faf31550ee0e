//! What the worker reports to the host: log lines on a change of state, and the error callback. Never
//! from a caller's thread, and never an event's content.

use std::sync::Arc;

use crate::base::log;
use crate::base::panics::{self, Panicked};
use crate::error::DeliveryError;
use crate::hooks::OnError;
use crate::ledger::{DropReason, Ledger, Stats};

/// Remembers what was reported, so that an outage is one line at its start and one at its end.
pub(crate) struct Reporter {
    ledger: Arc<Ledger>,
    on_error: Option<OnError>,
    verbose: bool,
    failing: bool,
    refused: Option<DropReason>,
    /// It was said that events are incomplete.
    incomplete: bool,
    /// Drops seen so far, and whether an episode of drops is under way.
    drops: u64,
    dropping: bool,
    /// The last fault of the spool.
    spool_fault: String,
    /// The last answer to a batch was JSON that the wire does not know.
    unknown_answer: bool,
}

impl Reporter {
    pub(crate) fn new(ledger: Arc<Ledger>, on_error: Option<OnError>, verbose: bool) -> Self {
        Self {
            ledger,
            on_error,
            verbose,
            failing: false,
            refused: None,
            incomplete: false,
            drops: 0,
            dropping: false,
            spool_fault: String::new(),
            unknown_answer: false,
        }
    }

    pub(crate) fn sending(&self, events: usize, bytes: usize) {
        self.say(|| format!("sending {events} events, {bytes} bytes"));
    }

    pub(crate) fn delivered(&mut self, events: u64, status: u16) {
        self.refused = None;
        self.say(|| format!("delivered {events} events ({status})"));
    }

    pub(crate) fn retrying(&mut self, events: u64, cause: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            self.count(log::warn(format_args!(
                "usage delivery fails and is tried again: {cause}"
            )));
        }
        self.say(|| format!("retrying {events} events: {cause}"));
        self.call(&DeliveryError::Retrying {
            events,
            cause: cause.to_owned(),
        });
    }

    /// The ingest fails on a batch while it takes others.
    pub(crate) fn suspects(&self, events: u64, cause: &str) {
        self.say(|| format!("trying {events} events apart: {cause}"));
        self.call(&DeliveryError::Retrying {
            events,
            cause: cause.to_owned(),
        });
    }

    /// Says once when answers begin to be unknown.
    pub(crate) fn answer_is_known(&mut self, is_known: bool) {
        let was_unknown = std::mem::replace(&mut self.unknown_answer, !is_known);
        if !is_known && !was_unknown {
            self.count(log::warn(format_args!(
                "the ingest answers a batch with JSON that is not known; by the status its events are delivered"
            )));
        }
    }

    pub(crate) fn broke(&self, cause: &str) {
        self.count(log::warn(format_args!(
            "usage delivery pauses after repeated failures: {cause}"
        )));
        self.say(|| "pausing after repeated failures".to_owned());
    }

    pub(crate) fn recovered(&mut self) {
        if std::mem::replace(&mut self.failing, false) {
            self.count(log::info(format_args!("usage delivery works again")));
            self.say(|| "delivery works again".to_owned());
        }
    }

    /// Events were given up by the worker.
    pub(crate) fn dropped(&mut self, events: u64, reason: DropReason, cause: &str) {
        if events == 0 {
            return;
        }
        let answered = matches!(
            reason,
            DropReason::Unauthorized
                | DropReason::Rejected
                | DropReason::Refused
                | DropReason::TooLarge
        );
        if answered && self.refused != Some(reason) {
            self.refused = Some(reason);
            self.count(log::error(format_args!(
                "usage events are refused ({reason}): {cause}"
            )));
        }
        self.say(|| format!("dropped {events} events ({reason}): {cause}"));
        self.call(&DeliveryError::Dropped {
            events,
            reason,
            cause: cause.to_owned(),
        });
    }

    /// Events are dropped as incomplete.
    pub(crate) fn missing_field(&mut self, field: &str) {
        if !std::mem::replace(&mut self.incomplete, true) {
            self.count(log::warn(format_args!(
                "usage events are dropped as incomplete: {field}"
            )));
            self.say(|| format!("incomplete: {field}"));
        }
    }

    /// Logs when drops begin and when they end, whoever dropped the events.
    pub(crate) fn log_drop_episode(&mut self) {
        let dropped = self.ledger.dropped();
        let total = dropped.total();
        let more = total > self.drops;
        self.drops = total;
        if more && !self.dropping {
            self.count(log::warn(format_args!(
                "usage events are being dropped: {dropped:?}"
            )));
        } else if !more && self.dropping {
            self.count(log::info(format_args!(
                "usage events are no longer dropped; so far: {dropped:?}"
            )));
        }
        self.dropping = more;
    }

    /// Events of earlier processes were found in the spool.
    pub(crate) fn recovered_from_disk(&self, events: u64) {
        if events > 0 {
            self.count(log::info(format_args!(
                "{events} usage events of earlier processes are delivered from the spool"
            )));
            self.say(|| format!("recovered {events} events from the spool"));
        }
    }

    /// Something is wrong with the spool. A fault that lasts is logged once.
    pub(crate) fn spool_fault(&mut self, cause: &str) {
        if self.spool_fault != cause {
            self.spool_fault = cause.to_owned();
            self.count(log::warn(format_args!("the usage spool: {cause}")));
        }
        self.say(|| format!("spool: {cause}"));
    }

    pub(crate) fn spool_works_again(&mut self) {
        self.spool_fault.clear();
        self.count(log::info(format_args!("the usage spool works again")));
        self.say(|| "the spool works again".to_owned());
    }

    pub(crate) fn shut_down(&self, stats: &Stats) {
        let lost = stats.dropped.total() + stats.pending;
        if lost > 0 {
            let Stats {
                offered,
                delivered,
                pending,
                dropped,
                ..
            } = stats;
            self.count(log::warn(format_args!(
                "usage logging ends: {offered} offered, {delivered} delivered, {pending} undelivered, dropped {dropped:?}"
            )));
        }
        if stats.spooled > 0 {
            self.count(log::info(format_args!(
                "usage logging ends: {} events stay in the spool",
                stats.spooled
            )));
        }
        self.say(|| format!("shut down: {stats:?}"));
    }

    fn call(&self, error: &DeliveryError) {
        if let Some(callback) = &self.on_error {
            self.count(panics::catch(|| callback(error)));
        }
    }

    /// Counts a panic of the host's code.
    fn count(&self, ran: Result<(), Panicked>) {
        if ran.is_err() {
            self.ledger.panics(1);
        }
    }

    /// Prints what is done to stderr, if `PACKAGE_TRACKER_VERBOSE` asks for it.
    fn say(&self, line: impl FnOnce() -> String) {
        if self.verbose {
            log::say(&line());
        }
    }
}
