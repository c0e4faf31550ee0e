//! Which tools work: how often each is called, by how many, how long it takes, and which nobody calls.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;
use super::span::{self, BAD, COUNTED, Span};
use crate::hist;

const DAY_MS: i64 = 86_400_000;
/// How long a tool has not been called that "never called" names.
pub const NEVER_DAYS: i64 = 90;
/// The most rows of a table: a client can call tools by any name.
const MAX_ROWS: usize = 300;
/// About how many bytes a model reads as one token.
const BYTES_PER_TOKEN: i64 = 4;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tools {
    /// By calls, most first.
    pub called: Vec<Tool>,
    /// How many tools servers list.
    pub listed: usize,
    pub never: Vec<NeverCalled>,
    /// Called, though no server has them.
    pub absent: Vec<Absent>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: String,
    /// Calls by bucket of the period.
    pub trend: Vec<f64>,
    pub calls: f64,
    pub before: f64,
    pub failed: f64,
    pub people: usize,
    /// Microseconds.
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// Bytes.
    pub result_p50: Option<f64>,
    pub last_ms: Option<i64>,
    /// When its definition changed, if it did within the period.
    pub changed_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeverCalled {
    pub name: String,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Of every listing, where servers say the size of its definition.
    pub tokens: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    pub name: String,
    pub calls: f64,
    pub people: usize,
    pub last_ms: Option<i64>,
}

#[derive(Default)]
struct Sums {
    trend: Vec<f64>,
    calls: f64,
    failed: f64,
}

pub fn tools(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Tools> {
    let (now, before) = (Span::of(period), Span::before(period));
    let sums = by_tool(db, project, period, &now)?;
    let calls_before = calls_by_tool(db, project, &before)?;
    let unknown = unknown_calls(db, project, &now)?;
    let people = people_by_tool(db, project, &now)?;
    let durations = slots_by_tool(db, project, &now, 0)?;
    let sizes = slots_by_tool(db, project, &now, 1)?;
    let quantile = |slots: &HashMap<i64, Vec<(u8, f64)>>, tool, share| {
        slots
            .get(&tool)
            .and_then(|slots| hist::quantile(slots, share))
    };

    let mut sums: Vec<(i64, Sums)> = sums.into_iter().collect();
    sums.sort_by(|(_, a), (_, b)| b.calls.total_cmp(&a.calls));
    let mut all = Tools::default();
    for (tool, sum) in sums {
        let name = names::text(db, tool)?;
        let people = people.get(&tool).map_or(0, HashSet::len);
        let last_ms = last_call(db, project, tool)?;
        // A name that some server had for a part of the time is a tool.
        let is_absent = unknown
            .get(&tool)
            .is_some_and(|unknown| *unknown as f64 >= sum.calls.floor());
        if is_absent && all.absent.len() < MAX_ROWS {
            all.absent.push(Absent {
                name,
                calls: sum.calls,
                people,
                last_ms,
            });
        } else if !is_absent && all.called.len() < MAX_ROWS {
            let (_, changed_ms) = definition(db, project, tool)?;
            all.called.push(Tool {
                name,
                trend: sum.trend,
                calls: sum.calls,
                before: calls_before.get(&tool).copied().unwrap_or_default(),
                failed: sum.failed,
                people,
                p50: quantile(&durations, tool, 0.5),
                p95: quantile(&durations, tool, 0.95),
                p99: quantile(&durations, tool, 0.99),
                result_p50: quantile(&sizes, tool, 0.5),
                last_ms,
                changed_ms: changed_ms.filter(|changed| *changed >= period.from),
            });
        }
    }
    (all.listed, all.never) = never_called(db, project, period.now)?;
    Ok(all)
}

fn by_tool(
    db: &Connection,
    project: i64,
    period: &Period,
    span: &Span,
) -> rusqlite::Result<BTreeMap<i64, Sums>> {
    let source = span::calls("tool, bucket, class, outcome, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT tool, bucket, total(weight), total(weight) FILTER (WHERE outcome IN {BAD})
         FROM ({source}) WHERE class IN {COUNTED} AND tool <> 0 GROUP BY tool, bucket"
    ))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let first = period.from / period.bucket_ms;
    let mut sums: BTreeMap<i64, Sums> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (tool, bucket): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (calls, failed): (f64, f64) = (row.get(2)?, row.get(3)?);
        let sum = sums.entry(tool).or_default();
        sum.trend.resize(period.buckets(), 0.0);
        let at = usize::try_from(bucket - first).unwrap_or(usize::MAX);
        if let Some(slot) = sum.trend.get_mut(at) {
            *slot += calls;
        }
        sum.calls += calls;
        sum.failed += failed;
    }
    Ok(sums)
}

