//! Is it used, does it work, and what changed?

mod changes;

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

pub use changes::{Change, Weight};

use super::names;
use super::people::{self, Show, Someone, Sum};
use super::period::Period;
use super::rows::RowMap;
use super::span::{self, Span};
use crate::hist;
use crate::record::Outcome;
use crate::store::schema::{BAD, COUNTED};

const HOUR_MS: i64 = 3_600_000;
/// Fewer calls in a bucket have no rate and no p95.
const ENOUGH: f64 = 5.0;
const TOOLS: usize = 8;
const FAILED_ASKS: i64 = 6;
const NEW_PEOPLE: usize = 3;
const GONE_PEOPLE: usize = 2;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    pub now: Figures,
    pub before: Figures,
    /// As many as the period has, and those of the time before beside them.
    pub buckets: Vec<Figures>,
    pub buckets_before: Vec<Figures>,
    /// Versions of the server that first came in the period.
    pub releases: Vec<(i64, String)>,
    /// What hurts most first.
    pub changes: Vec<Change>,
    pub people: People,
    pub failed_asks: Vec<FailedAsk>,
    /// Most calls first.
    pub tools: Vec<Tool>,
    pub tools_in_all: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    pub calls: f64,
    pub failed: f64,
    pub people: i64,
    pub sessions: i64,
    /// Microseconds.
    pub p95: Option<f64>,
}

impl Figures {
    /// Of a bucket: what is said of it at all.
    pub fn success(&self) -> Option<f64> {
        (self.calls >= ENOUGH).then(|| 1.0 - self.failed / self.calls)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    pub new: usize,
    /// Those who were there before the period, too.
    pub returning: usize,
    pub gone: usize,
    pub named: Vec<Named>,
}

/// Somebody worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Calls, and since when.
    New(i64, i64),
    /// Failed calls, and all.
    Failing(i64, i64),
    /// Calls in the time before.
    Gone(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FailedAsk {
    pub event: i64,
    pub time_ms: i64,
    pub intent: String,
    pub tool: String,
    pub outcome: Outcome,
    pub error: String,
    pub user: Option<String>,
    pub session: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: String,
    pub trend: Vec<f64>,
    pub calls: f64,
    pub failed: f64,
    pub before: f64,
    pub people: usize,
    pub p95: Option<f64>,
}

/// A tool in a period.
#[derive(Debug, Clone, Default)]
struct OfTool {
    trend: Vec<f64>,
    calls: f64,
    failed: f64,
    outcomes: BTreeMap<Outcome, f64>,
    slots: Vec<(u8, f64)>,
}

impl OfTool {
    fn p95(&self) -> Option<f64> {
        let measured: f64 = self.slots.iter().map(|(_, weight)| weight).sum();
        (measured >= ENOUGH).then(|| hist::quantile(&self.slots, 0.95))?
    }
}

/// What one period says, read once for all cards.
struct Read {
    figures: Figures,
    buckets: Vec<Figures>,
    tools: HashMap<i64, OfTool>,
    users: RowMap<Sum>,
}

pub fn overview(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Overview> {
    let mut now = read(db, project, period, false)?;
    let mut before = read(db, project, period, true)?;
    let users = (
        std::mem::take(&mut now.users),
        std::mem::take(&mut before.users),
    );
    let all = people::Filter::default();
    let everyone = people::everyone_of(db, project, period, &all, users.0, users.1)?;
    let changes = changes::changes(db, project, period, &now, &before, &everyone)?;
    Ok(Overview {
        releases: releases(db, project, period)?,
        people: people_card(&everyone, db, project, period)?,
        failed_asks: failed_asks(db, project, period)?,
        tools: tools(db, project, period, (&now, &before), &changes)?,
        tools_in_all: now.tools.values().filter(|tool| tool.calls > 0.0).count(),
        changes,
        now: now.figures,
        before: before.figures,
        buckets: now.buckets,
        buckets_before: before.buckets,
    })
}

fn read(db: &Connection, project: i64, period: &Period, is_before: bool) -> rusqlite::Result<Read> {
    let (span, shift) = match is_before {
        true => (Span::before(period), period.from - period.before_from),
        false => (Span::of(period), 0),
    };
    let bucket = |at_ms: i64| period.bucket_of(at_ms + shift);
    let mut read = Read {
        figures: Figures::default(),
        buckets: vec![Figures::default(); period.buckets()],
        tools: HashMap::new(),
        users: RowMap::default(),
    };
    calls(db, project, period, &span, &bucket, &mut read)?;
    durations(db, project, &span, &bucket, &mut read)?;
    read.users = people::sums(db, project, &span, |sum, at_ms| {
        let place = bucket(at_ms);
        if sum.counted_in.replace(place) != Some(place)
            && let Some(figures) = read.buckets.get_mut(place)
        {
            figures.people += 1;
        }
    })?;
    read.figures.people = read.users.len() as i64;
    sessions(db, project, &span, &bucket, &mut read)?;
    Ok(read)
}

/// Rows are summed here, and in [`durations`]: the database would sort them first.
fn calls(
    db: &Connection,
    project: i64,
    period: &Period,
    span: &Span,
    bucket: &impl Fn(i64) -> usize,
    read: &mut Read,
) -> rusqlite::Result<()> {
    let source = span::calls_at("tool, outcome, class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT at_ms, tool, outcome, weight FROM ({source}) WHERE class IN {COUNTED}"
    ))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    while let Some(row) = rows.next()? {
        let (place, weight) = (bucket(row.get(0)?), row.get::<_, f64>(3)?);
        let outcome = Outcome::of_number(row.get(2)?);
        let bad = if outcome.is_bad() { weight } else { 0.0 };
        let tool = read.tools.entry(row.get(1)?).or_default();
        tool.trend.resize(period.buckets(), 0.0);
        if let Some(calls) = tool.trend.get_mut(place) {
            *calls += weight;
        }
        *tool.outcomes.entry(outcome).or_default() += weight;
        tool.calls += weight;
        tool.failed += bad;
        for figures in read
            .buckets
            .get_mut(place)
            .into_iter()
            .chain([&mut read.figures])
        {
            figures.calls += weight;
            figures.failed += bad;
        }
    }
    Ok(())
}

fn durations(
    db: &Connection,
    project: i64,
    span: &Span,
    bucket: &impl Fn(i64) -> usize,
    read: &mut Read,
) -> rusqlite::Result<()> {
    let source = span::hist_at("measure, tool, slot, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT at_ms, tool, slot, weight FROM ({source}) WHERE measure = 0"
    ))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let (mut all, mut by_bucket) = (Slots::default(), vec![Slots::default(); read.buckets.len()]);
    let mut by_tool: HashMap<i64, Slots> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (place, slot, weight) = (
            bucket(row.get(0)?),
            row.get::<_, u8>(2)?,
            row.get::<_, f64>(3)?,
        );
        let tool = by_tool.entry(row.get(1)?).or_default();
        for slots in by_bucket.get_mut(place).into_iter().chain([&mut all, tool]) {
            *slots.entry(slot).or_default() += weight;
        }
    }
    let slots = |slots: &Slots| {
        slots
            .iter()
            .map(|(slot, weight)| (*slot, *weight))
            .collect::<Vec<_>>()
    };
    for (figures, of) in read.buckets.iter_mut().zip(&by_bucket) {
        let is_enough = of.values().sum::<f64>() >= ENOUGH;
        figures.p95 = hist::quantile(&slots(of), 0.95).filter(|_| is_enough);
    }
    read.figures.p95 =
        hist::quantile(&slots(&all), 0.95).filter(|_| all.values().sum::<f64>() >= ENOUGH);
    for (tool, of) in by_tool {
        read.tools.entry(tool).or_default().slots = slots(&of);
    }
    Ok(())
}

