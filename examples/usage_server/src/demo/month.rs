//! The month: who came when, with which agent, for what, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::asks::{ASKS, Ask, COUNTRIES, MISSING, MONTHS, PRODUCTS};
use super::cast::{self, CLIENTS, Client, DAY_MS, KNOWN, NEWEST, Person, STALE};
use super::random::Random;
use super::shop::VERSION;
use super::tools::{ABANDONED, BROKEN, TOOLS, Tool};
use crate::query::{Period, Range};
use crate::record::{Kind, Listed, Outcome, Record, SourceId, User};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// The month, and the four weeks that it is held against.
const DAYS: i64 = 56;
/// How many events there are at most.
pub const MOST_EVENTS: usize = 40_000;
/// So many events of one instance were turned away by its full queue, and got no number.
const TURNED_AWAY: u64 = 47;
/// So many were not delivered in time, and so many are missing without a word.
const EXPIRED: u64 = 4;
const MISSING_NUMBERS: u64 = 3;

/// Everything that happened at the made-up shop, in order of time.
#[derive(Debug)]
pub struct Month {
    pub records: Vec<Record>,
    pub losses: Vec<Loss>,
}

/// What an instance has lost until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub instance: String,
    pub time_ms: i64,
    pub reason: &'static str,
    pub total: u64,
}

/// What the pages have to show of a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub events: u64,
    /// Calls of agents and unknown clients.
    pub calls: u64,
    pub failed: u64,
    /// Who called.
    pub people: usize,
    /// Those with an event of an agent or unknown client.
    pub sessions: usize,
    pub logins: u64,
    pub refused: u64,
    pub missing: u64,
    /// Calls of crawlers and probes.
    pub left_out: u64,
    pub by_tool: BTreeMap<String, u64>,
}

/// When a version of the server began, and the instances that ran it.
struct Release {
    version: &'static str,
    from: i64,
    instances: [String; 3],
}

struct Writer {
    random: Random,
    now: i64,
    releases: Vec<Release>,
    /// From when to when the database was locked.
    bad_times: [(i64, i64); 2],
    records: Vec<Record>,
}

/// Whoever makes the next calls.
struct Caller<'a> {
    user: Option<&'a User>,
    client: &'static Client,
    version: &'static str,
    session: String,
    replica: usize,
}

impl Month {
    /// The month that ends at a time, of a server that lists these tools now. What is the same gives the same month.
    pub fn new(seed: u64, now: i64, listed: &[Listed]) -> Self {
        let mut random = Random::new(seed);
        let mut writer = Writer {
            now,
            releases: releases(&mut random, now),
            bad_times: [10, 24].map(|days| bad_time(now, days)),
            records: Vec::new(),
            random,
        };
        let people = cast::people(&mut writer.random, now);
        let today = now.div_euclid(DAY_MS);
        for day in today - DAYS + 1..=today {
            for person in &people {
                writer.day_of(person, day);
            }
        }
        writer.known(&people);
        writer.missing(&people);
        writer.refusals(&people);
        writer.robots();
        writer.listings(listed);
        writer.finish()
    }

    /// What happened from a time until another.
    pub fn totals(&self, from: i64, until: i64) -> Totals {
        let within = self.records.iter();
        totals(within.filter(|record| (from..until).contains(&record.time_ms)))
    }

    /// What one person did from a time until another.
    pub fn totals_of(&self, user: &str, from: i64, until: i64) -> Totals {
        let theirs = |record: &&Record| {
            let is_theirs = record.user.as_ref().is_some_and(|theirs| theirs.id == user);
            is_theirs && (from..until).contains(&record.time_ms)
        };
        totals(self.records.iter().filter(theirs))
    }

    /// What a browser has to see of the last seven days, and of the session that is written out.
    pub fn known(&self, now: i64) -> Value {
        let Period { from, until, .. } = Range::Week.until(now);
        let (week, theirs) = (self.totals(from, until), self.totals_of(KNOWN, from, until));
        json!({
            "events": self.records.len(),
            "week": {
                "calls": week.calls,
                "failed": week.failed,
                "people": week.people,
                "sessions": week.sessions,
                "missing": week.missing,
            },
            "person": { "id": KNOWN, "calls": theirs.calls },
            "session": {
                "id": KNOWN_SESSION,
                "tools": KNOWN_CALLS.map(|call| call.tool),
                "intents": KNOWN_CALLS.map(|call| call.intent),
                "outcomes": KNOWN_CALLS.map(|call| call.outcome.word()),
            },
        })
    }
}

