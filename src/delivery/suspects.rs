//! Pure: which batches the ingest fails on while it takes others, how they are tried apart from the rest,
//! and when an event is given up for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::bisect::Bisections;

/// An event is given up after this many 5xx answers to it alone, the first and the last of them this far apart.
const MIN_FAULTS: usize = 5;
const MIN_SPAN: Duration = Duration::from_secs(30);

/// It is given up only where this many other requests were accepted in that time, and this share of them all.
const MIN_ACCEPTED: u64 = 20;
const MIN_SHARE: f64 = 0.95;

/// A batch that fails otherwise than by 5xx is a suspect once it fails so often by chance in fewer than one of 400
/// cases, as others' requests end: twice where 95 of 100 are accepted, nine times where half of them are.
const MAX_CHANCE: f64 = (1.0 - MIN_SHARE) * (1.0 - MIN_SHARE);

/// A part of a suspect is halved after this many failures, whatever becomes of other requests.
const CLEAR: usize = 3;

/// How long an event waits after its first failure; twice as long after each that follows, up to the maximum. The
/// fifth then comes after little more than [`MIN_SPAN`].
const PAUSE: Duration = Duration::from_millis(2_200);
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// How many failures of an event are remembered, and for how many seconds the ends of other requests.
const MAX_FAILURES: usize = 128;
const MAX_SECONDS: usize = 1_800;

/// How many requests of suspects are under way at a time, and how long after one the next may follow: sooner
/// while other requests are accepted.
const MAX_UNDER_WAY: usize = 2;
const SLOW: Duration = Duration::from_secs(1);
const FAST: Duration = Duration::from_millis(100);

/// How the requests of a batch have failed.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first.
    failures: VecDeque<PastFailure>,
    pub(super) is_suspect: bool,
    /// The search that it is a part of: the suspicion rests on failures that are no 5xx.
    pub(super) bisection: Option<u64>,
    /// How often it failed as a suspect, and twice before.
    tries: u32,
    not_before: Option<Instant>,
    /// When it may go out while somebody waits for it.
    soonest: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct PastFailure {
    at: Instant,
    /// How many requests had been accepted by then.
    accepted: u64,
    /// The ingest has answered 5xx.
    is_fault: bool,
}

impl History {
    /// What is known of a part of a batch: whether it is a suspect's, and how long the ingest has asked it to wait.
    pub(super) fn of_part(&self) -> Self {
        Self {
            is_suspect: self.is_suspect,
            bisection: self.bisection,
            not_before: self.not_before,
            soonest: self.soonest,
            ..Self::default()
        }
    }

    fn faults(&self) -> impl DoubleEndedIterator<Item = &PastFailure> {
        self.failures.iter().filter(|failure| failure.is_fault)
    }

    /// How many of these failures had an accepted request between them: an outage fails all alike.
    fn separate<'a>(failures: impl Iterator<Item = &'a PastFailure>) -> i32 {
        let mut last = None;
        let separate = failures.filter(|failure| {
            let accepted = Some(failure.accepted);
            last.replace(failure.accepted) < accepted
        });
        separate.count() as i32
    }

    /// Whether the batch has failed again and again while others were accepted.
    pub(super) fn fails_repeatedly(&self) -> bool {
        Self::separate(self.failures.iter()) > 1
    }

    /// When the batch may go out as a suspect; `None` if it is none.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.is_suspect.then(|| self.not_before.unwrap_or(now))
    }

    fn note(&mut self, failure: PastFailure) {
        self.tries = self.tries.saturating_add(1);
        self.failures.push_back(failure);
        if self.failures.len() > MAX_FAILURES {
            self.failures.pop_front();
        }
    }

    /// Has the batch wait, the longer the more often it was tried, and at least as long as the ingest has asked.
    fn pause(&mut self, asked: Option<Duration>, now: Instant) {
        let doublings = self.tries.saturating_sub(1).min(16);
        let pause = PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE);
        let asked = asked.unwrap_or_default();
        self.not_before = Some(now + pause.max(asked));
        self.soonest = Some(now + PAUSE.max(asked));
    }

    /// Somebody waits: the batch waits no longer than after its first failure, and as long as the ingest has asked.
    pub(super) fn hasten(&mut self) {
        self.not_before = self.soonest;
    }

    /// The ingest has asked for these events again while it took others of their batch, for the `tries`-th time. They
    /// wait as suspects do, out of the others' way, but are not given up for it.
    pub(super) fn asked_again(&mut self, tries: u32, now: Instant) {
        self.is_suspect = true;
        self.tries = tries;
        self.pause(None, now);
    }
}

