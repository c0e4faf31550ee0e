//! What one person did, or the people of one company: a timeline, and what they use.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::calls::{Key, kind_of_number};
use super::names;
use super::people::{self, tools_of};
use super::period::{Period, Range};
use crate::record::{Kind, Outcome};
use crate::store::schema::{BAD, COUNTED};

const DAY_MS: i64 = 86_400_000;
/// Events of a page of the timeline.
const PAGE: usize = 200;
/// People of a company whose events are put together.
const MOST_PEOPLE: i64 = 500;
/// Of a session these many calls are shown from its beginning, all of it up to the second number.
const FIRST_CALLS: usize = 3;
const WHOLE: usize = 6;
/// So many sessions have their calls shown.
const OPEN_SESSIONS: usize = 4;
const MAX_TOOLS: usize = 6;
const MAX_CLIENTS: usize = 3;
/// Days of the course of calls.
pub const COURSE_DAYS: i64 = 30;

#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: String,
    /// As the sender says: EMAIL, ANONYMOUS …
    pub kind: String,
    pub email: Option<String>,
    pub domain: String,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Events of each kind, ever.
    pub kinds: Vec<(Kind, i64)>,
    pub figures: Figures,
    pub timeline: Timeline,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    pub domain: String,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Those who called in the period, most first.
    pub people: Vec<(String, f64, f64)>,
    pub people_in_all: i64,
    pub figures: Figures,
    pub timeline: Timeline,
}

/// Of the period, but for the course.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    pub calls: f64,
    pub failed: f64,
    pub sessions: i64,
    /// Days with a call.
    pub days: usize,
    /// Calls of all that are counted, and their failures: what a share is held against.
    pub all_calls: f64,
    pub all_failed: f64,
    /// Calls on each of the last thirty days.
    pub course: Vec<f64>,
    pub clients: Vec<(String, f64)>,
    pub tools: Vec<(String, f64)>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Newest first.
    pub entries: Vec<Entry>,
    pub older: Option<Key>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    Session(Session),
    /// What is no call.
    Event(Event),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: String,
    pub user: Option<String>,
    pub client: String,
    pub client_version: String,
    /// Of its calls on this page.
    pub first_ms: i64,
    pub last_ms: i64,
    /// Of all of it.
    pub calls: i64,
    pub failed: i64,
    /// The first calls, every failure and the last, with how many are between; empty where it stays closed.
    pub shown: Vec<Shown>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    Call(Box<Event>),
    /// So many answered calls, the first of which is this event.
    More(usize, i64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: i64,
    pub time_ms: i64,
    pub kind: Kind,
    pub user: Option<String>,
    pub session: Option<String>,
    pub tool: String,
    pub intent: Option<String>,
    pub outcome: Outcome,
    pub error: Option<String>,
    pub duration_us: Option<i64>,
    pub client: String,
    pub client_version: String,
    /// Of calls that are shown.
    pub arguments: Map<String, Value>,
}

/// `None` for somebody who is not there.
pub fn person(
    db: &Connection,
    project: i64,
    period: &Period,
    id: &str,
    before: Option<Key>,
) -> rusqlite::Result<Option<Person>> {
    let mut statement = db.prepare_cached(
        "SELECT id, kind, email, domain, first_ms, last_ms FROM user WHERE project = ?1 AND text = ?2",
    )?;
    let found = statement
        .query_row((project, id), |row| {
            let person = Person {
                id: id.to_owned(),
                kind: row.get(1)?,
                email: row.get(2)?,
                domain: row.get(3)?,
                first_ms: row.get(4)?,
                last_ms: row.get(5)?,
                kinds: Vec::new(),
                figures: Figures::default(),
                timeline: Timeline::default(),
            };
            Ok((row.get(0)?, person))
        })
        .optional()?;
    let Some((user, mut person)) = found else {
        return Ok(None);
    };
    person.kinds = kinds(db, project, user)?;
    person.figures = figures(db, project, period, &[user])?;
    person.timeline = timeline(db, project, &[user], before)?;
    Ok(Some(person))
}

