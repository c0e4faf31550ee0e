//! What changed, by rules over two periods: each finding is a sentence on the page.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::super::names;
use super::super::people::{Show, Someone};
use super::super::period::Period;
use super::super::quality;
use super::super::span::{self, Span};
use super::super::tools::people_of;
use super::{OfTool, Read};
use crate::record::{Kind, Outcome};
use crate::store::schema::COUNTED;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// So many are on the page.
const SHOWN: usize = 5;
/// A tool fails more: so many failures, and so much more of its calls.
const ENOUGH_FAILED: f64 = 3.0;
const MORE_FAILED: f64 = 0.03;
/// Hours in a row with a failure, where no release began them.
const HOURS_IN_A_ROW: usize = 3;
/// Refusals of one version of a client: so many, and so many times those before.
const ENOUGH_REFUSED: i64 = 10;
const TIMES_REFUSED: i64 = 3;
/// A p95 doubles only among so many calls.
const ENOUGH_MEASURED: f64 = 20.0;
const TIMES_SLOWER: f64 = 2.0;
/// A missing capability is asked for more: so often, and so many times as before.
const ENOUGH_ASKS: i64 = 5;
const TIMES_ASKED: f64 = 1.3;
/// A company changes with so many people.
const ENOUGH_PEOPLE: usize = 2;
/// A tool that was called so often before, and is not now.
const ENOUGH_BEFORE: f64 = 5.0;
/// The share of calls that makes a new client worth a sentence.
const CLIENT_SHARE: f64 = 0.1;

#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A tool fails beyond chance more than before.
    Fails {
        tool: String,
        calls: f64,
        failed: f64,
        calls_before: f64,
        failed_before: f64,
        /// How all, or most, of the failures end.
        outcome: Outcome,
        is_all: bool,
        /// The hour of the first of them, where one can be named, and the release that it came with. The calls are those
        /// since then.
        began_ms: Option<i64>,
        release: Option<String>,
        /// Who met a failure of it in the period.
        people: i64,
    },
    /// A version of a client is refused far more.
    Refused {
        client: String,
        version: String,
        refused: i64,
        before: i64,
        /// Where all have one.
        reason: Option<String>,
        /// Whether other versions of it are let in as before.
        is_alone: bool,
    },
    /// Events never came.
    Lost {
        events: i64,
        instance: String,
        instances: usize,
        reason: String,
        day_ms: i64,
    },
    /// A capability that no tool has is asked for more.
    Missing {
        label: String,
        cluster: Option<i64>,
        asks: i64,
        before: i64,
        people: i64,
        is_most: bool,
    },
    /// Several people of a company are new.
    NewPeople {
        domain: String,
        new: i64,
        people: i64,
    },
    /// All people of a company went quiet.
    Quiet { domain: String, people: i64 },
    /// A tool takes twice as long, microseconds.
    Slower {
        tool: String,
        p95: f64,
        before: f64,
        people: i64,
    },
    /// A tool that nobody calls any more.
    Uncalled { tool: String, before: f64 },
    /// A client, or a version of one, that is new and often there.
    NewClient {
        client: String,
        version: String,
        calls: f64,
        share: f64,
    },
}

/// How much a change hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Fails,
    Doubtful,
    News,
}

impl Change {
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Fails { .. } | Self::Refused { .. } => Weight::Fails,
            Self::Lost { .. } | Self::Slower { .. } | Self::Quiet { .. } => Weight::Doubtful,
            _ => Weight::News,
        }
    }

    /// The tool that it is about.
    pub(super) const fn tool(&self) -> Option<&String> {
        match self {
            Self::Fails { tool, .. } | Self::Slower { tool, .. } => Some(tool),
            _ => None,
        }
    }

    /// People hit, by the share of what they do.
    fn score(&self, everyone: f64) -> f64 {
        match self {
            Self::Fails {
                calls,
                failed,
                people,
                ..
            } => *people as f64 * failed / calls.max(1.0),
            Self::Refused { refused, .. } => {
                (*refused as f64 / ENOUGH_REFUSED as f64).min(everyone)
            }
            Self::Lost { events, .. } => *events as f64 / 100.0,
            Self::Slower {
                people,
                p95,
                before,
                ..
            } => *people as f64 * (1.0 - before / p95),
            Self::Quiet { people, .. } => *people as f64,
            Self::Missing {
                people,
                asks,
                before,
                ..
            } => *people as f64 * (1.0 - *before as f64 / (*asks as f64).max(1.0)),
            Self::NewPeople { new, .. } => *new as f64,
            Self::Uncalled { before, .. } => before / 100.0,
            // Clients have new versions all the time.
            Self::NewClient { share, .. } => *share,
        }
    }
}

