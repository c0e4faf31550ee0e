//! What the worker reports to the host: log lines on a change of state, and the error callback. Never
//! from a caller's thread, and never an event's content.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::clock::Clock;
use crate::base::log;
use crate::base::panics::{self, Panicked};
use crate::error::DeliveryError;
use crate::hooks::OnError;
use crate::ledger::{DropReason, Ledger, Stats};

/// How long a line that was logged stands for what is like it, though there was an end to it meanwhile.
const PAUSE: Duration = Duration::from_secs(60);

/// Remembers what was reported, so that an outage is one line at its start and one at its end.
pub(crate) struct Reporter {
    place: String,
    ledger: Arc<Ledger>,
    on_error: Option<OnError>,
    verbose: bool,
    clock: Clock,
    failing: bool,
    /// Events were refused for these reasons.
    refused: BTreeMap<DropReason, Episode>,
    /// It was said that events are incomplete.
    incomplete: bool,
    drops: Drops,
    /// The last fault of the spool.
    spool_fault: String,
    /// What was not understood of answers to batches.
    unclear: BTreeMap<&'static str, Episode>,
}

/// What is logged when it begins. Where it comes, ends and comes again, as a single event that is refused among
/// others that are taken, it is logged at most once in [`PAUSE`].
#[derive(Debug, Default)]
struct Episode {
    logged: Option<Instant>,
    has_ended: bool,
    untold: u64,
}

impl Episode {
    /// It has come `times` times. If it is time for a line, returns how often it came unsaid since the last one.
    fn comes(&mut self, times: u64, now: Instant) -> Option<u64> {
        let is_new = |logged| self.has_ended && now.saturating_duration_since(logged) >= PAUSE;
        if !self.logged.is_none_or(is_new) {
            self.untold += times;
            return None;
        }
        self.logged = Some(now);
        self.has_ended = false;
        Some(std::mem::take(&mut self.untold))
    }
}

/// The drops of events, for whatever reason. An episode of them ends when the ingest has accepted an event since the
/// last one, or a [`PAUSE`] after it. Where drops and accepted events alternate, as with sampling, an episode begins at
/// most once in a [`PAUSE`].
#[derive(Debug, Default)]
struct Drops {
    /// How many were seen, and how many of them an episode has covered.
    seen: u64,
    told: u64,
    last: Option<Instant>,
    /// An event was accepted since the last drop.
    accepted: bool,
    /// When the last episode began.
    began: Option<Instant>,
    is_under_way: bool,
}

/// What an episode of drops has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Begins,
    Ends,
}

impl Drops {
    /// By now there were `total` drops.
    fn look(&mut self, total: u64, now: Instant) -> Option<Turn> {
        let is_past = |at| now.saturating_duration_since(at) >= PAUSE;
        if total > self.seen {
            self.seen = total;
            self.last = Some(now);
            self.accepted = false;
        } else if self.is_under_way && (self.accepted || self.last.is_none_or(is_past)) {
            self.is_under_way = false;
            return Some(Turn::Ends);
        }
        if self.is_under_way {
            self.told = total;
        } else if total > self.told && self.began.is_none_or(is_past) {
            self.told = total;
            self.began = Some(now);
            self.is_under_way = true;
            return Some(Turn::Begins);
        }
        None
    }
}

fn end<K>(episodes: &mut BTreeMap<K, Episode>) {
    for episode in episodes.values_mut() {
        episode.has_ended = true;
    }
}

impl Reporter {
    /// `place`: which of several destinations it reports of, before each line; empty where there is one.
    pub(crate) fn new(
        place: String,
        ledger: Arc<Ledger>,
        on_error: Option<OnError>,
        verbose: bool,
        clock: Clock,
    ) -> Self {
        Self {
            place,
            ledger,
            on_error,
            verbose,
            clock,
            failing: false,
            refused: BTreeMap::new(),
            incomplete: false,
            drops: Drops::default(),
            spool_fault: String::new(),
            unclear: BTreeMap::new(),
        }
    }

    pub(crate) fn sending(&self, events: usize, bytes: usize) {
        self.say(|| format!("sending {events} events, {bytes} bytes"));
    }