/// `None` for a domain that nobody has.
pub fn company(
    db: &Connection,
    project: i64,
    period: &Period,
    domain: &str,
    before: Option<Key>,
) -> rusqlite::Result<Option<Company>> {
    let domain = domain.to_lowercase();
    let (people_in_all, first_ms, last_ms) = db
        .prepare_cached(
            "SELECT count(*), min(first_ms), max(last_ms) FROM user WHERE project = ?1 AND domain = ?2",
        )?
        .query_row((project, &domain), |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?))
        })?;
    let (Some(first_ms), Some(last_ms), false) = (first_ms, last_ms, domain.is_empty()) else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached(
        "SELECT id FROM user WHERE project = ?1 AND domain = ?2 ORDER BY last_ms DESC, id LIMIT ?3",
    )?;
    let users = statement.query_map(params![project, domain, MOST_PEOPLE], |row| row.get(0))?;
    let users: Vec<i64> = users.collect::<rusqlite::Result<_>>()?;
    let filter = people::Filter {
        domain: Some(domain.clone()),
        ..people::Filter::default()
    };
    let mut people: Vec<_> = people::everyone(db, project, period, &filter)?
        .into_iter()
        .filter(|someone| someone.calls > 0.0)
        .map(|someone| (someone.id, someone.calls, someone.failed))
        .collect();
    people.sort_by(|(a, x, _), (b, y, _)| y.total_cmp(x).then_with(|| a.cmp(b)));
    let mut figures = figures(db, project, period, &users)?;
    figures.calls = people.iter().map(|(_, calls, _)| calls).sum();
    figures.failed = people.iter().map(|(_, _, failed)| failed).sum();
    Ok(Some(Company {
        first_ms,
        last_ms,
        people,
        people_in_all,
        figures,
        timeline: timeline(db, project, &users, before)?,
        domain,
    }))
}

fn kinds(db: &Connection, project: i64, user: i64) -> rusqlite::Result<Vec<(Kind, i64)>> {
    let mut statement = db.prepare_cached(
        "SELECT kind, count(*) FROM event INDEXED BY event_user WHERE project = ?1 AND user = ?2
         GROUP BY kind ORDER BY kind",
    )?;
    let kinds = statement.query_map((project, user), |row| {
        Ok((kind_of_number(row.get(0)?), row.get(1)?))
    })?;
    kinds.collect()
}

fn figures(
    db: &Connection,
    project: i64,
    period: &Period,
    users: &[i64],
) -> rusqlite::Result<Figures> {
    let mut figures = Figures {
        course: vec![0.0; usize::try_from(COURSE_DAYS).unwrap_or_default()],
        ..Figures::default()
    };
    (figures.all_calls, figures.all_failed) = all(db, project, period)?;
    let first_day = period.now.div_euclid(DAY_MS) - COURSE_DAYS + 1;
    let mut course = db.prepare_cached(
        "SELECT bucket, weight FROM user_day INDEXED BY user_day_user
         WHERE project = ?1 AND user = ?2 AND bucket >= ?3 AND bucket < ?3 + ?4",
    )?;
    let mut sessions = db.prepare_cached(&format!(
        "SELECT count(*) FROM session INDEXED BY session_user
         WHERE project = ?1 AND user = ?2 AND last_ms >= ?3 AND class IN {COUNTED}"
    ))?;
    let mut clients = db.prepare_cached(&format!(
        "SELECT client, total(weight), total(weight) FILTER (WHERE outcome IN {BAD})
         FROM event INDEXED BY event_user WHERE project = ?1 AND user = ?2
             AND time_ms >= ?3 AND time_ms < ?4 AND kind = 1 AND class IN {COUNTED} GROUP BY client"
    ))?;
    let (mut by_client, mut by_tool) = (HashMap::new(), HashMap::new());
    for user in users {
        let mut rows = course.query(params![project, user, first_day, COURSE_DAYS])?;
        while let Some(row) = rows.next()? {
            let day = usize::try_from(row.get::<_, i64>(0)? - first_day).unwrap_or(usize::MAX);
            if let Some(calls) = figures.course.get_mut(day) {
                *calls += row.get::<_, f64>(1)?;
            }
        }
        figures.sessions +=
            sessions.query_row((project, user, period.from), |row| row.get::<_, i64>(0))?;
        let mut rows = clients.query(params![project, user, period.from, period.until])?;
        while let Some(row) = rows.next()? {
            let calls: f64 = row.get(1)?;
            *by_client.entry(row.get::<_, i64>(0)?).or_insert(0.0) += calls;
            figures.calls += calls;
            figures.failed += row.get::<_, f64>(2)?;
        }
        for (tool, (calls, _)) in tools_of(db, project, period, *user)? {
            *by_tool.entry(tool).or_insert(0.0) += calls;
        }
    }
    figures.days = match period.range {
        Range::Day => 0,
        _ => {
            let days = usize::try_from((period.now - period.from) / DAY_MS + 1).unwrap_or_default();
            figures
                .course
                .iter()
                .rev()
                .take(days)
                .filter(|calls| **calls > 0.0)
                .count()
        }
    };
    figures.clients = by_name(db, by_client, MAX_CLIENTS)?;
    figures.tools = by_name(db, by_tool, MAX_TOOLS)?;
    Ok(figures)
}