/// The worst first.
pub(super) fn changes(
    db: &Connection,
    project: i64,
    period: &Period,
    now: &Read,
    before: &Read,
    everyone: &[Someone],
) -> rusqlite::Result<Vec<Change>> {
    let mut changes = Vec::new();
    // Without a time before nothing has changed.
    if before.figures.calls > 0.0 {
        tools(db, project, period, now, before, &mut changes)?;
        clients(db, project, period, now, &mut changes)?;
        companies(everyone, &mut changes);
    }
    refused(db, project, period, &mut changes)?;
    lost(db, project, period, &mut changes)?;
    missing(db, project, period, &mut changes)?;
    let people = now.figures.people as f64;
    changes.sort_by(|a, b| {
        let by_score = || b.score(people).total_cmp(&a.score(people));
        a.weight().cmp(&b.weight()).then_with(by_score)
    });
    changes.truncate(SHOWN);
    Ok(changes)
}

/// Whether a share is above another beyond chance: by more than two standard errors of their difference.
fn is_above(failed: f64, calls: f64, failed_before: f64, calls_before: f64) -> bool {
    if calls < 1.0 || calls_before < 1.0 {
        return false;
    }
    let both = (failed + failed_before) / (calls + calls_before);
    let error = (both * (1.0 - both) * (1.0 / calls + 1.0 / calls_before)).sqrt();
    failed / calls - failed_before / calls_before > (2.0 * error).max(MORE_FAILED)
}

fn tools(
    db: &Connection,
    project: i64,
    period: &Period,
    now: &Read,
    before: &Read,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    let nothing = OfTool::default();
    let mut worse = Vec::new();
    for (tool, of) in now.tools.iter().filter(|(tool, _)| **tool != 0) {
        let was = before.tools.get(tool).unwrap_or(&nothing);
        // A tool that is new is held against all of them.
        let (calls_before, failed_before) = match was.calls >= ENOUGH_BEFORE {
            true => (was.calls, was.failed),
            false => (before.figures.calls, before.figures.failed),
        };
        if of.failed >= ENOUGH_FAILED && is_above(of.failed, of.calls, failed_before, calls_before)
        {
            worse.push((*tool, calls_before, failed_before));
        }
        let measured =
            |of: &OfTool| of.slots.iter().map(|(_, weight)| weight).sum::<f64>() >= ENOUGH_MEASURED;
        if let (Some(p95), Some(p95_before)) = (of.p95(), was.p95())
            && measured(of)
            && measured(was)
            && p95 >= TIMES_SLOWER * p95_before
            // What fails more is often slower too, and said once.
            && worse.iter().all(|(failing, _, _)| failing != tool)
        {
            changes.push(Change::Slower {
                tool: names::text(db, *tool)?,
                p95,
                before: p95_before,
                people: people_of(db, project, period, *tool, false)? as i64,
            });
        }
    }
    for (tool, was) in before.tools.iter().filter(|(tool, _)| **tool != 0) {
        if was.calls >= ENOUGH_BEFORE && now.tools.get(tool).is_none_or(|of| of.calls <= 0.0) {
            changes.push(Change::Uncalled {
                tool: names::text(db, *tool)?,
                before: was.calls,
            });
        }
    }
    let hours = hours(db, project, period, &worse)?;
    for (tool, calls_before, failed_before) in worse {
        let Some(of) = now.tools.get(&tool) else {
            continue;
        };
        let hours = hours.get(&tool).map(Vec::as_slice).unwrap_or_default();
        let began = began(db, hours)?;
        let since = |hour: &&Hour| {
            began
                .as_ref()
                .is_some_and(|(at_ms, _)| hour.at_ms >= *at_ms)
        };
        let (mut calls, mut failed, mut outcomes) = (of.calls, of.failed, of.outcomes.clone());
        if began.is_some() {
            (calls, failed, outcomes) = (0.0, 0.0, BTreeMap::new());
            for hour in hours.iter().filter(since) {
                calls += hour.weight;
                failed += hour.failed();
                *outcomes.entry(hour.outcome).or_default() += hour.weight;
            }
        }
        let bad = || {
            outcomes
                .iter()
                .filter(|(outcome, weight)| outcome.is_bad() && **weight > 0.0)
        };
        let most = bad().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let (began_ms, release) = began.unzip();
        changes.push(Change::Fails {
            tool: names::text(db, tool)?,
            calls,
            failed,
            calls_before,
            failed_before,
            outcome: most.map_or(Outcome::Unknown, |(outcome, _)| *outcome),
            is_all: bad().count() == 1,
            began_ms,
            release: release.flatten(),
            people: people_of(db, project, period, tool, true)? as i64,
        });
    }
    Ok(())
}