type Slots = BTreeMap<u8, f64>;

/// How many sessions there were in each bucket and in all: those of an hour whose hour before it lies outside.
fn sessions(
    db: &Connection,
    project: i64,
    span: &Span,
    bucket: &impl Fn(i64) -> usize,
    read: &mut Read,
) -> rusqlite::Result<()> {
    let hours = span.all_hours();
    let mut statement = db.prepare_cached(
        "SELECT bucket, prior, sessions FROM session_gap WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3",
    )?;
    let mut rows = statement.query(params![project, hours.start, hours.end])?;
    while let Some(row) = rows.next()? {
        let (hour, prior, sessions): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let place = bucket(hour * HOUR_MS);
        let is_first = prior < hours.start;
        if is_first {
            read.figures.sessions += sessions;
        }
        if (is_first || bucket(prior * HOUR_MS) != place)
            && let Some(figures) = read.buckets.get_mut(place)
        {
            figures.sessions += sessions;
        }
    }
    Ok(())
}

fn releases(
    db: &Connection,
    project: i64,
    period: &Period,
) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = db.prepare_cached(
        "SELECT first_ms, text FROM name WHERE project = ?1 AND kind = 3 AND first_ms > ?2 AND first_ms < ?3
         ORDER BY first_ms DESC LIMIT 4",
    )?;
    let releases = statement.query_map(params![project, period.from, period.until], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    releases.collect()
}