fn all(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<(f64, f64)> {
    let source = super::span::calls("class, outcome, weight");
    let span = super::span::Span::of(period);
    let mut statement = db.prepare_cached(&format!(
        "SELECT total(weight), total(weight) FILTER (WHERE outcome IN {BAD}) FROM ({source}) WHERE class IN {COUNTED}"
    ))?;
    statement.query_row(span.params(project).as_slice(), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// The most, by the text of the name: versions of a client are one.
fn by_name(
    db: &Connection,
    sums: HashMap<i64, f64>,
    most: usize,
) -> rusqlite::Result<Vec<(String, f64)>> {
    let mut by_text: BTreeMap<String, f64> = BTreeMap::new();
    for (name, calls) in sums {
        *by_text.entry(names::text(db, name)?).or_default() += calls;
    }
    let mut all: Vec<_> = by_text
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .collect();
    all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    all.truncate(most);
    Ok(all)
}

/// The newest events of some people, sessions folded.
fn timeline(
    db: &Connection,
    project: i64,
    users: &[i64],
    before: Option<Key>,
) -> rusqlite::Result<Timeline> {
    // Each person's newest over `event_user`, put together here: in one statement the database would sort all of them.
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.id, e.time_ms, e.sequence, e.kind, u.text, s.text, t.text, i.text, e.outcome, x.text, e.duration_us,
             e.client, e.session, e.instance
         FROM event e INDEXED BY event_user
             LEFT JOIN user u ON u.id = e.user LEFT JOIN session s ON s.id = e.session
             LEFT JOIN name t ON t.id = e.tool LEFT JOIN intent i ON i.id = e.intent
             LEFT JOIN name x ON x.id = e.error
         WHERE e.project = ?1 AND e.user = ?2 AND e.time_ms <= ?3 AND (e.time_ms, e.id) < (?3, ?4)
         ORDER BY e.time_ms DESC, e.id DESC LIMIT {}",
        PAGE + 1
    ))?;
    let before = before.unwrap_or(Key {
        time_ms: i64::MAX,
        id: i64::MAX,
    });
    let mut events: Vec<Row> = Vec::new();
    for user in users {
        let rows =
            statement.query_map(params![project, user, before.time_ms, before.id], |row| {
                let (client, client_version) = names::client(db, row.get(11)?)?;
                Ok(Row {
                    instance: row.get(13)?,
                    sequence: row.get(2)?,
                    session: row.get(12)?,
                    event: Event {
                        id: row.get(0)?,
                        time_ms: row.get(1)?,
                        kind: kind_of_number(row.get(3)?),
                        user: row.get(4)?,
                        session: row.get(5)?,
                        tool: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                        intent: row.get(7)?,
                        outcome: Outcome::of_number(row.get(8)?),
                        error: row.get(9)?,
                        duration_us: row.get(10)?,
                        client,
                        client_version,
                        arguments: Map::new(),
                    },
                })
            })?;
        for row in rows {
            events.push(row?);
        }
    }
    events.sort_by_key(|row| std::cmp::Reverse((row.event.time_ms, row.event.id)));
    let is_more = events.len() > PAGE;
    events.truncate(PAGE);
    let older = events.last().filter(|_| is_more).map(|row| Key {
        time_ms: row.event.time_ms,
        id: row.event.id,
    });
    Ok(Timeline {
        entries: fold(db, events)?,
        older,
    })
}

struct Row {
    instance: i64,
    sequence: i64,
    session: i64,
    event: Event,
}

impl Row {
    /// By what senders say. A wire may know the second alone, of which a logger's numbers tell the order.
    const fn order(&self) -> (i64, i64, i64, i64) {
        let Event { id, time_ms, .. } = self.event;
        (time_ms, self.instance, self.sequence, id)
    }
}

/// Calls of a session as one entry, which stands where its last call was.
fn fold(db: &Connection, events: Vec<Row>) -> rusqlite::Result<Vec<Entry>> {
    let mut sessions: HashMap<i64, Vec<Row>> = HashMap::new();
    let mut entries = Vec::new();
    for row in events {
        if row.session != 0 && row.event.kind == Kind::Call {
            sessions.entry(row.session).or_default().push(row);
        } else {
            let order = row.order();
            let mut event = row.event;
            event.error = error_of(db, &mut event)?;
            entries.push((order, Entry::Event(event)));
        }
    }
    let mut order: Vec<_> = sessions
        .into_iter()
        .map(|(session, mut calls)| {
            calls.sort_by_key(Row::order);
            (session, calls)
        })
        .collect();
    let last = |calls: &[Row]| calls.last().map_or((0, 0, 0, 0), Row::order);
    order.sort_by_key(|(_, calls)| std::cmp::Reverse(last(calls)));
    for (place, (session, calls)) in order.into_iter().enumerate() {
        let last = last(&calls);
        if let Some(folded) = folded(db, session, calls, place < OPEN_SESSIONS)? {
            entries.push((last, Entry::Session(folded)));
        }
    }
    entries.sort_by_key(|(order, _)| std::cmp::Reverse(*order));
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn folded(
    db: &Connection,
    session: i64,
    calls: Vec<Row>,
    is_open: bool,
) -> rusqlite::Result<Option<Session>> {
    let mut statement =
        db.prepare_cached("SELECT text, calls, failed FROM session WHERE id = ?1")?;
    let (id, all, failed) =
        statement.query_row([session], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (Some(first), Some(last)) = (calls.first(), calls.last()) else {
        return Ok(None);
    };
    let mut folded = Session {
        id,
        user: first.event.user.clone(),
        client: first.event.client.clone(),
        client_version: first.event.client_version.clone(),
        first_ms: first.event.time_ms,
        last_ms: last.event.time_ms,
        calls: all,
        failed,
        shown: Vec::new(),
    };
    if !is_open {
        return Ok(Some(folded));
    }
    let count = calls.len();
    let mut skipped: Option<(usize, i64)> = None;
    for (place, row) in calls.into_iter().enumerate() {
        let mut event = row.event;
        if place < FIRST_CALLS || place + 1 == count || count <= WHOLE || event.outcome.is_bad() {
            if let Some((many, first)) = skipped.take() {
                folded.shown.push(Shown::More(many, first));
            }
            event.error = error_of(db, &mut event)?;
            folded.shown.push(Shown::Call(Box::new(event)));
        } else {
            skipped.get_or_insert((0, event.id)).0 += 1;
        }
    }
    Ok(Some(folded))
}

/// The error as it was, and the arguments, out of the body.
fn error_of(db: &Connection, event: &mut Event) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT body FROM event_body WHERE id = ?1")?;
    let body: Option<Vec<u8>> = statement
        .query_row([event.id], |row| row.get(0))
        .optional()?;
    let body = body.and_then(|body| serde_json::from_slice::<Map<String, Value>>(&body).ok());
    let mut body = body.unwrap_or_default();
    if let Some(Value::Object(arguments)) = body.remove("arguments") {
        event.arguments = arguments;
    }
    Ok(match body.remove("error") {
        Some(Value::String(error)) => Some(error),
        _ => event.error.take(),
    })
}

#[cfg(test)]
mod tests;