/// A tool's calls of one outcome and release in an hour.
struct Hour {
    at_ms: i64,
    outcome: Outcome,
    release: i64,
    weight: f64,
}

impl Hour {
    fn failed(&self) -> f64 {
        if self.outcome.is_bad() {
            self.weight
        } else {
            0.0
        }
    }
}

/// The hours of some tools, in order of time.
fn hours(
    db: &Connection,
    project: i64,
    period: &Period,
    worse: &[(i64, f64, f64)],
) -> rusqlite::Result<HashMap<i64, Vec<Hour>>> {
    let mut hours: HashMap<i64, Vec<Hour>> = HashMap::new();
    if worse.is_empty() {
        return Ok(hours);
    }
    let tools: Vec<_> = worse.iter().map(|(tool, _, _)| tool.to_string()).collect();
    let mut statement = db.prepare(&format!(
        "SELECT bucket, tool, outcome, release, total(weight) FROM roll_hour
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 AND tool IN ({}) AND class IN {COUNTED}
         GROUP BY bucket, tool, outcome, release ORDER BY bucket",
        tools.join(", ")
    ))?;
    let mut rows = statement.query(params![
        project,
        period.from.div_euclid(HOUR_MS),
        period.until.div_euclid(HOUR_MS)
    ])?;
    while let Some(row) = rows.next()? {
        hours.entry(row.get(1)?).or_default().push(Hour {
            at_ms: row.get::<_, i64>(0)? * HOUR_MS,
            outcome: Outcome::of_number(row.get(2)?),
            release: row.get(3)?,
            weight: row.get(4)?,
        });
    }
    Ok(hours)
}

/// Where a tool began to fail: with the newest release, if it fails beyond chance more than before it; else with the first
/// hours in a row that have a failure.
fn began(db: &Connection, hours: &[Hour]) -> rusqlite::Result<Option<(i64, Option<String>)>> {
    let mut first_of: BTreeMap<i64, i64> = BTreeMap::new();
    for hour in hours.iter().filter(|hour| hour.release != 0) {
        first_of.entry(hour.release).or_insert(hour.at_ms);
    }
    let newest = first_of.iter().max_by_key(|(_, first)| **first);
    if let Some((release, first)) = newest.filter(|_| first_of.len() > 1) {
        let sums = |of: &dyn Fn(&Hour) -> bool| {
            let hours = hours.iter().filter(|hour| of(hour));
            hours.fold((0.0, 0.0), |(calls, failed), hour| {
                (calls + hour.weight, failed + hour.failed())
            })
        };
        let (calls, failed) = sums(&|hour| hour.at_ms >= *first);
        let (calls_before, failed_before) = sums(&|hour| hour.at_ms < *first);
        if is_above(failed, calls, failed_before, calls_before) {
            return Ok(Some((*first, Some(names::text(db, *release)?))));
        }
    }
    let mut by_hour: BTreeMap<i64, f64> = BTreeMap::new();
    for hour in hours {
        *by_hour.entry(hour.at_ms).or_default() += hour.failed();
    }
    let mut run = Vec::new();
    for (at_ms, failed) in by_hour {
        if failed > 0.0 {
            run.push(at_ms);
        } else {
            run.clear();
        }
        if run.len() == HOURS_IN_A_ROW {
            return Ok(run.first().map(|at_ms| (*at_ms, None)));
        }
    }
    Ok(None)
}