/// What a failure means for its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It says something about the ingest.
    Counts,
    /// The batch is a suspect, tried in halves.
    Halves,
    /// The event, or the part, is one, tried again as it is.
    Waits,
    /// The event is given up.
    Refused,
}

/// A request of one batch has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    /// How many events the batch has.
    pub(super) events: usize,
    /// The ingest has answered 5xx. Only that is a verdict on an event; any other failure passes, it is to be hoped,
    /// before the event is too old.
    pub(super) is_fault: bool,
    /// How many batches are searched for an event that fails so.
    pub(super) open_bisections: usize,
    /// How long the ingest wants to be left alone.
    pub(super) asked: Option<Duration>,
}

/// The suspects' requests, and how other requests have ended.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    others: Tally,
    bisections: Bisections,
    accepted: u64,
    under_way: usize,
    next_at: Option<Instant>,
    /// The same for a part of a bisection.
    next_bisected_at: Option<Instant>,
}

impl Suspects {
    /// A request has ended, accepted or not.
    pub(super) fn ended(&mut self, history: &History, is_accepted: bool, now: Instant) {
        self.accepted += u64::from(is_accepted);
        if history.is_suspect {
            self.told_nothing(history);
            if is_accepted && let Some(number) = history.bisection {
                self.bisections
                    .accepted(number, !history.failures.is_empty());
            }
        } else {
            self.others.add(now, is_accepted);
        }
    }