    pub(crate) fn delivered(&mut self, events: u64, status: u16) {
        end(&mut self.refused);
        self.drops.accepted |= events > 0;
        self.say(|| format!("delivered {events} events ({status})"));
    }

    pub(crate) fn retrying(&mut self, events: u64, cause: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            self.log(
                log::warn,
                format_args!("usage delivery failed and is being retried: {cause}"),
            );
        }
        self.say(|| format!("retrying {events} events: {cause}"));
        self.call(&DeliveryError::Retrying {
            events,
            cause: format!("{}{cause}", self.place),
        });
    }

    /// A batch is tried again, for a failure that says nothing about the ingest.
    pub(crate) fn tries_again(&self, events: u64, cause: &str) {
        self.say(|| format!("trying {events} events again: {cause}"));
        self.call(&DeliveryError::Retrying {
            events,
            cause: format!("{}{cause}", self.place),
        });
    }

    /// A batch was taken; `fault`: what of the answer was not understood.
    pub(crate) fn answered(&mut self, fault: Option<&'static str>) {
        let Some(fault) = fault else {
            end(&mut self.unclear);
            return;
        };
        let episode = self.unclear.entry(fault).or_default();
        if episode.comes(1, self.clock.now()).is_some() {
            self.log(
                log::warn,
                format_args!("the ingest answered a batch with {fault}"),
            );
        }
    }

    pub(crate) fn broke(&self, cause: &str) {
        self.log(
            log::warn,
            format_args!("usage delivery pauses after repeated failures: {cause}"),
        );
        self.say(|| "pausing after repeated failures".to_owned());
    }

    pub(crate) fn recovered(&mut self) {
        if std::mem::replace(&mut self.failing, false) {
            self.log(log::info, format_args!("usage delivery works again"));
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
        let now = self.clock.now();
        let mut refused = || self.refused.entry(reason).or_default().comes(events, now);
        if answered && let Some(untold) = refused() {
            let others = match untold {
                0 => String::new(),
                untold => format!("; {untold} more since the previous message"),
            };
            self.log(
                log::error,
                format_args!("usage events are refused ({reason}): {cause}{others}"),
            );
        }
        self.say(|| format!("dropped {events} events ({reason}): {cause}"));
        self.call(&DeliveryError::Dropped {
            events,
            reason,
            cause: format!("{}{cause}", self.place),
        });
    }

    /// Events are dropped as incomplete.
    pub(crate) fn missing_field(&mut self, field: &str) {
        if !std::mem::replace(&mut self.incomplete, true) {
            self.log(
                log::warn,
                format_args!("usage events are dropped as incomplete: {field}"),
            );
            self.say(|| format!("incomplete: {field}"));
        }
    }

    /// Logs when drops begin and when they end, whoever dropped the events.
    pub(crate) fn log_drop_episode(&mut self, now: Instant) {
        let dropped = self.ledger.dropped();
        match self.drops.look(dropped.total(), now) {
            Some(Turn::Begins) => self.log(
                log::warn,
                format_args!("usage events are being dropped: {dropped:?}"),
            ),
            Some(Turn::Ends) => self.log(
                log::info,
                format_args!("usage events are no longer dropped; so far: {dropped:?}"),
            ),
            None => {}
        }
    }

    /// Events of earlier processes were found in the spool.
    pub(crate) fn recovered_from_disk(&self, events: u64) {
        if events > 0 {
            self.log(
                log::info,
                format_args!(
                    "{events} usage events of earlier processes are delivered from the spool"
                ),
            );
            self.say(|| format!("recovered {events} events from the spool"));
        }
    }

    /// Something is wrong with the spool. A fault that lasts is logged once.
    pub(crate) fn spool_fault(&mut self, cause: &str) {
        if self.spool_fault != cause {
            self.spool_fault = cause.to_owned();
            self.log(log::warn, format_args!("the usage spool: {cause}"));
        }
        self.say(|| format!("spool: {cause}"));
    }

    pub(crate) fn spool_works_again(&mut self) {
        self.spool_fault.clear();
        self.log(log::info, format_args!("the usage spool works again"));
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
            self.log(log::warn, format_args!(
                "usage logging ends: {offered} offered, {delivered} delivered, {pending} undelivered, dropped {dropped:?}"
            ));
        }
        if stats.spooled > 0 {
            self.log(
                log::info,
                format_args!(
                    "usage logging ends: {} events stay in the spool",
                    stats.spooled
                ),
            );
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

    /// Logs a line.
    fn log(&self, log: fn(fmt::Arguments<'_>) -> Result<(), Panicked>, line: fmt::Arguments<'_>) {
        self.count(log(format_args!("{}{line}", self.place)));
    }

    /// Prints what is done to stderr, if `PACKAGE_TRACKER_VERBOSE` asks for it.
    fn say(&self, line: impl FnOnce() -> String) {
        if self.verbose {
            log::say(&format!("{}{}", self.place, line()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::Mutex;

    use tracing::field::{Field, Visit};
    use tracing::span;

    use super::*;
    use crate::base::lock::lock;

    /// Keeps the level and the text of each log line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Text(String);

    impl Visit for Text {
        fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
            self.0 = format!("{value:?}");
        }
    }

    impl tracing::Subscriber for Lines {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == log::LOG_TARGET
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let mut text = Text(String::new());
            event.record(&mut text);
            lock(&self.0).push(format!("{}: {}", event.metadata().level(), text.0));
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    /// What is logged, and what the error callback is given.
    fn reported(report: impl FnOnce(&mut Reporter, &Ledger)) -> (Vec<String>, Vec<String>) {
        let (ledger, lines) = (Arc::new(Ledger::default()), Lines::default());
        let errors = Arc::new(Mutex::new(Vec::new()));
        let called = Arc::clone(&errors);
        let on_error: OnError = Arc::new(move |error| lock(&called).push(error.to_string()));
        let clock = Clock::default();
        let mut reporter = Reporter::new(
            String::new(),
            Arc::clone(&ledger),
            Some(on_error),
            false,
            clock,
        );
        tracing::subscriber::with_default(lines.clone(), || report(&mut reporter, &ledger));
        let lines = std::mem::take(&mut *lock(&lines.0));
        let errors = std::mem::take(&mut *lock(&errors));
        (lines, errors)
    }

    #[test]
    fn an_outage_is_a_line_at_its_start_and_one_at_its_end_and_each_failure_is_called() {
        let (lines, errors) = reported(|reporter, _| {
            reporter.recovered();
            for _ in 0..2 {
                reporter.retrying(3, "status 503");
                reporter.retrying(3, "status 503");
                reporter.recovered();
                reporter.recovered();
            }
        });
        let start = "WARN: usage delivery failed and is being retried: status 503";
        let end = "INFO: usage delivery works again";
        assert_eq!(lines, [start, end, start, end]);
        assert_eq!(errors.len(), 4);
    }

    #[test]
    fn a_batch_that_fails_while_others_are_taken_is_no_outage() {
        let (lines, errors) = reported(|reporter, _| {
            reporter.tries_again(1, "status 500");
            reporter.recovered();
        });
        assert!(lines.is_empty(), "{lines:?}");
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn a_refusal_is_logged_once_for_each_reason_also_where_others_are_taken_between() {
        let (lines, errors) = reported(|reporter, _| {
            for _ in 0..2 {
                for reason in [DropReason::Unauthorized, DropReason::Rejected] {
                    reporter.dropped(1, reason, "answered");
                    reporter.dropped(1, reason, "answered");
                }
                reporter.delivered(1, 200);
            }
            reporter.dropped(0, DropReason::Unauthorized, "nothing");
            // The host's own doing, and what becomes of an outage, are no refusals.
            reporter.dropped(1, DropReason::BeforeSend, "hook");
            reporter.dropped(1, DropReason::Expired, "age");
        });
        let refused =
            |reason: DropReason| format!("ERROR: usage events are refused ({reason}): answered");
        let (first, second) = (
            refused(DropReason::Unauthorized),
            refused(DropReason::Rejected),
        );
        assert_eq!(lines, [&*first, &*second]);
        assert_eq!(errors.len(), 10);
    }

    #[test]
    fn what_comes_and_ends_again_and_again_is_told_once_a_minute_with_its_number() {
        let (start, mut of_one, mut of_many) = (Instant::now(), Vec::new(), Vec::new());
        let [mut one, mut many] = [Episode::default(), Episode::default()];
        for second in 0..150 {
            let now = start + Duration::from_secs(second);
            of_one.extend(one.comes(2, now));
            of_many.extend(many.comes(2, now));
            many.has_ended = true;
        }
        assert_eq!((of_one, of_many), (vec![0], vec![0, 118, 118]));
    }

    #[test]
    fn drops_are_logged_when_they_begin_and_when_an_event_is_accepted_again() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let (lines, errors) = reported(|reporter, ledger| {
            reporter.log_drop_episode(at(0));
            // One event each three seconds, and the key is wrong.
            for second in 1..30 {
                if second % 3 == 0 {
                    ledger.refuse(DropReason::Unauthorized);
                    reporter.delivered(0, 200);
                }
                reporter.log_drop_episode(at(second));
            }
            // What was accepted before a drop says nothing of it.
            reporter.delivered(1, 200);
            ledger.refuse(DropReason::QueueFull);
            reporter.log_drop_episode(at(30));
            reporter.log_drop_episode(at(31));
            reporter.delivered(1, 200);
            reporter.log_drop_episode(at(32));
            reporter.log_drop_episode(at(33));
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("WARN: usage events are being dropped"));
        assert!(lines[1].starts_with("INFO: usage events are no longer dropped"));
        assert!(lines[1].contains("\"queue_full\": 1"), "{lines:?}");
        assert!(errors.is_empty(), "callers have been told by the outcome");
    }

    #[test]
    fn an_episode_of_drops_ends_after_a_minute_in_which_nothing_was_accepted() {
        let (start, mut drops) = (Instant::now(), Drops::default());
        let mut turns = Vec::new();
        for second in 0..200 {
            let total = [5, 6][usize::from(second >= 20)];
            let turn = drops.look(total, start + Duration::from_secs(second));
            turns.extend(turn.map(|turn| (second, turn)));
        }
        assert_eq!(turns, [(0, Turn::Begins), (80, Turn::Ends)]);
    }

    #[test]
    fn drops_among_accepted_events_are_one_episode_a_minute_and_none_goes_untold() {
        let (start, mut drops) = (Instant::now(), Drops::default());
        let mut turns = Vec::new();
        for second in 0..200 {
            // One in three is sampled, up to the hundredth second.
            let total = second.min(100) / 3 + 1;
            let turn = drops.look(total, start + Duration::from_secs(second));
            drops.accepted = true;
            turns.extend(turn.map(|turn| (second, turn)));
        }
        use Turn::{Begins, Ends};
        assert_eq!(
            turns,
            [
                (0, Begins),
                (1, Ends),
                (60, Begins),
                (61, Ends),
                (120, Begins),
                (121, Ends)
            ]
        );
    }

    #[test]
    fn a_fault_that_lasts_is_logged_once_and_again_when_it_comes_back() {
        let (lines, _) = reported(|reporter, _| {
            for fault in ["full", "full", "gone", "full"] {
                reporter.spool_fault(fault);
            }
            reporter.spool_works_again();
            reporter.spool_fault("full");
            for fault in [None, Some("a"), Some("a"), Some("b"), None, Some("a")] {
                reporter.answered(fault);
            }
            reporter.missing_field("user_id");
            reporter.missing_field("tool");
        });
        let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        assert_eq!((count("spool: full"), count("spool: gone")), (3, 1));
        assert_eq!(count("answered a batch with a"), 1);
        assert_eq!(count("incomplete"), 1);
        assert_eq!(lines.len(), 8, "{lines:?}");
    }

    #[test]
    fn a_callback_that_panics_is_counted_and_reporting_goes_on() {
        let ledger = Arc::new(Ledger::default());
        let panics: OnError = Arc::new(|_| panic!("a fault of the callback's"));
        let mut reporter = Reporter::new(
            "own: ".to_owned(),
            Arc::clone(&ledger),
            Some(panics),
            false,
            Clock::default(),
        );
        reporter.retrying(1, "status 503");
        reporter.dropped(1, DropReason::Expired, "age");
        assert_eq!(ledger.snapshot(0).panics, 2);
    }
}
