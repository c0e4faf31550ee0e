//! One tool: why it fails, how long it takes, for whom, and what for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;
use super::span::{self, BAD, COUNTED, Span};
use super::tools::{definition, tokens};
use crate::hist;
use crate::record::Outcome;

/// `name.kind` of tools.
const TOOL: i64 = 1;
/// How many of the newest calls are looked through for who met which error, and for intents.
const LOOKED_THROUGH: i64 = 20_000;
const MAX_ERRORS: usize = 20;
const MAX_PEOPLE: usize = 6;
const MAX_INTENTS: usize = 4;
const MAX_RELEASES: usize = 12;
const NEWEST: i64 = 8;
/// Fewer calls say nothing about a release.
const ENOUGH_CALLS: f64 = 10.0;
const ENOUGH_FAILED: f64 = 3.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: String,
    pub first_ms: Option<i64>,
    /// When its definition became another one, if it ever did.
    pub changed_ms: Option<i64>,
    /// What its definition costs of every listing.
    pub tokens: Option<i64>,
    pub now: Figures,
    pub before: Figures,
    pub worse_since: Option<WorseSince>,
    pub errors: Vec<Error>,
    /// Weights by slot of the duration in microseconds.
    pub durations: Vec<(u8, f64)>,
    pub durations_before: Vec<(u8, f64)>,
    pub releases: Vec<Release>,
    pub people: Vec<Person>,
    pub intents: Vec<(String, i64)>,
    pub newest: Vec<Call>,
    /// Whether people and intents are those of the newest calls alone.
    pub is_cut: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    pub calls: f64,
    pub failed: f64,
    pub people: usize,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub result_p50: Option<f64>,
}

/// The newest release fails more than those before it, beyond chance.
#[derive(Debug, Clone, PartialEq)]
pub struct WorseSince {
    pub release: String,
    pub since_ms: i64,
    pub share: f64,
    pub share_before: f64,
    /// How most of its failures end.
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub message: String,
    pub outcome: Outcome,
    pub calls: f64,
    pub people: usize,
    pub releases: Vec<String>,
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub name: String,
    /// When this project first had an event of it.
    pub first_ms: i64,
    pub calls: f64,
    pub failed: f64,
    pub p95: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: String,
    pub calls: i64,
    pub failed: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub time_ms: i64,
    pub user: Option<String>,
    pub session: Option<String>,
    pub intent: Option<String>,
    pub outcome: Outcome,
    pub duration_us: Option<i64>,
    pub client: String,
    pub client_version: String,
}

/// `None` for a name that no tool was ever called or listed by.
pub fn tool(
    db: &Connection,
    project: i64,
    name: &str,
    period: &Period,
) -> rusqlite::Result<Option<Tool>> {
    let Some(tool) = names::id(db, project, TOOL, name)? else {
        return Ok(None);
    };
    let (now, before) = (Span::of(period), Span::before(period));
    let ((durations, sizes), (durations_before, sizes_before)) = (
        slots(db, project, tool, &now)?,
        slots(db, project, tool, &before)?,
    );
    let people_before = people(db, project, tool, &before)?;
    let people = people(db, project, tool, &now)?;
    let by_release_before = by_release(db, project, tool, &before)?;
    let by_release = by_release(db, project, tool, &now)?;
    let figures = |outcomes: &HashMap<i64, BTreeMap<Outcome, f64>>,
                   durations: &[(u8, f64)],
                   sizes: &[(u8, f64)],
                   people: usize| {
        let all = outcomes.values().flatten();
        let bad = all.clone().filter(|(outcome, _)| outcome.is_bad());
        Figures {
            calls: all.map(|(_, weight)| weight).sum(),
            failed: bad.map(|(_, weight)| weight).sum(),
            people,
            p50: hist::quantile(durations, 0.5),
            p95: hist::quantile(durations, 0.95),
            result_p50: hist::quantile(sizes, 0.5),
        }
    };
    let (bytes, changed_ms) = definition(db, project, tool)?;
    let looked = look_through(db, project, tool, period)?;
    Ok(Some(Tool {
        name: name.to_owned(),
        first_ms: first_seen(db, project, tool)?,
        changed_ms,
        tokens: bytes.map(tokens),
        now: figures(&by_release, &durations, &sizes, people.len()),
        before: figures(
            &by_release_before,
            &durations_before,
            &sizes_before,
            people_before.len(),
        ),
        worse_since: worse_since(db, &by_release, &by_release_before)?,
        errors: errors(db, project, tool, &now, &looked)?,
        durations,
        durations_before,
        releases: releases(db, project, tool, &now, &by_release)?,
        people: most_calls(db, people)?,
        intents: intents(db, &looked)?,
        newest: newest(db, project, tool, period)?,
        is_cut: looked.is_cut,
    }))
}