    /// A request has ended in a way that says nothing about the ingest, nor about its events.
    pub(super) fn told_nothing(&mut self, history: &History) {
        if history.is_suspect {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// Says what a failure means, once its request has [`ended`](Self::ended).
    pub(super) fn classify(&mut self, history: &mut History, failed: Failed, now: Instant) -> Fate {
        let Failed {
            events,
            is_fault,
            open_bisections,
            asked,
        } = failed;
        let is_alone = events == 1;
        history.note(PastFailure {
            at: now,
            accepted: self.accepted,
            is_fault,
        });
        let number = history.bisection.filter(|_| !is_alone);
        if number.is_some_and(|number| !self.bisections.failed(number)) {
            // Nothing was found of what it is suspected for, so it is a batch as others are.
            *history = History::default();
            return Fate::Waits;
        }
        let was_suspect = history.is_suspect;
        if !was_suspect {
            let is_suspect = if is_fault {
                History::separate(history.faults()) > 1
            } else {
                (is_alone || self.bisections.may_open(open_bisections, now))
                    && history.fails_repeatedly()
                    && !self.may_be_chance(history, now)
            };
            if !is_suspect {
                return Fate::Counts;
            }
            // Its failures say nothing about the ingest, so they do not count among those of other requests.
            for failure in &history.failures {
                self.others.take_back(failure.at);
            }
            history.is_suspect = true;
            history.bisection =
                (!is_fault && events > 1).then(|| self.bisections.open(events, now));
            history.tries = 2;
        }
        // While others fail too, a part may well have failed by chance; halving it for each would make
        // ever more requests of it.
        let is_clear =
            !was_suspect || history.failures.len() >= CLEAR || self.is_fast(history, now);
        if !is_alone && is_clear {
            // The halves wait for no pause of their own.
            history.soonest = asked.map(|asked| now + asked);
            history.not_before = history.soonest;
            return Fate::Halves;
        }
        if is_clear
            && let Some(number) = history.bisection
            && self.bisections.found(number, now)
        {
            history.bisection = None;
        }
        if is_alone && is_fault && self.is_beyond_hope(history, now) {
            return Fate::Refused;
        }
        history.pause(asked, now);
        Fate::Waits
    }

    /// Whether an event has been answered 5xx often enough, for long enough, while others got through.
    fn is_beyond_hope(&self, history: &History, now: Instant) -> bool {
        let firsts = history.faults().rev().skip(MIN_FAULTS - 1);
        let mut firsts = firsts.filter(|first| now.saturating_duration_since(first.at) >= MIN_SPAN);
        firsts.any(|first| {
            let others = self.others.since(first.at);
            others.accepted >= MIN_ACCEPTED && others.share() >= MIN_SHARE
        })
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// When this suspect may go out; `None` while as many as may be are under way.
    pub(super) fn next_at(&self, history: &History, now: Instant) -> Option<Instant> {
        let at = match history.bisection {
            Some(_) => self.next_bisected_at,
            None => self.next_at,
        };
        (self.under_way < MAX_UNDER_WAY).then(|| at.unwrap_or(now))
    }

    pub(super) fn sent(&mut self, history: &History, now: Instant) {
        let pause = |is_fast| if is_fast { FAST } else { SLOW };
        let bisected = self.others_fare_well(now) || self.bisections.have_found(now);
        let any = self.is_fast(history, now);
        self.under_way += 1;
        self.next_bisected_at = Some(now + pause(bisected));
        // A bisection that goes on at the higher rate does not put others off.
        self.next_at = self.next_at.max(Some(now + pause(any)));
    }

    /// Whether a request that fails says much of its events: nearly all others are accepted, or events were found for
    /// which requests fail as that one does.
    fn is_fast(&self, history: &History, now: Instant) -> bool {
        let is_bisected = history.bisection.is_some();
        self.others_fare_well(now) || is_bisected && self.bisections.have_found(now)
    }

    fn others_fare_well(&self, now: Instant) -> bool {
        let others = self.others.since(recent(now));
        others.accepted > 0 && others.share() >= MIN_SHARE
    }

    /// Whether a batch may have failed as it did though nothing is wrong with it.
    fn may_be_chance(&self, history: &History, now: Instant) -> bool {
        let since = recent(now);
        let mut others = self.others.since(since);
        let own = history
            .failures
            .iter()
            .filter(|failure| failure.at >= since);
        others.failed = others.failed.saturating_sub(own.count() as u64);
        let chance = (1.0 - others.share()).powi(History::separate(history.failures.iter()));
        others.accepted == 0 || chance > MAX_CHANCE + f64::EPSILON
    }
}

/// Since when the ends of requests tell how the ingest fares.
fn recent(now: Instant) -> Instant {
    now.checked_sub(MIN_SPAN).unwrap_or(now)
}

/// Ended requests, second by second.
#[derive(Debug, Default)]
struct Tally {
    began: Option<Instant>,
    seconds: VecDeque<Second>,
}

#[derive(Debug)]
struct Second {
    number: u64,
    ends: Ends,
}

#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    accepted: u64,
    failed: u64,
}

impl Ends {
    fn share(self) -> f64 {
        self.accepted as f64 / ((self.accepted + self.failed) as f64).max(1.0)
    }
}

impl Tally {
    fn number(&self, at: Instant) -> u64 {
        let began = self.began.unwrap_or(at);
        at.saturating_duration_since(began).as_secs()
    }

    fn add(&mut self, at: Instant, is_accepted: bool) {
        self.began.get_or_insert(at);
        let number = self.number(at);
        if self.seconds.back().is_none_or(|last| last.number < number) {
            let ends = Ends::default();
            self.seconds.push_back(Second { number, ends });
        }
        if self.seconds.len() > MAX_SECONDS {
            self.seconds.pop_front();
        }
        if let Some(Second { ends, .. }) = self.seconds.back_mut() {
            ends.accepted += u64::from(is_accepted);
            ends.failed += u64::from(!is_accepted);
        }
    }

    /// Takes a failure out again.
    fn take_back(&mut self, at: Instant) {
        let number = self.number(at);
        let place = self.seconds.binary_search_by_key(&number, |it| it.number);
        if let Some(second) = place.ok().and_then(|place| self.seconds.get_mut(place)) {
            second.ends.failed = second.ends.failed.saturating_sub(1);
        }
    }

    fn since(&self, at: Instant) -> Ends {
        let number = self.number(at);
        let seconds = self.seconds.iter().rev();
        let seconds = seconds.take_while(|second| second.number >= number);
        seconds.fold(Ends::default(), |sum, Second { ends, .. }| Ends {
            accepted: sum.accepted + ends.accepted,
            failed: sum.failed + ends.failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The ends of other requests, one each second.
    fn others(
        suspects: &mut Suspects,
        from: Instant,
        seconds: u32,
        accepted: impl Fn(u32) -> bool,
    ) {
        for n in 0..seconds {
            suspects.ended(&History::default(), accepted(n), from + n * SECOND);
        }
    }

    const FAULT: Failed = Failed {
        events: 500,
        is_fault: true,
        open_bisections: 0,
        asked: None,
    };

    fn fault(suspects: &mut Suspects, history: &mut History, is_alone: bool, now: Instant) -> Fate {
        let events = if is_alone { 1 } else { 500 };
        fails(suspects, history, Failed { events, ..FAULT }, now)
    }

    /// A reset, a timeout, or a 429.
    fn reset(suspects: &mut Suspects, history: &mut History, is_alone: bool, now: Instant) -> Fate {
        let (is_fault, events) = (false, if is_alone { 1 } else { 500 });
        let failed = Failed {
            events,
            is_fault,
            ..FAULT
        };
        fails(suspects, history, failed, now)
    }

    fn fails(suspects: &mut Suspects, history: &mut History, failed: Failed, now: Instant) -> Fate {
        suspects.ended(history, false, now);
        suspects.classify(history, failed, now)
    }

    /// An event that has failed twice while another was accepted.
    fn suspect(suspects: &mut Suspects, start: Instant) -> History {
        let mut history = History::default();
        assert_eq!(fault(suspects, &mut history, true, start), Fate::Counts);
        others(suspects, start, 1, |_| true);
        assert_eq!(fault(suspects, &mut history, true, start), Fate::Waits);
        history
    }

    #[test]
    fn a_suspect_waits_as_long_as_the_ingest_asks() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = suspect(&mut suspects, start);
        let failed = Failed {
            events: 1,
            asked: Some(120 * SECOND),
            ..FAULT
        };
        let fate = fails(&mut suspects, &mut history, failed, start);
        assert_eq!(fate, Fate::Waits);
        assert_eq!(history.due(start), Some(start + 120 * SECOND));
        history.hasten();
        assert_eq!(history.due(start), Some(start + 120 * SECOND));
    }

    #[test]
    fn halves_of_a_suspect_wait_as_long_as_the_ingest_asks() {
        for asked in [None, Some(120 * SECOND)] {
            let (mut suspects, start) = (Suspects::default(), Instant::now());
            let mut batch = History::default();
            let failed = Failed { asked, ..FAULT };
            assert_eq!(
                fails(&mut suspects, &mut batch, failed, start),
                Fate::Counts
            );
            others(&mut suspects, start, 1, |_| true);
            assert_eq!(
                fails(&mut suspects, &mut batch, failed, start),
                Fate::Halves
            );
            let mut half = batch.of_part();
            let due = start + asked.unwrap_or_default();
            assert_eq!(half.due(start), Some(due));
            half.hasten();
            assert_eq!(half.due(start), Some(due));
        }
    }

    #[test]
    fn what_is_asked_for_again_waits_longer_each_time_and_is_no_fault() {
        let (mut history, start) = (History::default(), Instant::now());
        let waits = [1, 2, 3, 60].map(|tries| {
            history.asked_again(tries, start);
            history.due(start).map(|at| at - start)
        });
        assert_eq!(waits, [PAUSE, 2 * PAUSE, 4 * PAUSE, MAX_PAUSE].map(Some));
        history.hasten();
        assert_eq!(history.due(start), Some(start + PAUSE), "somebody waits");
        assert_eq!(history.faults().count(), 0);
    }

    #[test]
    fn a_batch_that_fails_twice_while_another_gets_through_is_a_suspect() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = History::default();
        for _ in 0..9 {
            // The ingest is down: nothing is known of the batch.
            let fate = fault(&mut suspects, &mut history, false, start);
            assert_eq!(fate, Fate::Counts);
        }
        others(&mut suspects, start, 1, |_| true);
        let fate = fault(&mut suspects, &mut history, false, start);
        assert_eq!(fate, Fate::Halves);
        let part = history.of_part();
        assert!(part.is_suspect && part.failures.is_empty() && part.due(start) == Some(start));
        let all = suspects.others.since(start);
        assert_eq!(
            (all.accepted, all.failed),
            (1, 0),
            "its failures are its own"
        );
    }

    #[test]
    fn an_event_ends_after_five_faults_in_half_a_minute_while_others_get_through() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = suspect(&mut suspects, start);
        others(&mut suspects, start, 40, |_| true);
        for n in 3..=4 {
            let now = history.due(start).unwrap();
            let fate = fault(&mut suspects, &mut history, true, now);
            assert_eq!(fate, Fate::Waits, "{n}");
        }
        let soon = start + 29 * SECOND;
        assert_eq!(fault(&mut suspects, &mut history, true, soon), Fate::Waits);
        let late = start + 30 * SECOND;
        assert_eq!(
            fault(&mut suspects, &mut history, true, late),
            Fate::Refused
        );
    }

    #[test]
    fn a_part_is_halved_at_once_only_while_others_fare_well() {
        for (fails_every, tries) in [(u32::MAX, 1), (2, 3)] {
            let (mut suspects, start) = (Suspects::default(), Instant::now());
            let mut part = suspect(&mut suspects, start).of_part();
            others(&mut suspects, start, 20, |n| n % fails_every != 1);
            let now = start + 20 * SECOND;
            for n in 1..=tries {
                let last = if n == tries {
                    Fate::Halves
                } else {
                    Fate::Waits
                };
                assert_eq!(fault(&mut suspects, &mut part, false, now), last);
            }
        }
    }

    #[test]
    fn nothing_ends_while_others_are_few_or_fail() {
        for (seconds, fails_every, last) in [
            (18, u32::MAX, Fate::Waits),
            (40, 2, Fate::Waits),
            (40, 10, Fate::Waits),
            (60, 30, Fate::Refused),
        ] {
            let (mut suspects, start) = (Suspects::default(), Instant::now());
            let mut history = suspect(&mut suspects, start);
            others(&mut suspects, start, seconds, |n| n % fails_every != 1);
            let mut fate = Fate::Waits;
            for n in 1..=6 {
                fate = fault(&mut suspects, &mut history, true, start + n * 10 * SECOND);
            }
            assert_eq!(fate, last, "{seconds} others, one in {fails_every} fails");
        }
    }

    #[test]
    fn a_bad_time_before_does_not_keep_an_event_for_ever() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = suspect(&mut suspects, start);
        others(&mut suspects, start, 120, |n| n >= 60);
        let ends = (1..)
            .map(|n| start + n * 8 * SECOND)
            .find(|&now| fault(&mut suspects, &mut history, true, now) == Fate::Refused);
        let after = ends.unwrap() - start;
        assert!((90..=104).contains(&after.as_secs()), "{after:?}");
    }

    #[test]
    fn two_suspects_at_a_time_and_one_a_second_unless_the_others_fare_well() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let history = suspect(&mut suspects, start - 60 * SECOND);
        assert_eq!(suspects.next_at(&history, start), Some(start));
        suspects.sent(&history, start);
        assert_eq!(suspects.next_at(&history, start), Some(start + SLOW));
        suspects.sent(&history, start + SLOW);
        assert_eq!(suspects.next_at(&history, start + 9 * SECOND), None);
        suspects.ended(&history, false, start);
        others(&mut suspects, start, 20, |n| n != 3);
        suspects.sent(&history, start + 20 * SECOND);
        suspects.ended(&history, true, start);
        assert_eq!(
            suspects.next_at(&history, start),
            Some(start + 20 * SECOND + FAST)
        );
    }

