//! One tool: why it fails, how long it takes, for whom, and what for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;
use super::span::{self, Span};
use super::tools::{definition, people_of, tokens};
use crate::hist;
use crate::record::Outcome;
use crate::store::schema::{BAD, COUNTED};

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
}

/// What the newest calls of the period say beyond the rollups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looked {
    met: HashMap<(i64, Outcome), Met>,
    /// Most calls first.
    pub intents: Vec<(String, i64)>,
    pub newest: Vec<Call>,
    /// Whether there are more calls than were looked through.
    pub is_cut: bool,
}

/// Who met an error.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Met {
    pub people: usize,
    pub releases: Vec<String>,
    pub first_ms: i64,
    pub last_ms: i64,
}

impl Looked {
    pub fn met(&self, error: &Error) -> Option<&Met> {
        self.met.get(&(error.name, error.outcome))
    }
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
    name: i64,
    /// Normalised: numbers and ids taken out.
    pub message: String,
    pub outcome: Outcome,
    pub calls: f64,
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
    pub calls: f64,
    pub failed: f64,
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
    let people = people_of(db, project, period, tool, false)?;
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
    Ok(Some(Tool {
        name: name.to_owned(),
        first_ms: first_seen(db, project, tool)?,
        changed_ms,
        tokens: bytes.map(tokens),
        now: figures(&by_release, &durations, &sizes, people),
        before: figures(
            &by_release_before,
            &durations_before,
            &sizes_before,
            people_before,
        ),
        worse_since: worse_since(db, &by_release, &by_release_before)?,
        errors: errors(db, project, tool, &now)?,
        durations,
        durations_before,
        releases: releases(db, project, tool, &now, &by_release)?,
        people: most_calls(db, project, tool, &now)?,
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

/// How many people called it.
fn people(db: &Connection, project: i64, tool: i64, span: &Span) -> rusqlite::Result<usize> {
    let source = span::user_tools();
    let mut statement = db.prepare_cached(&format!(
        "SELECT count(DISTINCT user) FROM ({source}) WHERE tool = :of"
    ))?;
    let people: i64 =
        statement.query_row(span.params_of(project, tool).as_slice(), |row| row.get(0))?;
    Ok(usize::try_from(people).unwrap_or_default())
}

/// Those with most calls.
fn most_calls(
    db: &Connection,
    project: i64,
    tool: i64,
    span: &Span,
) -> rusqlite::Result<Vec<Person>> {
    let source = span::user_tools();
    let mut statement = db.prepare_cached(&format!(
        "SELECT user.text, total(calls) AS calls, total(failed) FROM ({source}) JOIN user ON user.id = user
         WHERE tool = :of GROUP BY user ORDER BY calls DESC, user LIMIT {MAX_PEOPLE}"
    ))?;
    let person = |row: &rusqlite::Row<'_>| {
        Ok(Person {
            id: row.get(0)?,
            calls: row.get(1)?,
            failed: row.get(2)?,
        })
    };
    let rows = statement.query_map(span.params_of(project, tool).as_slice(), person)?;
    rows.collect()
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

/// What `Met` is made of.
#[derive(Default)]
struct Meeting {
    people: HashSet<i64>,
    releases: BTreeSet<i64>,
    first_ms: i64,
    last_ms: i64,
}

/// Looks through the newest calls of the period.
pub fn look(
    db: &Connection,
    project: i64,
    name: &str,
    period: &Period,
) -> rusqlite::Result<Looked> {
    let Some(tool) = names::id(db, project, TOOL, name)? else {
        return Ok(Looked::default());
    };
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
    let mut meetings: HashMap<(i64, Outcome), Meeting> = HashMap::new();
    let mut intents: HashMap<i64, i64> = HashMap::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let time_ms: i64 = row.get(0)?;
        let outcome = Outcome::of_number(row.get(3)?);
        if outcome.is_bad() {
            let meeting = meetings.entry((row.get(4)?, outcome)).or_default();
            match row.get(1)? {
                0 => {}
                user => drop(meeting.people.insert(user)),
            }
            meeting.releases.insert(row.get(2)?);
            meeting.first_ms = time_ms;
            meeting.last_ms = meeting.last_ms.max(time_ms);
        }
        match row.get(5)? {
            0 => {}
            intent => *intents.entry(intent).or_default() += 1,
        }
    }
    let mut met = HashMap::new();
    for (error, meeting) in meetings {
        let mut releases = Vec::new();
        for release in meeting.releases {
            releases.push(names::text(db, release)?);
        }
        releases.retain(|release| !release.is_empty());
        let people = meeting.people.len();
        let (first_ms, last_ms) = (meeting.first_ms, meeting.last_ms);
        met.insert(
            error,
            Met {
                people,
                releases,
                first_ms,
                last_ms,
            },
        );
    }
    Ok(Looked {
        met,
        intents: most_given(db, intents)?,
        newest: newest(db, project, tool, period)?,
        is_cut: count == LOOKED_THROUGH,
    })
}

fn errors(db: &Connection, project: i64, tool: i64, span: &Span) -> rusqlite::Result<Vec<Error>> {
    let source = span::days_and_events(
        "error_day",
        "tool, outcome, error, weight",
        "tool, outcome, error, weight",
        &format!("kind = 1 AND class IN {COUNTED}"),
    );
    let mut statement = db.prepare_cached(&format!(
        "SELECT error, outcome, total(weight) AS calls FROM ({source})
         WHERE tool = :of AND outcome IN {BAD} GROUP BY error, outcome ORDER BY calls DESC LIMIT {MAX_ERRORS}"
    ))?;
    let mut rows = statement.query(span.params_of(project, tool).as_slice())?;
    let mut errors = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get(0)?;
        errors.push(Error {
            name,
            message: names::text(db, name)?,
            outcome: Outcome::of_number(row.get(1)?),
            calls: row.get(2)?,
        });
    }
    Ok(errors)
}

fn most_given(db: &Connection, intents: HashMap<i64, i64>) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut order: Vec<(i64, i64)> = intents.into_iter().collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, failed, user, week};
    use crate::record::Record;