type Slots = Vec<(u8, f64)>;

/// Of durations and of results.
fn slots(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
) -> rusqlite::Result<(Slots, Slots)> {
    let source = span::hist("tool, measure, slot, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT measure, slot, total(weight) FROM ({source}) WHERE tool = :of
         GROUP BY measure, slot ORDER BY measure, slot"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let (mut durations, mut sizes) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let slot = (row.get(1)?, row.get(2)?);
        match row.get::<_, i64>(0)? {
            0 => durations.push(slot),
            _ => sizes.push(slot),
        }
    }
    Ok((durations, sizes))
}

/// Calls and failures by user.
fn people(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, (i64, i64)>> {
    let source = span::user_tools();
    let mut statement = db.prepare_cached(&format!(
        "SELECT user, calls, failed FROM ({source}) WHERE tool = :of"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let mut people: HashMap<i64, (i64, i64)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (calls, failed) = people.entry(row.get(0)?).or_default();
        *calls += row.get::<_, i64>(1)?;
        *failed += row.get::<_, i64>(2)?;
    }
    Ok(people)
}

fn most_calls(db: &Connection, people: HashMap<i64, (i64, i64)>) -> rusqlite::Result<Vec<Person>> {
    let mut order: Vec<_> = people.into_iter().collect();
    order.sort_by_key(|(user, (calls, _))| (-calls, *user));
    let mut most = Vec::new();
    for (user, (calls, failed)) in order.into_iter().take(MAX_PEOPLE) {
        if let Some(id) = names::user(db, user)? {
            most.push(Person { id, calls, failed });
        }
    }
    Ok(most)
}

/// The weight of each outcome by release.
fn by_release(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, BTreeMap<Outcome, f64>>> {
    let source = span::calls("tool, class, release, outcome, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT release, outcome, total(weight) FROM ({source})
         WHERE tool = :of AND class IN {COUNTED} GROUP BY release, outcome"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let mut by_release: HashMap<i64, BTreeMap<Outcome, f64>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let outcomes = by_release.entry(row.get(0)?).or_default();
        *outcomes.entry(Outcome::of_number(row.get(1)?)).or_default() += row.get::<_, f64>(2)?;
    }
    Ok(by_release)
}

fn shares(outcomes: &BTreeMap<Outcome, f64>) -> (f64, f64) {
    let failed = outcomes.iter().filter(|(outcome, _)| outcome.is_bad());
    (outcomes.values().sum(), failed.map(|(_, n)| n).sum())
}

fn first_of_release(db: &Connection, release: i64) -> rusqlite::Result<i64> {
    let mut statement = db.prepare_cached("SELECT first_ms FROM name WHERE id = ?1")?;
    statement.query_row([release], |row| row.get(0))
}

fn releases(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
    by_release: &HashMap<i64, BTreeMap<Outcome, f64>>,
) -> rusqlite::Result<Vec<Release>> {
    let source = span::hist("tool, measure, release, slot, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT release, slot, total(weight) FROM ({source})
         WHERE tool = :of AND measure = 0 GROUP BY release, slot"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let mut durations: HashMap<i64, Slots> = HashMap::new();
    while let Some(row) = rows.next()? {
        let slots = durations.entry(row.get(0)?).or_default();
        slots.push((row.get(1)?, row.get(2)?));
    }
    let mut releases = Vec::new();
    for (release, outcomes) in by_release.iter().filter(|(release, _)| **release != 0) {
        let (calls, failed) = shares(outcomes);
        let slots = durations.get(release);
        releases.push(Release {
            name: names::text(db, *release)?,
            first_ms: first_of_release(db, *release)?,
            calls,
            failed,
            p95: slots.and_then(|slots| hist::quantile(slots, 0.95)),
        });
    }
    releases.sort_by(|a, b| {
        b.first_ms
            .cmp(&a.first_ms)
            .then_with(|| b.name.cmp(&a.name))
    });
    releases.truncate(MAX_RELEASES);
    Ok(releases)
}

fn worse_since(
    db: &Connection,
    now: &HashMap<i64, BTreeMap<Outcome, f64>>,
    before: &HashMap<i64, BTreeMap<Outcome, f64>>,
) -> rusqlite::Result<Option<WorseSince>> {
    let mut all = now.clone();
    for (release, outcomes) in before {
        for (outcome, weight) in outcomes {
            *all.entry(*release)
                .or_default()
                .entry(*outcome)
                .or_default() += weight;
        }
    }
    let mut order = Vec::new();
    for release in all.keys().filter(|release| **release != 0) {
        order.push((first_of_release(db, *release)?, *release));
    }
    let Some((since_ms, newest)) = order.into_iter().max() else {
        return Ok(None);
    };
    let outcomes = all.remove(&newest).unwrap_or_default();
    let (calls, failed) = shares(&outcomes);
    let (calls_before, failed_before) = all
        .values()
        .map(shares)
        .fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    if calls < ENOUGH_CALLS || calls_before < ENOUGH_CALLS || failed < ENOUGH_FAILED {
        return Ok(None);
    }
    let (share, share_before) = (failed / calls, failed_before / calls_before);
    // Two standard errors of the difference, were both drawn from one share.
    let both = (failed + failed_before) / (calls + calls_before);
    let error = (both * (1.0 - both) * (1.0 / calls + 1.0 / calls_before)).sqrt();
    if share - share_before <= 2.0 * error {
        return Ok(None);
    }
    let bad = outcomes.iter().filter(|(outcome, _)| outcome.is_bad());
    let most = bad.max_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(Some(WorseSince {
        release: names::text(db, newest)?,
        since_ms,
        share,
        share_before,
        outcome: most.map_or(Outcome::Unknown, |(outcome, _)| *outcome),
    }))
}

/// What the newest calls of the period say beyond the rollups.
#[derive(Default)]
struct Looked {
    errors: HashMap<(i64, Outcome), Met>,
    intents: HashMap<i64, i64>,
    is_cut: bool,
}

#[derive(Default)]
struct Met {
    people: HashSet<i64>,
    releases: BTreeSet<i64>,
    first_ms: i64,
    last_ms: i64,
}

fn look_through(
    db: &Connection,
    project: i64,
    tool: i64,
    period: &Period,
) -> rusqlite::Result<Looked> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT time_ms, user, release, outcome, error, intent FROM event
         WHERE project = ?1 AND tool = ?2 AND time_ms >= ?3 AND time_ms < ?4 AND kind = 1 AND class IN {COUNTED}
         ORDER BY time_ms DESC LIMIT ?5"
    ))?;
    let mut rows = statement.query(params![
        project,
        tool,
        period.from,
        period.until,
        LOOKED_THROUGH
    ])?;
    let mut looked = Looked::default();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let time_ms: i64 = row.get(0)?;
        let outcome = Outcome::of_number(row.get(3)?);
        if outcome.is_bad() {
            let met = looked.errors.entry((row.get(4)?, outcome)).or_default();
            match row.get(1)? {
                0 => {}
                user => drop(met.people.insert(user)),
            }
            met.releases.insert(row.get(2)?);
            met.first_ms = time_ms;
            met.last_ms = met.last_ms.max(time_ms);
        }
        match row.get(5)? {
            0 => {}
            intent => *looked.intents.entry(intent).or_default() += 1,
        }
    }
    looked.is_cut = count == LOOKED_THROUGH;
    Ok(looked)
}

