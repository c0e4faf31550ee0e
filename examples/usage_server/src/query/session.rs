//! One session, step by step.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::names;
use super::sessions::{self, Session};
use crate::record::{Kind, Outcome};
use crate::store::schema::COUNTED;

/// Steps of a page.
pub const PAGE: i64 = 400;
/// Kinds that are steps: what was asked of the server, and what it could not do.
const STEPS: &str = "(1, 7, 8, 9, 10)";

#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    pub session: Session,
    /// How many steps there are, and the number of the first that is here, from 1.
    pub steps_in_all: i64,
    pub first: i64,
    pub steps: Vec<Step>,
    pub detail: Option<Detail>,
    /// The sessions of the same person before and after it.
    pub earlier: Option<String>,
    pub later: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub event: i64,
    pub kind: Kind,
    pub time_ms: i64,
    pub tool: String,
    pub intent: Option<String>,
    pub outcome: Outcome,
    pub duration_us: Option<i64>,
}

/// The step that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// From 1.
    pub number: i64,
    pub step: Step,
    /// As it was where the body has it, else as it is grouped.
    pub error: Option<String>,
    pub result_bytes: Option<i64>,
    pub release: String,
    pub protocol: String,
    pub instance: Option<String>,
    pub weight: f64,
    /// All else that it said.
    pub body: Map<String, Value>,
}

/// Which step the address asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// The first that failed, else the first.
    #[default]
    First,
    /// From 1.
    Step(i64),
    Event(i64),
}

/// `None` for a session that is not there.
pub fn session(
    db: &Connection,
    project: i64,
    id: &str,
    at: At,
) -> rusqlite::Result<Option<Replay>> {
    let mut statement = db
        .prepare_cached("SELECT id, user, last_ms FROM session WHERE project = ?1 AND text = ?2")?;
    let found = statement
        .query_row((project, id), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((row, user, last_ms)) = found else {
        return Ok(None);
    };
    let (steps_in_all, current) = place(db, project, row, at)?;
    let first = (current - 1).max(0) / PAGE * PAGE + 1;
    let steps = steps(db, project, row, first)?;
    let shown = steps.get(usize::try_from(current - first).unwrap_or_default());
    let detail = match shown {
        Some(step) => Some(detail(db, current, step.clone())?),
        None => None,
    };
    Ok(Some(Replay {
        session: sessions::session(db, row)?,
        steps_in_all,
        first,
        steps,
        detail,
        earlier: neighbour(db, project, user, last_ms, row, false)?,
        later: neighbour(db, project, user, last_ms, row, true)?,
    }))
}

/// How many steps there are, and the number of the one that is asked for.
fn place(db: &Connection, project: i64, session: i64, at: At) -> rusqlite::Result<(i64, i64)> {
    // Over `event_session`, in the order in which the sender says that they happened.
    let mut statement = db.prepare_cached(&format!(
        "SELECT id, kind, outcome FROM event INDEXED BY event_session
         WHERE project = ?1 AND session = ?2 AND kind IN {STEPS} ORDER BY time_ms, instance, sequence, id"
    ))?;
    let mut rows = statement.query((project, session))?;
    let (mut all, mut asked, mut first_bad) = (0, None, None);
    while let Some(row) = rows.next()? {
        all += 1;
        let is_call = row.get::<_, u8>(1)? == Kind::Call as u8;
        if is_call && Outcome::of_number(row.get(2)?).is_bad() {
            first_bad.get_or_insert(all);
        }
        if at == At::Event(row.get(0)?) || at == At::Step(all) {
            asked = Some(all);
        }
    }
    let last = match at {
        At::Step(step) if step > all => Some(all),
        _ => None,
    };
    Ok((all, asked.or(last).or(first_bad).unwrap_or(1)))
}

fn steps(db: &Connection, project: i64, session: i64, first: i64) -> rusqlite::Result<Vec<Step>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.id, e.kind, e.time_ms, t.text, i.text, e.outcome, e.duration_us
         FROM event e INDEXED BY event_session
             LEFT JOIN name t ON t.id = e.tool LEFT JOIN intent i ON i.id = e.intent
         WHERE e.project = ?1 AND e.session = ?2 AND e.kind IN {STEPS}
         ORDER BY e.time_ms, e.instance, e.sequence, e.id LIMIT {PAGE} OFFSET ?3"
    ))?;
    let steps = statement.query_map((project, session, first - 1), |row| {
        Ok(Step {
            event: row.get(0)?,
            kind: super::calls::kind_of_number(row.get(1)?),
            time_ms: row.get(2)?,
            tool: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            intent: row.get(4)?,
            outcome: Outcome::of_number(row.get(5)?),
            duration_us: row.get(6)?,
        })
    })?;
    steps.collect()
}

fn detail(db: &Connection, number: i64, step: Step) -> rusqlite::Result<Detail> {
    let mut statement = db.prepare_cached(
        "SELECT e.error, e.result_bytes, e.release, e.protocol, i.text, e.weight, b.body
         FROM event e LEFT JOIN instance i ON i.id = e.instance LEFT JOIN event_body b ON b.id = e.id
         WHERE e.id = ?1",
    )?;
    statement.query_row([step.event], |row| {
        let body: Option<Vec<u8>> = row.get(6)?;
        let body = body.and_then(|body| serde_json::from_slice(&body).ok());
        let mut body: Map<String, Value> = body.unwrap_or_default();
        let error = match body.remove("error") {
            Some(Value::String(error)) => error,
            _ => names::text(db, row.get(0)?)?,
        };
        Ok(Detail {
            number,
            error: (!error.is_empty()).then_some(error),
            result_bytes: row.get(1)?,
            release: names::text(db, row.get(2)?)?,
            protocol: names::text(db, row.get(3)?)?,
            instance: row.get(4)?,
            weight: row.get(5)?,
            body,
            step: step.clone(),
        })
    })
}

/// Over `session_user`, which has a person's sessions in order.
fn neighbour(
    db: &Connection,
    project: i64,
    user: i64,
    last_ms: i64,
    session: i64,
    is_later: bool,
) -> rusqlite::Result<Option<String>> {
    if user == 0 {
        return Ok(None);
    }
    let (than, order) = if is_later {
        (">", "ASC")
    } else {
        ("<", "DESC")
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT text FROM session INDEXED BY session_user WHERE project = ?1 AND user = ?2
             AND (last_ms, id) {than} (?3, ?4) AND class IN {COUNTED} ORDER BY last_ms {order}, id {order} LIMIT 1"
    ))?;
    statement
        .query_row(params![project, user, last_ms, session], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests;