    fn of(fixture: &Fixture) -> Tool {
        tool(&fixture.db, PROJECT, "search", &week())
            .unwrap()
            .unwrap()
    }

    fn released(release: &str, record: Record) -> Record {
        Record {
            release: Some(release.to_owned()),
            ..record
        }
    }

    #[test]
    fn a_release_that_fails_more_than_those_before_is_named() {
        let old = (0..40).map(|n| call(2 * DAY + n * MINUTE));
        let new = (0..12).map(|n| released("1.1", call(DAY + n * MINUTE)));
        let mut fixture = Fixture::with(old.chain(new));
        assert_eq!(of(&fixture).worse_since, None);
        fixture.take((0..9).map(|n| Record {
            outcome: Outcome::Timeout,
            ..released("1.1", failed(DAY - n * MINUTE, "did not finish"))
        }));
        let worse = of(&fixture).worse_since.unwrap();
        assert_eq!(
            (worse.release.as_str(), worse.outcome),
            ("1.1", Outcome::Timeout)
        );
        assert_eq!(worse.since_ms, NOW - DAY - 11 * MINUTE);
        assert!((worse.share - 9.0 / 21.0).abs() < 1e-9 && worse.share_before == 0.0);
    }

    #[test]
    fn errors_alike_are_one_with_who_met_it_and_where() {
        let of_noor = Record {
            user: user("noor@example.com"),
            ..released("1.1", failed(MINUTE, "no item 812"))
        };
        let fixture = Fixture::with([failed(DAY, "no item 7"), of_noor, call(0)]);
        let tool = of(&fixture);
        assert_eq!(
            (tool.now.calls, tool.now.failed, tool.now.people),
            (3.0, 2.0, 2)
        );
        let [error] = tool.errors.as_slice() else {
            panic!("{:?}", tool.errors);
        };
        assert_eq!((error.calls, error.outcome), (2.0, Outcome::ToolError));
        let looked = look(&fixture.db, PROJECT, "search", &week()).unwrap();
        let met = looked.met(error).unwrap();
        assert_eq!(
            (met.people, met.releases.as_slice()),
            (2, ["1.0".to_owned(), "1.1".to_owned()].as_slice())
        );
        assert_eq!((met.first_ms, met.last_ms), (NOW - DAY, NOW - MINUTE));
        assert!(!looked.is_cut);
        assert_eq!(looked.newest.len(), 3);
        assert_eq!(looked.newest[0].time_ms, NOW);
    }

    #[test]
    fn releases_people_and_intents_are_those_of_the_period() {
        let wanted = |ago, intent: &str| Record {
            intent: Some(intent.to_owned()),
            ..call(ago)
        };
        let fixture = Fixture::with([
            wanted(MINUTE, "find dark mode"),
            wanted(DAY, "find dark mode"),
            wanted(DAY, "find bugs"),
            released("0.9", wanted(9 * DAY, "find dark mode")),
        ]);
        let tool = of(&fixture);
        let releases: Vec<_> = tool
            .releases
            .iter()
            .map(|one| (one.name.as_str(), one.calls))
            .collect();
        assert_eq!(releases, [("1.0", 3.0)]);
        assert_eq!(
            tool.people,
            [Person {
                id: "maya@example.com".to_owned(),
                calls: 3.0,
                failed: 0.0
            }]
        );
        assert_eq!(tool.before.calls, 1.0);
        let looked = look(&fixture.db, PROJECT, "search", &week()).unwrap();
        assert_eq!(
            looked.intents,
            [
                ("find dark mode".to_owned(), 2),
                ("find bugs".to_owned(), 1)
            ]
        );
    }

    #[test]
    fn a_name_of_nothing_is_no_tool() {
        let fixture = Fixture::with([call(0)]);
        assert_eq!(tool(&fixture.db, PROJECT, "other", &week()).unwrap(), None);
        // The name of a client is none of a tool.
        assert_eq!(
            tool(&fixture.db, PROJECT, "claude-code", &week()).unwrap(),
            None
        );
        assert_eq!(
            look(&fixture.db, PROJECT, "other", &week()).unwrap(),
            Looked::default()
        );
    }
}