fn people_card(
    everyone: &[Someone],
    db: &Connection,
    project: i64,
    period: &Period,
) -> rusqlite::Result<People> {
    let of = |show: Show| everyone.iter().filter(move |someone| someone.show == show);
    let mut named = Vec::new();
    let mut new: Vec<_> = of(Show::New).collect();
    new.sort_by_key(|someone| std::cmp::Reverse((someone.first_ms, someone.user)));
    for someone in new.into_iter().take(NEW_PEOPLE) {
        let since = first_call(db, project, period, someone.user)?.unwrap_or(someone.first_ms);
        named.push((someone, Why::New(someone.calls.round() as i64, since)));
    }
    let share = |someone: &Someone| someone.failed / someone.calls;
    let failing = everyone
        .iter()
        .filter(|someone| someone.show != Show::Gone && someone.is_failing());
    let most = failing.max_by(|a, b| share(a).total_cmp(&share(b)).then(b.user.cmp(&a.user)));
    if let Some(someone) = most {
        let (failed, calls) = (someone.failed.round() as i64, someone.calls.round() as i64);
        named.push((someone, Why::Failing(failed, calls)));
    }
    let mut gone: Vec<_> = of(Show::Gone).collect();
    gone.sort_by(|a, b| {
        b.calls_before
            .total_cmp(&a.calls_before)
            .then(a.user.cmp(&b.user))
    });
    for someone in gone.into_iter().take(GONE_PEOPLE) {
        named.push((someone, Why::Gone(someone.calls_before.round() as i64)));
    }
    let named = named.into_iter().map(|(someone, why)| Named {
        id: someone.id.clone(),
        why,
    });
    Ok(People {
        new: of(Show::New).count(),
        returning: of(Show::Returning).count() + of(Show::Back).count(),
        gone: of(Show::Gone).count(),
        named: named.collect(),
    })
}

fn first_call(
    db: &Connection,
    project: i64,
    period: &Period,
    user: i64,
) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT min(time_ms) FROM event INDEXED BY event_user
         WHERE project = ?1 AND user = ?2 AND time_ms >= ?3 AND time_ms < ?4 AND kind = 1",
    )?;
    statement.query_row(params![project, user, period.from, period.until], |row| {
        row.get(0)
    })
}

/// The newest failures that say what they were for, over `event_bad`: failures are rare among calls, and this reads no
/// more of them than it shows and those without an intent in between.
pub(super) fn failed_asks(
    db: &Connection,
    project: i64,
    period: &Period,
) -> rusqlite::Result<Vec<FailedAsk>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.id, e.time_ms, i.text, t.text, e.outcome, x.text, u.text, s.text
         FROM event e INDEXED BY event_bad JOIN intent i ON i.id = e.intent
             LEFT JOIN name t ON t.id = e.tool LEFT JOIN name x ON x.id = e.error
             LEFT JOIN user u ON u.id = e.user LEFT JOIN session s ON s.id = e.session
         WHERE e.project = ?1 AND e.time_ms >= ?2 AND e.time_ms < ?3 AND e.outcome IN {BAD}
             AND e.kind = 1 AND e.class IN {COUNTED} AND e.intent > 0
         ORDER BY e.time_ms DESC, e.id DESC LIMIT {FAILED_ASKS}"
    ))?;
    let asks = statement.query_map(params![project, period.from, period.until], |row| {
        let text = |at| {
            row.get::<_, Option<String>>(at)
                .map(Option::unwrap_or_default)
        };
        Ok(FailedAsk {
            event: row.get(0)?,
            time_ms: row.get(1)?,
            intent: row.get(2)?,
            tool: text(3)?,
            outcome: Outcome::of_number(row.get(4)?),
            error: text(5)?,
            user: row.get(6)?,
            session: row.get(7)?,
        })
    })?;
    asks.collect()
}

/// The tools with most calls, and those that a change is about.
fn tools(
    db: &Connection,
    project: i64,
    period: &Period,
    (now, before): (&Read, &Read),
    changes: &[Change],
) -> rusqlite::Result<Vec<Tool>> {
    let mut order: Vec<_> = now
        .tools
        .iter()
        .filter(|(tool, of)| **tool != 0 && of.calls > 0.0)
        .collect();
    order.sort_by(|(a, x), (b, y)| y.calls.total_cmp(&x.calls).then(a.cmp(b)));
    let mut tools = Vec::new();
    for (place, (tool, of)) in order.into_iter().enumerate() {
        let name = || names::text(db, *tool);
        if place >= TOOLS {
            let name = name()?;
            if !changes.iter().any(|change| change.tool() == Some(&name)) {
                continue;
            }
        }
        tools.push(Tool {
            name: name()?,
            trend: of.trend.clone(),
            calls: of.calls,
            failed: of.failed,
            before: before.tools.get(tool).map_or(0.0, |of| of.calls),
            people: super::tools::people_of(db, project, period, *tool, false)?,
            p95: of.p95(),
        });
    }
    Ok(tools)
}

#[cfg(test)]
mod tests;