fn clients(
    db: &Connection,
    project: i64,
    period: &Period,
    now: &Read,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    let source = span::calls("client, class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT client, total(weight) AS calls FROM ({source}) WHERE class IN {COUNTED} AND client <> 0 GROUP BY client"
    ))?;
    let mut rows = statement.query(Span::of(period).params(project).as_slice())?;
    let mut first = db.prepare_cached("SELECT first_ms FROM name WHERE id = ?1")?;
    while let Some(row) = rows.next()? {
        let (id, calls): (i64, f64) = (row.get(0)?, row.get(1)?);
        if calls < CLIENT_SHARE * now.figures.calls {
            continue;
        }
        let first_ms: i64 = first.query_row([id], |row| row.get(0))?;
        if first_ms >= period.from {
            let (client, version) = names::client(db, id)?;
            changes.push(Change::NewClient {
                client,
                version,
                calls,
                share: calls / now.figures.calls,
            });
        }
    }
    Ok(())
}

fn companies(everyone: &[Someone], changes: &mut Vec<Change>) {
    let mut by_domain: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for someone in everyone.iter().filter(|someone| !someone.domain.is_empty()) {
        let (new, here, gone) = by_domain.entry(&someone.domain).or_default();
        *new += usize::from(someone.show == Show::New);
        *here += usize::from(someone.show != Show::Gone);
        *gone += usize::from(someone.show == Show::Gone);
    }
    for (domain, (new, here, gone)) in by_domain {
        if new >= ENOUGH_PEOPLE {
            changes.push(Change::NewPeople {
                domain: domain.to_owned(),
                new: new as i64,
                people: here as i64,
            });
        }
        if here == 0 && gone >= ENOUGH_PEOPLE {
            changes.push(Change::Quiet {
                domain: domain.to_owned(),
                people: gone as i64,
            });
        }
    }
}

/// Refusals by client, and by reason.
type Refusals = BTreeMap<i64, BTreeMap<i64, i64>>;

fn refusals(db: &Connection, project: i64, span: &Span) -> rusqlite::Result<Refusals> {
    let kind = Kind::Refused as u8;
    let source = span::days_and_events(
        "login_day",
        "kind, reason, client, events",
        "kind, error AS reason, client, 1 AS events",
        &format!("kind <> 1 AND kind = {kind}"),
    );
    let mut statement = db.prepare_cached(&format!(
        "SELECT client, reason, CAST(total(events) AS INTEGER) FROM ({source}) WHERE kind = {kind} GROUP BY client, reason"
    ))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let mut refusals = Refusals::new();
    while let Some(row) = rows.next()? {
        refusals
            .entry(row.get(0)?)
            .or_default()
            .insert(row.get(1)?, row.get(2)?);
    }
    Ok(refusals)
}

fn refused(
    db: &Connection,
    project: i64,
    period: &Period,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    let now = refusals(db, project, &Span::of(period))?;
    let before = refusals(db, project, &Span::before(period))?;
    let count = |reasons: &BTreeMap<i64, i64>| reasons.values().sum::<i64>();
    let mut more = BTreeSet::new();
    for (client, reasons) in now.iter().filter(|(client, _)| **client != 0) {
        let was = before.get(client).map_or(0, count);
        if count(reasons) >= ENOUGH_REFUSED && count(reasons) >= TIMES_REFUSED * was {
            more.insert(*client);
        }
    }
    let mut names_of = HashMap::new();
    for client in now.keys() {
        names_of.insert(*client, names::client(db, *client)?);
    }
    for client in &more {
        let (Some(reasons), Some((name, version))) = (now.get(client), names_of.get(client)) else {
            continue;
        };
        let reason = match reasons.len() {
            1 => reasons
                .keys()
                .next()
                .map(|reason| names::text(db, *reason))
                .transpose()?,
            _ => None,
        };
        let is_alone = now.keys().all(|other| {
            other == client
                || !more.contains(other)
                || names_of.get(other).is_none_or(|(of, _)| of != name)
        });
        changes.push(Change::Refused {
            client: name.clone(),
            version: version.clone(),
            refused: count(reasons),
            before: before.get(client).map_or(0, count),
            reason: reason.filter(|reason| !reason.is_empty()),
            is_alone,
        });
    }
    Ok(())
}