fn calls_by_tool(
    db: &Connection,
    project: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, f64>> {
    let source = span::calls("tool, class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT tool, total(weight) FROM ({source}) WHERE class IN {COUNTED} GROUP BY tool"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

fn unknown_calls(
    db: &Connection,
    project: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, i64>> {
    // By days alone: those at the edge of 24 hours are whole.
    let days = match span.days.is_empty() {
        true => span.hours.start / 24..span.hours.end / 24 + 1,
        false => span.days.clone(),
    };
    let mut statement = db.prepare_cached(
        "SELECT tool, sum(calls) FROM unknown_tool_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY tool",
    )?;
    let rows = statement.query_map(params![project, days.start, days.end], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

/// In sets here, because SQLite would sort millions of rows to count them.
fn people_by_tool(
    db: &Connection,
    project: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, HashSet<i64>>> {
    let source = span::user_tools();
    let mut statement = db.prepare_cached(&source)?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let mut people: HashMap<i64, HashSet<i64>> = HashMap::new();
    while let Some(row) = rows.next()? {
        people.entry(row.get(1)?).or_default().insert(row.get(0)?);
    }
    Ok(people)
}

fn slots_by_tool(
    db: &Connection,
    project: i64,
    span: &Span,
    measure: i64,
) -> rusqlite::Result<HashMap<i64, Vec<(u8, f64)>>> {
    let source = span::hist("tool, measure, slot, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT tool, slot, total(weight) FROM ({source}) WHERE measure = :of GROUP BY tool, slot"
    ))?;
    let mut rows = statement.query(span.params_of(project, measure).as_slice())?;
    let mut slots: HashMap<i64, Vec<(u8, f64)>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let of = slots.entry(row.get(0)?).or_default();
        of.push((row.get(1)?, row.get(2)?));
    }
    Ok(slots)
}

fn last_call(db: &Connection, project: i64, tool: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        db.prepare_cached("SELECT max(time_ms) FROM event WHERE project = ?1 AND tool = ?2")?;
    statement.query_row(params![project, tool], |row| row.get(0))
}

/// The size of a tool's newest definition, and when it became another one.
pub(super) fn definition(
    db: &Connection,
    project: i64,
    tool: i64,
) -> rusqlite::Result<(Option<i64>, Option<i64>)> {
    let mut statement = db.prepare_cached(
        "SELECT bytes, first_ms FROM tool_def WHERE project = ?1 AND tool = ?2
         ORDER BY first_ms DESC, hash LIMIT 2",
    )?;
    let rows = statement.query_map(params![project, tool], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    let bytes = rows.first().map(|(bytes, _)| *bytes);
    let changed = match rows.as_slice() {
        [(_, newest), _] => Some(*newest),
        _ => None,
    };
    Ok((bytes, changed))
}

pub(super) fn tokens(bytes: i64) -> i64 {
    (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN
}

/// How many tools servers list, and those among them that nobody has called for a long time.
fn never_called(
    db: &Connection,
    project: i64,
    now: i64,
) -> rusqlite::Result<(usize, Vec<NeverCalled>)> {
    let since = now - NEVER_DAYS * DAY_MS;
    let mut statement = db.prepare_cached(&format!(
        "SELECT tool, first_ms, last_ms, EXISTS (
             SELECT 1 FROM event WHERE project = ?1 AND event.tool = tool_listed.tool AND time_ms >= ?2
                 AND kind = 1 AND class IN {COUNTED})
         FROM tool_listed WHERE project = ?1 AND last_ms >= ?2"
    ))?;
    let mut rows = statement.query(params![project, since])?;
    let (mut listed, mut never) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        listed += 1;
        if !row.get::<_, bool>(3)? && never.len() < MAX_ROWS {
            let tool = row.get(0)?;
            let (bytes, _) = definition(db, project, tool)?;
            never.push(NeverCalled {
                name: names::text(db, tool)?,
                first_ms: row.get(1)?,
                last_ms: row.get(2)?,
                tokens: bytes.map(tokens),
            });
        }
    }
    never.sort_by(|a, b| b.tokens.cmp(&a.tokens).then_with(|| a.name.cmp(&b.name)));
    Ok((listed, never))
}