    #[test]
    fn what_a_bisection_has_found_hastens_bisections_alone() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let number = suspects.bisections.open(500, start);
        let bisected = History {
            is_suspect: true,
            bisection: Some(number),
            ..History::default()
        };
        for _ in 0..4 {
            suspects.ended(&bisected, true, start);
        }
        assert!(suspects.bisections.found(number, start));
        others(&mut suspects, start, 1, |_| true);
        let mut faulty = History::default();
        assert_eq!(
            fault(&mut suspects, &mut faulty, false, start),
            Fate::Counts
        );
        others(&mut suspects, start, 20, |n| n % 2 == 0);
        let now = start + 20 * SECOND;
        assert_eq!(fault(&mut suspects, &mut faulty, false, now), Fate::Halves);
        let mut part = faulty.of_part();
        suspects.sent(&part, now);
        let next =
            |suspects: &Suspects, history: &History| suspects.next_at(history, now).unwrap() - now;
        assert_eq!(next(&suspects, &part), SLOW);
        assert_eq!(next(&suspects, &bisected), FAST);
        let fate = fault(&mut suspects, &mut part, false, now);
        assert_eq!(fate, Fate::Waits, "it may have failed by chance");
        suspects.sent(&bisected, now + FAST);
        assert_eq!(next(&suspects, &part), SLOW, "it is not held up, either");
        assert_eq!(next(&suspects, &bisected), 2 * FAST);
    }

    #[test]
    fn an_event_waits_longer_the_more_often_it_failed() {
        let (mut history, at) = (History::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..200 {
            history.note(PastFailure {
                at,
                accepted: 0,
                is_fault: true,
            });
            history.pause(None, at);
            pauses.push((history.not_before.unwrap() - at).as_millis());
        }
        assert_eq!(pauses[..5], [2_200, 4_400, 8_800, 17_600, 35_200]);
        assert!(pauses[1..4].iter().sum::<u128>() >= MIN_SPAN.as_millis());
        assert_eq!(
            (pauses[199], history.failures.len()),
            (300_000, MAX_FAILURES)
        );
    }

    #[test]
    fn a_reset_makes_a_suspect_or_halves_a_part_the_sooner_the_better_others_fare() {
        for (fails_every, of_batch, of_part) in
            [(u32::MAX, 2, 1), (30, 2, 2), (10, 3, CLEAR), (2, 9, CLEAR)]
        {
            let (mut suspects, start) = (Suspects::default(), Instant::now());
            let mut batch = History::default();
            let mut part = suspect(&mut suspects, start).of_part();
            let (mut found, mut tries) = (None, None);
            for n in 1..=9 {
                let now = start + n * 30 * SECOND;
                others(&mut suspects, now, 30, |n| (n + 1) % fails_every != 0);
                let now = now + 30 * SECOND;
                if reset(&mut suspects, &mut batch, false, now) == Fate::Halves {
                    found.get_or_insert(n);
                }
                if reset(&mut suspects, &mut part, false, now) == Fate::Halves {
                    tries.get_or_insert(n as usize);
                }
            }
            let name = format!("one in {fails_every} of the others fails");
            assert_eq!((found, tries), (Some(of_batch), Some(of_part)), "{name}");
        }
    }

    #[test]
    fn one_batch_is_bisected_at_a_time_until_an_event_is_found() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let resets = |suspects: &mut Suspects, history: &mut History, open_bisections, now| {
            suspects.ended(&History::default(), true, now);
            let is_fault = false;
            let failed = Failed {
                is_fault,
                open_bisections,
                ..FAULT
            };
            fails(suspects, history, failed, now)
        };
        others(&mut suspects, start, 60, |_| true);
        let start = start + 60 * SECOND;
        let [mut first, mut second] = [History::default(), History::default()];
        for history in [&mut first, &mut second] {
            assert_eq!(resets(&mut suspects, history, 0, start), Fate::Counts);
        }
        assert_eq!(resets(&mut suspects, &mut first, 0, start), Fate::Halves);
        assert_eq!(resets(&mut suspects, &mut second, 1, start), Fate::Counts);
        let mut event = first.of_part();
        for _ in 0..4 {
            suspects.ended(&event, true, start);
        }
        for found in [false, false, true] {
            assert_eq!(reset(&mut suspects, &mut event, true, start), Fate::Waits);
            assert_eq!(event.bisection.is_none(), found);
        }
        assert_eq!(resets(&mut suspects, &mut second, 1, start), Fate::Halves);
    }

    #[test]
    fn failures_without_an_accepted_request_between_them_are_one() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = History::default();
        others(&mut suspects, start, 30, |_| true);
        let now = start + 30 * SECOND;
        for _ in 0..50 {
            assert_eq!(reset(&mut suspects, &mut history, false, now), Fate::Counts);
        }
        others(&mut suspects, now, 1, |_| true);
        assert_eq!(reset(&mut suspects, &mut history, false, now), Fate::Halves);
        assert_eq!(
            suspects.others.since(now).failed,
            0,
            "its failures are its own"
        );
    }

    #[test]
    fn no_reset_is_a_verdict_on_an_event() {
        let (mut suspects, start) = (Suspects::default(), Instant::now());
        let mut history = History::default();
        for minute in 0..200 {
            let now = start + minute * 60 * SECOND;
            others(&mut suspects, now, 60, |_| true);
            let fate = reset(&mut suspects, &mut history, true, now + 59 * SECOND);
            let expected = if minute == 0 {
                Fate::Counts
            } else {
                Fate::Waits
            };
            assert_eq!(fate, expected, "minute {minute}");
        }
        let now = start + 200 * 60 * SECOND;
        for n in 0..4 {
            let now = now + n * 10 * SECOND;
            others(&mut suspects, now, 10, |_| true);
            assert_eq!(fault(&mut suspects, &mut history, true, now), Fate::Waits);
        }
        let now = now + 40 * SECOND;
        assert_eq!(fault(&mut suspects, &mut history, true, now), Fate::Refused);
    }

    #[test]
    fn a_tally_is_bounded_and_forgets_the_oldest() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for n in 0..5_000 {
            tally.add(start + n * SECOND, n % 2 == 0);
        }
        assert_eq!(tally.seconds.len(), MAX_SECONDS);
        let recent = tally.since(start + 4_990 * SECOND);
        assert_eq!((recent.accepted, recent.failed), (5, 5));
        assert!((recent.share() - 0.5).abs() < 1e-9);
        tally.take_back(start);
        tally.take_back(start + 4_991 * SECOND);
        assert_eq!(tally.since(start + 4_990 * SECOND).failed, 4);
    }
}