fn totals<'a>(records: impl Iterator<Item = &'a Record>) -> Totals {
    let mut totals = Totals::default();
    let mut people = BTreeSet::new();
    let mut sessions = BTreeSet::new();
    for record in records {
        totals.events += 1;
        let counted = record.class.is_counted();
        if counted {
            sessions.extend(record.session.as_deref());
        }
        match record.kind {
            Kind::Call if counted => {
                totals.calls += 1;
                totals.failed += u64::from(record.outcome.is_bad());
                people.extend(record.user.as_ref().map(|user| user.id.as_str()));
                let tool = record.tool.clone().unwrap_or_default();
                *totals.by_tool.entry(tool).or_default() += 1;
            }
            Kind::Call => totals.left_out += 1,
            kind if kind.is_login() => totals.logins += 1,
            Kind::Refused => totals.refused += 1,
            Kind::Missing => totals.missing += 1,
            _ => {}
        }
    }
    totals.people = people.len();
    totals.sessions = sessions.len();
    totals
}

/// A wording with its places filled.
pub(super) fn fill(random: &mut Random, wording: &str) -> String {
    let mut pick = |of: &[&'static str]| random.pick(of).copied().unwrap_or_default();
    let filled = wording.replace("{p}", pick(PRODUCTS));
    let filled = filled.replace("{m}", pick(MONTHS));
    let filled = filled.replace("{c}", pick(COUNTRIES));
    filled.replace("{n}", &random.between(12, 980).to_string())
}

/// The newest release is of the last Thursday, 14:00, that is six hours ago or more.
fn releases(random: &mut Random, now: i64) -> Vec<Release> {
    // 1970-01-01 was a Thursday.
    let thursday = now.div_euclid(7 * DAY_MS) * 7 * DAY_MS + 14 * HOUR_MS;
    let newest = if thursday + 6 * HOUR_MS > now {
        thursday - 7 * DAY_MS
    } else {
        thursday
    };
    let versions = [
        ("2.7.1", i64::MIN),
        ("2.7.3", newest - 16 * DAY_MS),
        (VERSION, newest),
    ];
    versions
        .into_iter()
        .map(|(version, from)| Release {
            version,
            from,
            instances: [(); 3].map(|()| random.hex(16)),
        })
        .collect()
}

/// The morning of a working day, at least so many days ago.
fn bad_time(now: i64, days: i64) -> (i64, i64) {
    let mut day = now.div_euclid(DAY_MS) - days;
    while is_weekend(day) {
        day -= 1;
    }
    (day * DAY_MS + 9 * HOUR_MS, day * DAY_MS + 12 * HOUR_MS)
}

fn is_weekend(day: i64) -> bool {
    matches!((day + 4).rem_euclid(7), 0 | 6)
}

impl Writer {
    fn day_of(&mut self, person: &Person, day: i64) {
        let age = self.now.div_euclid(DAY_MS) - day;
        // The shop is used more from week to week, and hardly at the weekend.
        let growth = if age < 28 {
            1.0 - age as f64 / 70.0
        } else {
            0.36 - (age - 28) as f64 / 300.0
        };
        let mut expected = person.sessions * growth * if is_weekend(day) { 0.2 } else { 1.0 };
        let mut sessions = 0;
        while sessions < 6 && self.random.chance(1.0 - (-expected).exp()) {
            sessions += 1;
            expected *= 0.55;
            let hour = (12.2 + 3.1 * self.random.gauss()).clamp(5.0, 22.5);
            let start =
                day * DAY_MS + (hour * HOUR_MS as f64) as i64 + self.random.between(0, 60_000);
            if person.is_there(start) && start < self.now - MINUTE_MS {
                self.session(person, start);
            }
        }
    }

    fn session(&mut self, person: &Person, start: i64) {
        let caller = self.caller(person, start);
        if self.random.chance(0.35) {
            self.log_in(&caller, start);
        }
        if self.random.chance(0.3) {
            self.push(&caller, Kind::SessionStart, start);
        }
        self.asides(&caller, start);
        let mut ask = self.ask();
        let mut intent = self.wording(ask.wordings);
        let mut time = start + self.random.between(1_000, 5_000);
        let length = 1 + self.random.waiting(6.0) as usize;
        let mut place = 0;
        for _ in 0..length.min(40) {
            if place >= ask.tools.len() {
                place = 0;
                ask = self.ask();
                intent = self.wording(ask.wordings);
            }
            let strays = self.random.chance(0.18);
            let tool = match ask.tools.get(place).copied().and_then(Tool::named) {
                Some(tool) if !strays => tool,
                _ => self
                    .random
                    .weighted(&TOOLS, |tool| tool.weight)
                    .unwrap_or(&TOOLS[0]),
            };
            let extra = if place + 1 == ask.tools.len() {
                ask.failing
            } else {
                0.0
            };
            place += 1;
            if tool.name == ABANDONED && time > self.now - 9 * DAY_MS {
                continue;
            }
            let says = self.random.chance(0.83).then(|| intent.clone());
            let took = self.call(&caller, tool, extra, says, time);
            time += took + 2_000 + self.random.waiting(20_000.0) as i64;
            if time > self.now - 5_000 {
                break;
            }
        }
    }

    /// What a session has beside calls, now and then.
    fn asides(&mut self, caller: &Caller<'_>, start: i64) {
        for (kind, name, share) in [
            (Kind::PromptGet, "weekly_review", 0.05),
            (Kind::ResourceRead, "shop://catalogue", 0.04),
            (Kind::Custom, "report_downloaded", 0.03),
        ] {
            if self.random.chance(share) {
                let time = start + self.random.between(100, 900);
                self.push(caller, kind, time);
                if let Some(record) = self.records.last_mut() {
                    record.tool = Some(name.to_owned());
                }
            }
        }
    }

    fn caller<'a>(&mut self, person: &'a Person, start: i64) -> Caller<'a> {
        let (client, version) = match self.random.chance(0.12) {
            true => cast::equipment(&mut self.random),
            false => (person.client, person.version),
        };
        let has_moved =
            client.name == NEWEST.0 && start > self.now - 4 * DAY_MS && self.random.chance(0.5);
        Caller {
            user: Some(&person.user),
            client,
            version: if has_moved { NEWEST.1 } else { version },
            session: format!("s-{}", self.random.hex(10)),
            replica: self.random.between(0, 3) as usize,
        }
    }

    fn ask(&mut self) -> &'static Ask {
        self.random
            .weighted(&ASKS, |ask| ask.weight)
            .unwrap_or(&ASKS[0])
    }

    /// One of the wordings, with its places filled.
    fn wording(&mut self, wordings: &[&str]) -> String {
        let wording = self.random.pick(wordings).copied().unwrap_or_default();
        fill(&mut self.random, wording)
    }

    /// Records a call and says how many milliseconds it took.
    fn call(
        &mut self,
        caller: &Caller<'_>,
        tool: &'static Tool,
        extra: f64,
        intent: Option<String>,
        time: i64,
    ) -> i64 {
        let mut ms = tool.median_ms * (tool.sigma * self.random.gauss()).exp();
        let mut outcome = Outcome::Ok;
        let mut error = None;
        let mut bad_times = self.bad_times.iter();
        let is_locked = bad_times.any(|(from, until)| (*from..*until).contains(&time));
        if tool.name == BROKEN && self.release(time).version == VERSION {
            ms *= 3.1;
            if self.random.chance(0.36) {
                outcome = Outcome::Timeout;
                ms = 30_000.0 + self.random.share() * 40.0;
                error = Some(TOO_LATE.to_owned());
            }
        } else if is_locked && self.random.chance(0.4) {
            outcome = Outcome::ToolError;
            ms = 5_000.0 + self.random.share() * 90.0;
            error = Some("database is locked".to_owned());
        } else if self.random.chance(tool.failing + extra) {
            (outcome, error) = self.failure(tool);
        } else if tool.name == BROKEN && self.random.chance(0.05) {
            outcome = Outcome::Task;
        }
        let body = self.body(tool, outcome);
        let bytes = tool.result_bytes * (0.4 * self.random.gauss()).exp();
        let marks = if body
            .get("arguments")
            .is_some_and(|arguments| arguments.to_string().contains("[REDACTED_EMAIL]"))
        {
            1
        } else {
            0
        };
        self.push(caller, Kind::Call, time);
        if let Some(record) = self.records.last_mut() {
            record.tool = Some(tool.name.to_owned());
            record.outcome = outcome;
            record.error = error;
            record.duration_us = Some((ms * 1e3) as u64);
            record.result_bytes = (outcome == Outcome::Ok).then_some(bytes as u64);
            record.intent = intent;
            record.body = body;
            if marks > 0 {
                record.redactions = vec![("email".to_owned(), marks)];
            }
        }
        ms as i64
    }

    fn failure(&mut self, tool: &Tool) -> (Outcome, Option<String>) {
        if self.random.chance(0.06) {
            return (Outcome::Cancelled, None);
        }
        let error = self.wording(tool.errors);
        let outcome = if error.starts_with("CONFIRM") {
            Outcome::InputRequired
        } else if error.starts_with("INVALID") && self.random.chance(0.5) {
            Outcome::ProtocolError
        } else if self.random.chance(0.01) {
            Outcome::Panicked
        } else {
            Outcome::ToolError
        };
        (outcome, (!error.is_empty()).then_some(error))
    }

    fn body(&mut self, tool: &Tool, outcome: Outcome) -> Map<String, Value> {
        let mut arguments = Map::new();
        for argument in tool.arguments {
            let value = match *argument {
                "query" => json!(self.wording(PRODUCTS)),
                "customer" => json!("[REDACTED_EMAIL]"),
                "text" => json!("Hello [REDACTED_EMAIL], your order is on its way"),
                "sku" => json!(format!("SKU-{}", self.random.between(100, 999))),
                "period" | "month" => json!(self.wording(MONTHS)),
                "by" => json!(if outcome.is_bad() {
                    "channel"
                } else {
                    "category"
                }),
                "status" => json!("open"),
                "carrier" => json!("post"),
                "store" => json!("Madrid"),
                "code" => json!(format!("SPRING{}", self.random.between(12, 980))),
                number => {
                    let value = json!(self.random.between(1, 980));
                    arguments.insert(number.trim_end_matches('*').to_owned(), value);
                    continue;
                }
            };
            arguments.insert((*argument).to_owned(), value);
        }
        let mut body = Map::new();
        body.insert("arguments".to_owned(), Value::Object(arguments));
        body
    }

    fn log_in(&mut self, caller: &Caller<'_>, time: i64) {
        self.push(caller, Kind::Identity, time - 2_000);
    }

    fn release(&self, time: i64) -> &Release {
        let running = self
            .releases
            .iter()
            .rev()
            .find(|release| release.from <= time);
        #[expect(
            clippy::expect_used,
            reason = "the first of them begins before all time"
        )]
        running.expect("a release runs at all times")
    }

    /// Adds an event of a caller, without what is particular to its kind.
    fn push(&mut self, caller: &Caller<'_>, kind: Kind, time_ms: i64) {
        let release = self.release(time_ms);
        let instance = release.instances.get(caller.replica).cloned();
        let version = release.version.to_owned();
        self.records.push(Record {
            instance,
            user: caller.user.cloned(),
            session: (!caller.session.is_empty()).then(|| caller.session.clone()),
            client: Some(caller.client.name.to_owned()),
            client_version: Some(caller.version.to_owned()),
            class: caller.client.class,
            release: Some(version),
            protocol: Some(caller.client.protocol.to_owned()),
            ..Record::new(SourceId([0; 16]), time_ms, kind)
        });
    }

    /// What agents asked for and no tool has.
    fn missing(&mut self, people: &[Person]) {
        for missing in &MISSING {
            let mut time = (self.now - DAYS * DAY_MS) as f64;
            loop {
                let recent = time > (self.now - 7 * DAY_MS) as f64;
                let a_day = if recent {
                    missing.a_day
                } else {
                    missing.a_day_before
                };
                time += self.random.waiting(DAY_MS as f64 / a_day);
                let at = time as i64;
                if at >= self.now - MINUTE_MS {
                    break;
                }
                let asker = self.random.pick(people);
                let Some(person) =
                    asker.filter(|person| person.is_there(at) && person.sessions > 0.0)
                else {
                    continue;
                };
                let caller = self.caller(person, at);
                let wording = self.wording(missing.wordings);
                self.push(&caller, Kind::Missing, at);
                if let Some(record) = self.records.last_mut() {
                    record.intent = Some(wording);
                }
            }
        }
    }

    fn refusals(&mut self, people: &[Person]) {
        const REASONS: [(&str, f64); 7] = [
            ("missing", 40.0),
            ("expired", 30.0),
            ("invalid", 10.0),
            ("wrong_audience", 8.0),
            ("revoked", 6.0),
            ("forbidden", 5.0),
            ("rate_limited", 2.0),
        ];
        for _ in 0..420 {
            let reason = self
                .random
                .weighted(&REASONS, |(_, weight)| *weight)
                .map(|(reason, _)| *reason);
            let time =
                self.now - MINUTE_MS - (self.random.share() * DAYS as f64 * DAY_MS as f64) as i64;
            self.refusal(people, reason.unwrap_or("missing"), time, None);
        }
        // Since yesterday one client's old version comes with tokens that have run out.
        for _ in 0..64 {
            let time = self.now - MINUTE_MS - (self.random.share() * 17.0 * HOUR_MS as f64) as i64;
            self.refusal(people, "expired", time, Some(STALE));
        }
    }

    fn refusal(
        &mut self,
        people: &[Person],
        reason: &str,
        time: i64,
        stale: Option<(&'static str, &'static str)>,
    ) {
        let Some(person) = self.random.pick(people) else {
            return;
        };
        let mut caller = self.caller(person, time);
        // What is known of these two versions is told elsewhere.
        if [STALE, NEWEST].contains(&(caller.client.name, caller.version)) && stale.is_none() {
            return;
        }
        if let Some((name, version)) = stale {
            caller.client = CLIENTS
                .iter()
                .find(|client| client.name == name)
                .unwrap_or(caller.client);
            caller.version = version;
        }
        let known = reason == "expired"
            && person.is_there(time)
            && person.sessions > 0.0
            && self.random.chance(0.5);
        let back = known && stale.is_none();
        let user = caller.user.take();
        if known {
            caller.user = user;
        }
        self.push(&caller, Kind::Refused, time);
        if let Some(record) = self.records.last_mut() {
            record.error = Some(reason.to_owned());
        }
        if back && time + 90_000 < self.now {
            let after = self.random.between(10_000, 80_000);
            self.log_in(&caller, time + after);
        }
    }

    /// Crawlers that list and try tools, and a probe each half hour.
    fn robots(&mut self) {
        for (name, every, tool) in [
            ("mcp-scanner", 9 * HOUR_MS, "search_products"),
            ("uptime-check", 47 * MINUTE_MS, "get_product"),
        ] {
            let found = CLIENTS
                .iter()
                .find(|client| client.name == name)
                .zip(Tool::named(tool));
            let Some((client, tool)) = found else {
                continue;
            };
            let mut time = self.now - DAYS * DAY_MS;
            while time < self.now - MINUTE_MS {
                let version = client
                    .versions
                    .first()
                    .map(|(version, _)| *version)
                    .unwrap_or_default();
                let caller = Caller {
                    user: None,
                    client,
                    version,
                    session: String::new(),
                    replica: self.random.between(0, 3) as usize,
                };
                self.call(&caller, tool, 0.0, None, time);
                time += every + self.random.between(-MINUTE_MS, MINUTE_MS);
            }
        }
    }

    /// Each instance says once what it offers; the newest release changed the definition of the tool that it broke.
    fn listings(&mut self, listed: &[Listed]) {
        let first = self.now - DAYS * DAY_MS;
        let mut before = listed.to_vec();
        for listed in before.iter_mut().filter(|listed| listed.tool == BROKEN) {
            listed.definition = Some((self.random.hex(16), 171));
        }
        let starts = self.releases.iter().enumerate();
        let starts: Vec<(i64, bool)> = starts
            .map(|(place, release)| {
                (
                    release.from.max(first) + MINUTE_MS,
                    place + 1 == self.releases.len(),
                )
            })
            .collect();
        for (time, is_newest) in starts {
            for replica in 0..3 {
                let client = &CLIENTS[0];
                let caller = Caller {
                    user: None,
                    client,
                    version: "2.1.3",
                    session: String::new(),
                    replica,
                };
                self.push(&caller, Kind::Listing, time);
                if let Some(record) = self.records.last_mut() {
                    record.listed = if is_newest {
                        listed.to_vec()
                    } else {
                        before.clone()
                    };
                }
            }
        }
    }

    /// The person whose newest session is written out, with a few that are not.
    fn known(&mut self, people: &[Person]) {
        let Some(person) = people.iter().find(|person| person.user.id == KNOWN) else {
            return;
        };
        for days in [2, 4, 5, 9, 11, 12, 18, 19, 25, 33] {
            let day = self.now.div_euclid(DAY_MS) - days;
            let start = day * DAY_MS + self.random.between(8 * HOUR_MS, 15 * HOUR_MS);
            self.session(person, start);
        }
        let mut time = self.now - 26 * HOUR_MS;
        let mut caller = self.caller(person, time);
        caller.client = &CLIENTS[0];
        caller.version = "2.1.4";
        KNOWN_SESSION.clone_into(&mut caller.session);
        self.log_in(&caller, time);
        for known in &KNOWN_CALLS {
            let Some(tool) = Tool::named(known.tool) else {
                continue;
            };
            self.call(&caller, tool, 0.0, Some(known.intent.to_owned()), time);
            if let Some(record) = self.records.last_mut() {
                record.outcome = known.outcome;
                record.error = known.error.map(str::to_owned);
                record.duration_us = Some(known.ms * 1_000);
                record.result_bytes =
                    (known.outcome == Outcome::Ok).then_some(tool.result_bytes as u64);
                record.redactions.clear();
                let arguments = serde_json::from_str(known.arguments).unwrap_or_default();
                record.body.insert("arguments".to_owned(), arguments);
            }
            time += i64::try_from(known.ms).unwrap_or_default() + 20_000;
        }
        // Names that are none, for who looks at the page: they are shown as text.
        caller.session = format!("s-{}", self.random.hex(10));
        caller.user = None;
        for name in [
            "search_products\"><script>alert(1)</script>",
            "search_product",
            "get_orders",
            "get_orders",
        ] {
            time += 41 * MINUTE_MS;
            self.push(&caller, Kind::Call, time);
            if let Some(record) = self.records.last_mut() {
                record.tool = Some(name.to_owned());
                record.unknown_tool = true;
                record.outcome = Outcome::ProtocolError;
                record.error = Some("tool not found".to_owned());
                record.duration_us = Some(300);
            }
        }
    }

    /// Puts everything in order, numbers it as the instances would have, and leaves out what was lost.
    fn finish(mut self) -> Month {
        self.records.sort_by_key(|record| record.time_ms);
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        let lossy = self
            .releases
            .last()
            .map(|release| release.instances[1].clone())
            .unwrap_or_default();
        let mut losses = Vec::new();
        for record in &mut self.records {
            let instance = record.instance.clone().unwrap_or_default();
            let number = numbers.entry(instance.clone()).or_default();
            *number += 1;
            if instance == lossy && *number == 90 {
                *number += EXPIRED + MISSING_NUMBERS;
                for (reason, total) in [("queue_full", TURNED_AWAY), ("expired", EXPIRED)] {
                    losses.push(Loss {
                        instance: instance.clone(),
                        time_ms: record.time_ms,
                        reason,
                        total,
                    });
                }
            }
            record.sequence = Some(*number);
            let mut id =
                Random::new(*number ^ u64::from_str_radix(&instance, 16).unwrap_or_default());
            let halves = [id.next().to_be_bytes(), id.next().to_be_bytes()];
            record.source_id.0 = halves.concat().try_into().unwrap_or_default();
        }
        Month {
            records: self.records,
            losses,
        }
    }
}