fn errors(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
    looked: &Looked,
) -> rusqlite::Result<Vec<Error>> {
    let source = span::days_and_events(
        "error_day",
        "tool, outcome, error, weight",
        "tool, outcome, error, weight",
        &format!("kind = 1 AND class IN {COUNTED} AND outcome IN {BAD}"),
    );
    let mut statement = db.prepare_cached(&format!(
        "SELECT error, outcome, total(weight) AS calls FROM ({source})
         WHERE tool = :of AND outcome IN {BAD} GROUP BY error, outcome ORDER BY calls DESC LIMIT {MAX_ERRORS}"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let mut errors = Vec::new();
    while let Some(row) = rows.next()? {
        let (error, outcome) = (row.get(0)?, Outcome::of_number(row.get(1)?));
        let met = looked.errors.get(&(error, outcome));
        let mut releases = Vec::new();
        for release in met.iter().flat_map(|met| &met.releases) {
            releases.push(names::text(db, *release)?);
        }
        releases.retain(|release| !release.is_empty());
        errors.push(Error {
            message: names::text(db, error)?,
            outcome,
            calls: row.get(2)?,
            people: met.map_or(0, |met| met.people.len()),
            releases,
            first_ms: met.map(|met| met.first_ms),
            last_ms: met.map(|met| met.last_ms),
        });
    }
    Ok(errors)
}

fn intents(db: &Connection, looked: &Looked) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut order: Vec<(i64, i64)> = looked.intents.iter().map(|(id, n)| (*id, *n)).collect();
    order.sort_by_key(|(id, calls)| (-calls, *id));
    let mut statement = db.prepare_cached("SELECT text FROM intent WHERE id = ?1")?;
    let most = order.into_iter().take(MAX_INTENTS).map(|(id, calls)| {
        let text = statement.query_row([id], |row| row.get(0))?;
        Ok((text, calls))
    });
    most.collect()
}

fn first_seen(db: &Connection, project: i64, tool: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT min(first_ms) FROM (
             SELECT first_ms FROM tool_def WHERE project = ?1 AND tool = ?2
             UNION ALL SELECT first_ms FROM tool_listed WHERE project = ?1 AND tool = ?2)",
    )?;
    statement.query_row(params![project, tool], |row| row.get(0))
}

fn newest(
    db: &Connection,
    project: i64,
    tool: i64,
    period: &Period,
) -> rusqlite::Result<Vec<Call>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.time_ms, u.text, s.text, i.text, e.outcome, e.duration_us, e.client FROM event e
         LEFT JOIN user u ON u.id = e.user LEFT JOIN session s ON s.id = e.session LEFT JOIN intent i ON i.id = e.intent
         WHERE e.project = ?1 AND e.tool = ?2 AND e.time_ms >= ?3 AND e.time_ms < ?4
             AND e.kind = 1 AND e.class IN {COUNTED}
         ORDER BY e.time_ms DESC, e.id DESC LIMIT {NEWEST}"
    ))?;
    let mut rows = statement.query(params![project, tool, period.from, period.until])?;
    let mut newest = Vec::new();
    while let Some(row) = rows.next()? {
        let (client, client_version) = names::client(db, row.get(6)?)?;
        newest.push(Call {
            time_ms: row.get(0)?,
            user: row.get(1)?,
            session: row.get(2)?,
            intent: row.get(3)?,
            outcome: Outcome::of_number(row.get(4)?),
            duration_us: row.get(5)?,
            client,
            client_version,
        });
    }
    Ok(newest)
}
