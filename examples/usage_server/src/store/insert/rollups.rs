//! What is counted by hour and day.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};

use super::NameIds;
use crate::hist;
use crate::record::{Kind, Listed, Record};

/// The rows of a transaction, in the order of their keys, so that neighbours are written one after the other.
#[derive(Default)]
pub(super) struct Rollups {
    calls: BTreeMap<CallKey, Sum>,
    hists: BTreeMap<HistKey, f64>,
    user_hours: BTreeMap<(i64, i64, i64), Calls>,
    user_days: BTreeMap<(i64, i64, i64), UserDay>,
    user_tools: BTreeMap<(i64, i64, i64, i64), Calls>,
    /// When last, and when a call failed last.
    tool_users: BTreeMap<(i64, i64, i64), (i64, i64)>,
    client_users: BTreeSet<(i64, i64, i64, i64)>,
    session_hours: BTreeSet<(i64, i64, i64)>,
    errors: BTreeMap<(i64, i64, i64, u8, i64), Sum>,
    /// Weights of all calls, and of those that failed.
    intents: BTreeMap<(i64, i64, i64, i64), (f64, f64)>,
    logins: BTreeMap<(i64, i64, u8, i64, i64), i64>,
    unknown_tools: BTreeMap<(i64, i64, i64), Sum>,
    listed: BTreeMap<(i64, i64), Seen>,
    definitions: BTreeMap<(i64, i64, String), (u64, Seen)>,
    instances: BTreeMap<(i64, i64, i64), (i64, i64)>,
    refused: BTreeMap<(i64, i64, String), u64>,
    redactions: BTreeMap<(i64, i64, i64, String, bool), u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CallKey {
    project: i64,
    hour: i64,
    tool: i64,
    outcome: u8,
    client: i64,
    class: u8,
    release: i64,
    protocol: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HistKey {
    project: i64,
    hour: i64,
    measure: u8,
    tool: i64,
    release: i64,
    slot: u8,
}

#[derive(Default, Clone, Copy)]
struct Sum {
    calls: i64,
    weight: f64,
}

#[derive(Default, Clone, Copy)]
struct Calls {
    calls: i64,
    failed: f64,
    weight: f64,
}

#[derive(Default, Clone, Copy)]
struct UserDay {
    calls: i64,
    failed: f64,
    weight: f64,
    logins: i64,
    refused: i64,
    others: i64,
}

/// When something was seen first and last.
#[derive(Clone, Copy)]
struct Seen {
    first_ms: i64,
    last_ms: i64,
}

impl Seen {
    const fn at(at_ms: i64) -> Self {
        Self {
            first_ms: at_ms,
            last_ms: at_ms,
        }
    }

    fn and(&mut self, at_ms: i64) {
        self.first_ms = self.first_ms.min(at_ms);
        self.last_ms = self.last_ms.max(at_ms);
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.weight += other.weight;
    }
}

/// A new event, with the rows that it refers to.
pub(super) struct Event<'r> {
    pub(super) project: i64,
    pub(super) hour: i64,
    pub(super) record: &'r Record,
    pub(super) names: NameIds,
    pub(super) user: i64,
    pub(super) session: i64,
    pub(super) intent: i64,
}

impl Event<'_> {
    const fn day(&self) -> i64 {
        self.hour.div_euclid(24)
    }
}