const KNOWN_SESSION: &str = "s-the-export-of-october";

/// A call of the session that is written out.
struct KnownCall {
    tool: &'static str,
    intent: &'static str,
    arguments: &'static str,
    outcome: Outcome,
    error: Option<&'static str>,
    ms: u64,
}

const KNOWN_CALLS: [KnownCall; 6] = [
    KnownCall {
        tool: "list_orders",
        intent: EXPORT,
        arguments: r#"{"status": "open", "limit": 100}"#,
        outcome: Outcome::Ok,
        error: None,
        ms: 84,
    },
    KnownCall {
        tool: BROKEN,
        intent: EXPORT,
        arguments: r#"{"status": "open", "month": "October"}"#,
        outcome: Outcome::Timeout,
        error: Some(TOO_LATE),
        ms: 30_012,
    },
    KnownCall {
        tool: BROKEN,
        intent: EXPORT,
        arguments: r#"{"status": "open", "month": "October"}"#,
        outcome: Outcome::Timeout,
        error: Some(TOO_LATE),
        ms: 30_020,
    },
    KnownCall {
        tool: "sales_report",
        intent: "Show sales of October by category",
        arguments: r#"{"period": "October", "by": "category"}"#,
        outcome: Outcome::Ok,
        error: None,
        ms: 260,
    },
    KnownCall {
        tool: "get_order",
        intent: "Refund order 412",
        arguments: r#"{"order_id": 412}"#,
        outcome: Outcome::Ok,
        error: None,
        ms: 21,
    },
    KnownCall {
        tool: "refund_order",
        intent: "Refund order 412",
        arguments: r#"{"order_id": 412, "amount": 89}"#,
        outcome: Outcome::ToolError,
        error: Some("order 412 is refunded already"),
        ms: 133,
    },
];
const EXPORT: &str = "Export the orders of October as CSV";
const TOO_LATE: &str = "export did not finish within 30 s";

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 15:41:07 UTC, a Friday.
    const NOW: i64 = 1_795_794_067_000;

    #[test]
    fn a_month_is_the_same_each_time_and_within_its_bound() {
        let month = Month::new(1, NOW, &[]);
        let again = Month::new(1, NOW, &[]);
        assert_eq!(month.records, again.records);
        assert!(
            month.records.len() <= MOST_EVENTS,
            "{}",
            month.records.len()
        );
        assert!(
            month.records.len() >= MOST_EVENTS * 3 / 5,
            "{}",
            month.records.len()
        );
        let ids: BTreeSet<_> = month
            .records
            .iter()
            .map(|record| record.source_id)
            .collect();
        assert_eq!(ids.len(), month.records.len());
        assert!(month.records.iter().all(|record| record.time_ms < NOW));
    }

    /// Each page has something to tell.
    #[test]
    fn the_month_tells_its_stories() {
        let month = Month::new(1, NOW, &[]);
        let week = NOW - 7 * DAY_MS;
        let (now, before) = (
            month.totals(week, NOW),
            month.totals(week - 7 * DAY_MS, week),
        );
        assert!(now.people >= 120 && now.sessions >= 400, "{now:?}");
        assert!(now.calls > before.calls && now.missing > before.missing);
        // One tool is given up since a Thursday, with the release of that day and with no other.
        let mut given_up = month
            .records
            .iter()
            .filter(|record| record.outcome == Outcome::Timeout);
        assert!(given_up.all(|record| {
            record.tool.as_deref() == Some(BROKEN)
                && (record.release.as_deref() == Some(VERSION)
                    || record.session.as_deref() == Some(KNOWN_SESSION))
        }));
        let timeouts = month
            .records
            .iter()
            .filter(|record| record.outcome == Outcome::Timeout);
        let timeouts = timeouts.count();
        assert!(timeouts >= 10, "{timeouts}");
        // One that nobody calls any more, and three that nobody ever did.
        assert_eq!(now.by_tool.get(ABANDONED), None);
        let called: BTreeSet<_> = month
            .records
            .iter()
            .filter_map(|record| record.tool.as_deref())
            .collect();
        assert_eq!(
            TOOLS
                .iter()
                .filter(|tool| !called.contains(tool.name))
                .count(),
            3
        );
        // A client whose tokens ran out, without anybody getting in again.
        let stale = month.records.iter().filter(|record| {
            record.kind == Kind::Refused
                && record.client_version.as_deref() == Some(STALE.1)
                && record.time_ms > NOW - DAY_MS
        });
        assert!(stale.count() >= 60);
        assert_eq!(month.losses.iter().map(|loss| loss.total).sum::<u64>(), 51);
        assert!(now.left_out > 100);
    }

    #[test]
    fn a_release_is_of_a_thursday_whenever_it_is_looked_at() {
        for hours in 0..24 * 14 {
            let now = NOW + hours * HOUR_MS;
            let releases = releases(&mut Random::new(1), now);
            let newest = releases.last().unwrap();
            assert_eq!((newest.from.div_euclid(DAY_MS) + 4) % 7, 4, "a Thursday");
            assert!((6 * HOUR_MS..=8 * DAY_MS).contains(&(now - newest.from)));
        }
    }

    #[test]
    fn the_known_session_is_the_same_in_every_month() {
        for (seed, now) in [(1, NOW), (7, NOW + 3 * DAY_MS)] {
            let month = Month::new(seed, now, &[]);
            let calls = month.records.iter().filter(|record| {
                record.session.as_deref() == Some(KNOWN_SESSION) && record.kind == Kind::Call
            });
            let seen: Vec<_> = calls
                .map(|record| (record.tool.clone().unwrap(), record.outcome))
                .collect();
            let written = KNOWN_CALLS.map(|call| (call.tool.to_owned(), call.outcome));
            assert_eq!(seen, written);
        }
    }
}