/// What senders say that they lost, of whole days: they report no finer time.
fn lost(
    db: &Connection,
    project: i64,
    period: &Period,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT d.instance, d.reason, d.bucket, d.events, i.text FROM lost_day d LEFT JOIN instance i ON i.id = d.instance
         WHERE d.project = ?1 AND d.bucket >= ?2 AND d.bucket < ?3",
    )?;
    let days = (
        period.from.div_euclid(DAY_MS),
        (period.until + DAY_MS - 1).div_euclid(DAY_MS),
    );
    let mut rows = statement.query(params![project, days.0, days.1])?;
    let (mut all, mut instances) = (0, HashSet::new());
    let mut most: Option<(i64, String, String, i64)> = None;
    while let Some(row) = rows.next()? {
        let (reason, events): (String, i64) = (row.get(1)?, row.get(3)?);
        if quality::is_chosen(&reason) {
            continue;
        }
        all += events;
        instances.insert(row.get::<_, i64>(0)?);
        if most.as_ref().is_none_or(|(least, ..)| events > *least) {
            let instance: Option<String> = row.get(4)?;
            most = Some((
                events,
                instance.unwrap_or_default(),
                reason,
                row.get::<_, i64>(2)? * DAY_MS,
            ));
        }
    }
    if let Some((_, instance, reason, day_ms)) = most.filter(|_| all > 0) {
        changes.push(Change::Lost {
            events: all,
            instance,
            instances: instances.len(),
            reason,
            day_ms,
        });
    }
    Ok(())
}

/// By group, and alone where an intent is in none yet.
fn asks(
    db: &Connection,
    project: i64,
    from: i64,
    until: i64,
) -> rusqlite::Result<HashMap<(i64, i64), Asked>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT i.cluster, i.id, e.user FROM event e INDEXED BY event_other JOIN intent i ON i.id = e.intent
         WHERE e.project = ?1 AND e.kind <> 1 AND e.kind = {} AND e.time_ms >= ?2 AND e.time_ms < ?3
             AND e.class IN {COUNTED}",
        Kind::Missing as u8
    ))?;
    let mut rows = statement.query(params![project, from, until])?;
    let mut asks: HashMap<(i64, i64), Asked> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (cluster, intent): (i64, i64) = (row.get(0)?, row.get(1)?);
        let asked = asks
            .entry((cluster, if cluster == 0 { intent } else { 0 }))
            .or_default();
        asked.asks += 1;
        match row.get(2)? {
            0 => {}
            user => drop(asked.people.insert(user)),
        }
    }
    Ok(asks)
}

#[derive(Default)]
struct Asked {
    asks: i64,
    people: HashSet<i64>,
}

fn missing(
    db: &Connection,
    project: i64,
    period: &Period,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    let now = asks(db, project, period.from, period.until)?;
    let before = asks(db, project, period.before_from, period.before_until)?;
    let most = now
        .values()
        .map(|asked| asked.asks)
        .max()
        .unwrap_or_default();
    let growth = |key: &(i64, i64), asked: &Asked| {
        let was = before.get(key).map_or(0, |asked| asked.asks);
        (asked.asks, was)
    };
    let more = now.iter().filter(|(key, asked)| {
        let (asks, was) = growth(key, asked);
        asks >= ENOUGH_ASKS && asks as f64 >= TIMES_ASKED * was as f64
    });
    let Some((key, asked)) = more.max_by_key(|(key, asked)| (asked.asks, std::cmp::Reverse(**key)))
    else {
        return Ok(());
    };
    let (asks, was) = growth(key, asked);
    let (cluster, intent) = *key;
    let (find, id) = match cluster {
        0 => ("SELECT text FROM intent WHERE id = ?1", intent),
        cluster => ("SELECT label FROM intent_cluster WHERE id = ?1", cluster),
    };
    let label = db
        .prepare_cached(find)?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(label) = label else { return Ok(()) };
    changes.push(Change::Missing {
        label,
        cluster: (cluster != 0).then_some(cluster),
        asks,
        before: was,
        people: asked.people.len() as i64,
        is_most: asked.asks == most,
    });
    Ok(())
}