impl Rollups {
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let record = event.record;
        if record.kind == Kind::Call {
            self.call(event);
        }
        if record.class.is_counted() {
            self.who(event);
        }
        if matches!(record.kind, Kind::Login | Kind::Identity | Kind::Refused) {
            let reason = event.names.error;
            let key = (
                event.project,
                event.day(),
                record.kind as u8,
                reason,
                event.names.client,
            );
            *self.logins.entry(key).or_default() += 1;
        }
        for (is_here, marks) in [(false, &record.redactions), (true, &record.redacted_here)] {
            for (class, marks) in marks {
                let key = (
                    event.project,
                    event.day(),
                    event.names.tool,
                    class.clone(),
                    is_here,
                );
                *self.redactions.entry(key).or_default() += marks;
            }
        }
    }

    fn call(&mut self, event: &Event<'_>) {
        let (record, names) = (event.record, &event.names);
        let one = Sum {
            calls: 1,
            weight: record.weight,
        };
        let key = CallKey {
            project: event.project,
            hour: event.hour,
            tool: names.tool,
            outcome: record.outcome as u8,
            client: names.client,
            class: record.class as u8,
            release: names.release,
            protocol: names.protocol,
        };
        self.calls.entry(key).or_default().add(one);
        if !record.class.is_counted() {
            return;
        }
        for (measure, value) in [(0, record.duration_us), (1, record.result_bytes)] {
            if let Some(value) = value {
                let key = HistKey {
                    project: event.project,
                    hour: event.hour,
                    measure,
                    tool: names.tool,
                    release: names.release,
                    slot: hist::slot(value),
                };
                *self.hists.entry(key).or_default() += record.weight;
            }
        }
        if event.intent != 0 {
            let key = (event.project, event.day(), event.intent, names.tool);
            let (weight, failed) = self.intents.entry(key).or_default();
            *weight += record.weight;
            *failed += if record.outcome.is_bad() {
                record.weight
            } else {
                0.0
            };
        }
        if record.outcome.is_bad() || names.error != 0 {
            let outcome = record.outcome as u8;
            let key = (event.project, event.day(), names.tool, outcome, names.error);
            self.errors.entry(key).or_default().add(one);
        }
        if record.unknown_tool {
            let key = (event.project, event.day(), names.tool);
            self.unknown_tools.entry(key).or_default().add(one);
        }
    }

    /// Counts who was there.
    fn who(&mut self, event: &Event<'_>) {
        let (project, day, user) = (event.project, event.day(), event.user);
        if event.session != 0 {
            self.session_hours
                .insert((project, event.hour, event.session));
        }
        // Nobody in particular is not a person.
        if user == 0 {
            return;
        }
        let record = event.record;
        let failed = if record.outcome.is_bad() {
            record.weight
        } else {
            0.0
        };
        let of_day = self.user_days.entry((project, day, user)).or_default();
        match record.kind {
            Kind::Call => {
                of_day.calls += 1;
                of_day.failed += failed;
                of_day.weight += record.weight;
                let tool = event.names.tool;
                for sum in [
                    self.user_hours
                        .entry((project, event.hour, user))
                        .or_default(),
                    self.user_tools
                        .entry((project, day, user, tool))
                        .or_default(),
                ] {
                    sum.calls += 1;
                    sum.failed += failed;
                    sum.weight += record.weight;
                }
                let (last, last_failed) = self.tool_users.entry((project, tool, user)).or_default();
                *last = (*last).max(record.time_ms);
                if record.outcome.is_bad() {
                    *last_failed = (*last_failed).max(record.time_ms);
                }
                self.client_users
                    .insert((project, day, event.names.client, user));
            }
            Kind::Login | Kind::Identity => of_day.logins += 1,
            Kind::Refused => of_day.refused += 1,
            _ => of_day.others += 1,
        }
    }

    pub(super) fn listed(&mut self, project: i64, tool: i64, at_ms: i64, listed: &Listed) {
        self.listed
            .entry((project, tool))
            .or_insert(Seen::at(at_ms))
            .and(at_ms);
        if let Some((hash, bytes)) = &listed.definition {
            let key = (project, tool, hash.clone());
            let (_, seen) = self
                .definitions
                .entry(key)
                .or_insert((*bytes, Seen::at(at_ms)));
            seen.and(at_ms);
        }
    }

    /// Counts an event of an instance by the day on which it came.
    pub(super) fn instance(&mut self, project: i64, day: i64, instance: i64, is_repeated: bool) {
        let (received, repeated) = self.instances.entry((project, day, instance)).or_default();
        match is_repeated {
            true => *repeated += 1,
            false => *received += 1,
        }
    }

    /// Counts events that are not taken by the day on which they came.
    pub(super) fn refused(&mut self, project: i64, day: i64, reason: &str, events: u64) {
        let key = (project, day, reason.to_owned());
        *self.refused.entry(key).or_default() += events;
    }

    pub(super) fn write(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        self.write_calls(tx)?;
        self.write_who(tx)?;
        self.write_tools(tx)?;
        self.write_quality(tx)
    }

    fn write_calls(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut by_day = BTreeMap::<_, Sum>::new();
        for (key, sum) in &self.calls {
            let hour = key.hour.div_euclid(24);
            by_day
                .entry(CallKey { hour, ..*key })
                .or_default()
                .add(*sum);
        }
        for (table, rows) in [("roll_hour", &self.calls), ("roll_day", &by_day)] {
            let mut write = tx.prepare_cached(&format!(
                "INSERT INTO {table} (project, bucket, tool, outcome, client, class, release, protocol, calls, weight)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, weight = weight + excluded.weight"
            ))?;
            for (key, sum) in rows {
                write.execute(params![
                    key.project,
                    key.hour,
                    key.tool,
                    key.outcome,
                    key.client,
                    key.class,
                    key.release,
                    key.protocol,
                    sum.calls,
                    sum.weight
                ])?;
            }
        }
        let mut by_day = BTreeMap::<_, f64>::new();
        for (key, weight) in &self.hists {
            let hour = key.hour.div_euclid(24);
            *by_day.entry(HistKey { hour, ..*key }).or_default() += weight;
        }
        for (table, rows) in [("hist_hour", &self.hists), ("hist_day", &by_day)] {
            let mut write = tx.prepare_cached(&format!(
                "INSERT INTO {table} (project, bucket, measure, tool, release, slot, weight)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT DO UPDATE SET weight = weight + excluded.weight"
            ))?;
            for (key, weight) in rows {
                write.execute(params![
                    key.project,
                    key.hour,
                    key.measure,
                    key.tool,
                    key.release,
                    key.slot,
                    weight
                ])?;
            }
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO error_day (project, bucket, tool, outcome, error, calls, weight)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, weight = weight + excluded.weight",
        )?;
        for ((project, day, tool, outcome, error), sum) in &self.errors {
            write.execute(params![
                project, day, tool, outcome, error, sum.calls, sum.weight
            ])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO intent_day (project, bucket, intent, tool, weight, failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET weight = weight + excluded.weight, failed = failed + excluded.failed",
        )?;
        for ((project, day, intent, tool), (weight, failed)) in &self.intents {
            write.execute(params![project, day, intent, tool, weight, failed])?;
        }
        Ok(())
    }

    fn write_who(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut write = tx.prepare_cached(
            "INSERT INTO user_hour (project, bucket, user, calls, failed, weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, failed = failed + excluded.failed,
                weight = weight + excluded.weight",
        )?;
        for ((project, hour, user), sum) in &self.user_hours {
            write.execute(params![
                project, hour, user, sum.calls, sum.failed, sum.weight
            ])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO user_day (project, bucket, user, calls, failed, weight, logins, refused, others)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, failed = failed + excluded.failed,
                weight = weight + excluded.weight, logins = logins + excluded.logins,
                refused = refused + excluded.refused, others = others + excluded.others",
        )?;
        for ((project, day, user), sum) in &self.user_days {
            write.execute(params![
                project,
                day,
                user,
                sum.calls,
                sum.failed,
                sum.weight,
                sum.logins,
                sum.refused,
                sum.others
            ])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO user_tool_day (project, bucket, user, tool, calls, failed, weight)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, failed = failed + excluded.failed,
                weight = weight + excluded.weight",
        )?;
        for ((project, day, user, tool), sum) in &self.user_tools {
            write.execute(params![
                project, day, user, tool, sum.calls, sum.failed, sum.weight
            ])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO tool_user (project, tool, user, last_ms, last_failed_ms) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET last_ms = max(last_ms, excluded.last_ms),
                last_failed_ms = max(last_failed_ms, excluded.last_failed_ms)",
        )?;
        for ((project, tool, user), (last, last_failed)) in &self.tool_users {
            write.execute(params![project, tool, user, last, last_failed])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT OR IGNORE INTO client_user_day (project, bucket, client, user) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (project, day, client, user) in &self.client_users {
            write.execute(params![project, day, client, user])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO session_hour (project, bucket, session) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        for (project, hour, session) in &self.session_hours {
            write.execute(params![project, hour, session])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO login_day (project, bucket, kind, reason, client, events) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET events = events + excluded.events",
        )?;
        for ((project, day, kind, reason, client), events) in &self.logins {
            write.execute(params![project, day, kind, reason, client, events])?;
        }
        Ok(())
    }

    fn write_tools(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut write = tx.prepare_cached(
            "INSERT INTO unknown_tool_day (project, bucket, tool, calls, weight) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, weight = weight + excluded.weight",
        )?;
        for ((project, day, tool), sum) in &self.unknown_tools {
            write.execute(params![project, day, tool, sum.calls, sum.weight])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO tool_listed (project, tool, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET first_ms = min(first_ms, excluded.first_ms),
                last_ms = max(last_ms, excluded.last_ms)",
        )?;
        for ((project, tool), seen) in &self.listed {
            write.execute(params![project, tool, seen.first_ms, seen.last_ms])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO tool_def (project, tool, hash, bytes, first_ms, last_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET first_ms = min(first_ms, excluded.first_ms),
                last_ms = max(last_ms, excluded.last_ms)",
        )?;
        for ((project, tool, hash), (bytes, seen)) in &self.definitions {
            let bytes = bytes.cast_signed();
            write.execute(params![
                project,
                tool,
                hash,
                bytes,
                seen.first_ms,
                seen.last_ms
            ])?;
        }
        Ok(())
    }

    fn write_quality(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut write = tx.prepare_cached(
            "INSERT INTO instance_day (project, bucket, instance, received, repeated) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET received = received + excluded.received,
                repeated = repeated + excluded.repeated",
        )?;
        for ((project, day, instance), (received, repeated)) in &self.instances {
            write.execute(params![project, day, instance, received, repeated])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO refused_day (project, bucket, reason, events) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET events = events + excluded.events",
        )?;
        for ((project, day, reason), events) in &self.refused {
            write.execute(params![project, day, reason, events.cast_signed()])?;
        }
        let mut write = tx.prepare_cached(
            "INSERT INTO redaction_day (project, bucket, tool, class, here, marks) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET marks = marks + excluded.marks",
        )?;
        for ((project, day, tool, class, is_here), marks) in &self.redactions {
            let marks = marks.cast_signed();
            write.execute(params![project, day, tool, class, is_here, marks])?;
        }
        Ok(())
    }
}
