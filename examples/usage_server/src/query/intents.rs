//! What people wanted and whether they got it, by groups of what is worded alike.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::names;
use super::period::Period;
use super::span::{self, Span};
use crate::record::{Kind, Outcome};
use crate::store::schema::{BAD, COUNTED};

/// How many groups a page shows.
const SHOWN: usize = 30;
const SHOWN_MISSING: usize = 12;
const SHOWN_FAILED: usize = 10;
const SHOWN_WORDINGS: usize = 200;
const SHOWN_TOOLS: usize = 2;
/// People of a group are counted one event at a time: in a period with more calls that say what they are for they are
/// not.
pub const MOST_COUNTED: f64 = 300_000.0;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intents {
    /// Most failed first.
    pub groups: Vec<Group>,
    pub all_groups: usize,
    /// Weight of the calls that say what they are for, and of all.
    pub with_intent: f64,
    pub calls: f64,
    pub missing: Vec<Missing>,
    pub failed: Vec<Failed>,
    /// The wordings of the one group that was asked for, most calls first.
    pub wordings: Vec<Wording>,
    /// When groups were made last.
    pub built_ms: Option<i64>,
}

/// What a group is: texts that were put together, or one that came since.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    Cluster(i64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub id: Id,
    pub label: String,
    /// The most frequent wording of the period, where it is not the label.
    pub example: Option<String>,
    pub wordings: i64,
    pub now: Figures,
    pub before: Figures,
    /// `None` where there are too many calls to count them.
    pub people: Option<i64>,
    /// Those that are called most for it.
    pub tools: Vec<String>,
}

/// Weights of calls.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    pub calls: f64,
    pub failed: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    pub id: Id,
    pub label: String,
    pub example: Option<String>,
    pub asks: f64,
    pub before: f64,
    pub people: i64,
    pub last_ms: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    pub time_ms: i64,
    pub intent: String,
    pub outcome: Outcome,
    pub tool: String,
    pub error: String,
    pub user: Option<String>,
    pub session: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    pub text: String,
    pub figures: Figures,
}

/// The groups of a period, or one of them.
pub fn intents(
    db: &Connection,
    project: i64,
    period: &Period,
    cluster: Option<i64>,
) -> rusqlite::Result<Intents> {
    let (now, before) = (Span::of(period), Span::before(period));
    let calls = calls(db, project, &now)?;
    let mut groups = groups(db, project, &now, cluster)?;
    let with_intent: f64 = groups.iter().map(|(_, group)| group.now.calls).sum();
    let all_groups = groups.len();
    groups.sort_by(|(_, a), (_, b)| {
        let order = |group: &Group| (group.now.failed, group.now.calls);
        let ((a_failed, a_calls), (b_failed, b_calls)) = (order(a), order(b));
        b_failed
            .total_cmp(&a_failed)
            .then(b_calls.total_cmp(&a_calls))
            .then(a.label.cmp(&b.label))
    });
    groups.truncate(SHOWN);
    figures_before(db, project, &before, &mut groups)?;
    if with_intent <= MOST_COUNTED {
        people(db, project, period, &mut groups)?;
    }
    let has_failed = groups.iter().any(|(_, group)| group.now.failed > 0.0);
    Ok(Intents {
        all_groups,
        with_intent,
        calls,
        missing: match cluster {
            None => missing(db, project, period)?,
            Some(_) => Vec::new(),
        },
        failed: match has_failed {
            true => failed(db, project, period, cluster)?,
            false => Vec::new(),
        },
        wordings: match cluster {
            Some(cluster) => wordings(db, project, &now, cluster)?,
            None => Vec::new(),
        },
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        built_ms: built(db, project)?,
    })
}

/// `intent`, `tool`, `weight` and `failed` of calls that say what they are for.
fn source() -> String {
    span::days_and_events(
        "intent_day",
        "intent, tool, weight, failed",
        &format!("intent, tool, weight, iif(outcome IN {BAD}, weight, 0.0) AS failed"),
        &format!("kind = 1 AND class IN {COUNTED} AND intent > 0"),
    )
}

/// What a text is counted under: its group or, before it is in one, itself as a negative number.
const KEY: &str = "iif(i.cluster > 0, i.cluster, -i.id)";

fn calls(db: &Connection, project: i64, span: &Span) -> rusqlite::Result<f64> {
    let source = span::calls("class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT total(weight) FROM ({source}) WHERE class IN {COUNTED}"
    ))?;
    statement.query_row(span.params(project).as_slice(), |row| row.get(0))
}

/// All groups of a period by their keys, without what they were before and without people.
fn groups(
    db: &Connection,
    project: i64,
    span: &Span,
    cluster: Option<i64>,
) -> rusqlite::Result<Vec<(i64, Group)>> {
    let only = cluster.map_or_else(String::new, |cluster| {
        format!("WHERE i.cluster = {cluster}")
    });
    let source = source();
    let mut statement = db.prepare_cached(&format!(
        "SELECT key, sum(calls), sum(failed), count(*), max(calls), text, ifnull(c.label, text)
        FROM (
            SELECT {KEY} AS key, i.text AS text, sum(s.weight) AS calls, sum(s.failed) AS failed
            FROM ({source}) s JOIN intent i ON i.id = s.intent {only} GROUP BY s.intent
        ) LEFT JOIN intent_cluster c ON c.id = key
        GROUP BY key"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        let key: i64 = row.get(0)?;
        let (example, label): (String, String) = (row.get(5)?, row.get(6)?);
        let group = Group {
            id: id(key, &example),
            example: (example != label).then_some(example),
            label,
            wordings: row.get(3)?,
            now: Figures {
                calls: row.get(1)?,
                failed: row.get(2)?,
            },
            before: Figures::default(),
            people: None,
            tools: Vec::new(),
        };
        Ok((key, group))
    })?;
    let mut groups = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    tools(db, project, span, &only, &mut groups)?;
    Ok(groups)
}

fn id(key: i64, text: &str) -> Id {
    match key {
        1.. => Id::Cluster(key),
        _ => Id::Text(text.to_owned()),
    }
}

fn tools(
    db: &Connection,
    project: i64,
    span: &Span,
    only: &str,
    groups: &mut [(i64, Group)],
) -> rusqlite::Result<()> {
    let source = source();
    let mut statement = db.prepare_cached(&format!(
        "SELECT {KEY} AS key, s.tool FROM ({source}) s JOIN intent i ON i.id = s.intent {only}
        GROUP BY key, s.tool ORDER BY sum(s.weight) DESC, s.tool"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let mut by_group: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in rows {
        let (key, tool) = row?;
        let tools = by_group.entry(key).or_default();
        if tools.len() < SHOWN_TOOLS {
            tools.push(tool);
        }
    }
    for (key, group) in groups {
        for tool in by_group.remove(key).unwrap_or_default() {
            group.tools.push(names::text(db, tool)?);
        }
    }
    Ok(())
}

fn figures_before(
    db: &Connection,
    project: i64,
    span: &Span,
    groups: &mut [(i64, Group)],
) -> rusqlite::Result<()> {
    let source = source();
    let mut statement = db.prepare_cached(&format!(
        "SELECT {KEY} AS key, sum(s.weight), sum(s.failed)
        FROM ({source}) s JOIN intent i ON i.id = s.intent GROUP BY key"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        let figures = Figures {
            calls: row.get(1)?,
            failed: row.get(2)?,
        };
        Ok((row.get::<_, i64>(0)?, figures))
    })?;
    let before = rows.collect::<rusqlite::Result<HashMap<_, _>>>()?;
    for (key, group) in groups {
        group.before = before.get(key).copied().unwrap_or_default();
    }
    Ok(())
}

fn people(
    db: &Connection,
    project: i64,
    period: &Period,
    groups: &mut [(i64, Group)],
) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {KEY} AS key, count(DISTINCT e.user)
        FROM event e JOIN intent i ON i.id = e.intent
        WHERE e.project = ?1 AND e.time_ms >= ?2 AND e.time_ms < ?3
            AND e.kind = 1 AND e.class IN {COUNTED} AND e.intent > 0 AND e.user <> 0
        GROUP BY key"
    ))?;
    let rows = statement.query_map(params![project, period.from, period.until], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let people = rows.collect::<rusqlite::Result<HashMap<i64, i64>>>()?;
    for (key, group) in groups {
        group.people = Some(people.get(key).copied().unwrap_or_default());
    }
    Ok(())
}

fn missing(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Vec<Missing>> {
    let kind = Kind::Missing as u8;
    let mut statement = db.prepare_cached(&format!(
        "SELECT {KEY} AS key, total(e.weight), count(DISTINCT nullif(e.user, 0)), max(e.time_ms), i.text,
            ifnull(c.label, i.text)
        FROM event e JOIN intent i ON i.id = e.intent LEFT JOIN intent_cluster c ON c.id = i.cluster
        WHERE e.project = ?1 AND e.time_ms >= ?2 AND e.time_ms < ?3
            AND e.kind <> 1 AND e.kind = {kind} AND e.class IN {COUNTED}
        GROUP BY key"
    ))?;
    let mut of = |from: i64, until: i64| -> rusqlite::Result<Vec<(i64, Missing)>> {
        let rows = statement.query_map(params![project, from, until], |row| {
            let key = row.get(0)?;
            // Of the row with the newest time, as SQLite says of bare columns beside one `max`.
            let (example, label): (String, String) = (row.get(4)?, row.get(5)?);
            let missing = Missing {
                id: id(key, &example),
                example: (example != label).then_some(example),
                label,
                asks: row.get(1)?,
                before: 0.0,
                people: row.get(2)?,
                last_ms: row.get(3)?,
            };
            Ok((key, missing))
        })?;
        rows.collect()
    };
    let before: HashMap<i64, f64> = of(period.before_from, period.before_until)?
        .into_iter()
        .map(|(key, missing)| (key, missing.asks))
        .collect();
    let now = of(period.from, period.until)?.into_iter();
    let mut missing: Vec<Missing> = now
        .map(|(key, missing)| Missing {
            before: before.get(&key).copied().unwrap_or_default(),
            ..missing
        })
        .collect();
    missing.sort_by(|a, b| b.asks.total_cmp(&a.asks).then(a.label.cmp(&b.label)));
    missing.truncate(SHOWN_MISSING);
    Ok(missing)
}

/// The newest calls that say what they are for, and that did not give it.
fn failed(
    db: &Connection,
    project: i64,
    period: &Period,
    cluster: Option<i64>,
) -> rusqlite::Result<Vec<Failed>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.time_ms, i.text, e.outcome, e.tool, e.error, u.text, s.text
        FROM event e JOIN intent i ON i.id = e.intent
            LEFT JOIN user u ON u.id = e.user LEFT JOIN session s ON s.id = e.session
        WHERE e.project = ?1 AND e.time_ms >= ?2 AND e.time_ms < ?3 AND e.kind = 1
            AND e.outcome IN {BAD} AND e.class IN {COUNTED} AND e.intent > 0 AND (?4 IS NULL OR i.cluster = ?4)
        ORDER BY e.time_ms DESC, e.id DESC LIMIT ?5"
    ))?;
    let limit = i64::try_from(SHOWN_FAILED).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![project, period.from, period.until, cluster, limit])?;
    let mut failed = Vec::new();
    while let Some(row) = rows.next()? {
        failed.push(Failed {
            time_ms: row.get(0)?,
            intent: row.get(1)?,
            outcome: Outcome::of_number(row.get(2)?),
            tool: names::text(db, row.get(3)?)?,
            error: names::text(db, row.get(4)?)?,
            user: row.get(5)?,
            session: row.get(6)?,
        });
    }
    Ok(failed)
}

fn wordings(
    db: &Connection,
    project: i64,
    span: &Span,
    cluster: i64,
) -> rusqlite::Result<Vec<Wording>> {
    let source = source();
    let mut statement = db.prepare_cached(&format!(
        "SELECT i.text, sum(s.weight) AS calls, sum(s.failed)
        FROM ({source}) s JOIN intent i ON i.id = s.intent WHERE i.cluster = {cluster}
        GROUP BY s.intent ORDER BY calls DESC, i.text LIMIT {SHOWN_WORDINGS}"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        Ok(Wording {
            text: row.get(0)?,
            figures: Figures {
                calls: row.get(1)?,
                failed: row.get(2)?,
            },
        })
    })?;
    rows.collect()
}

fn built(db: &Connection, project: i64) -> rusqlite::Result<Option<i64>> {
    let newest = "SELECT max(built_ms) FROM intent_cluster WHERE project = ?1";
    let built = db
        .prepare_cached(newest)?
        .query_row([project], |row| row.get(0))
        .optional()?;
    Ok(built.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Range;
    use crate::record::{Class, Record, SourceId, User};
    use crate::store::insert::insert;

    /// 2026-11-27 15:41:07 UTC.
    const NOW: i64 = 1_795_794_067_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn call(n: u8, hours_ago: i64, intent: &str, user: &str, outcome: Outcome) -> Record {
        Record {
            tool: Some(if n.is_multiple_of(2) { "get" } else { "refund" }.to_owned()),
            user: Some(User {
                id: user.to_owned(),
                kind: "EMAIL".to_owned(),
                email: None,
            }),
            class: Class::Agent,
            intent: (!intent.is_empty()).then(|| intent.to_owned()),
            outcome,
            error: outcome.is_bad().then(|| "no order 12".to_owned()),
            ..Record::new(SourceId([n; 16]), NOW - hours_ago * HOUR, Kind::Call)
        }
    }

    /// Two wordings that are a group, one that is in none yet, and a capability that is missing.
    fn database() -> Connection {
        let mut db = crate::store::schema::in_memory();
        let tx = db.transaction().unwrap();
        let mut records = vec![
            call(1, 1, "Refund order 1", "ines", Outcome::Ok),
            call(2, 2, "Refund order 2", "ines", Outcome::Timeout),
            call(3, 3, "Refund order 2", "omar", Outcome::Ok),
            call(4, 4, "Show sales", "omar", Outcome::Ok),
            call(5, 5, "", "omar", Outcome::ToolError),
            call(6, 8 * 24, "Refund order 1", "ines", Outcome::Ok),
            Record {
                class: Class::Crawler,
                ..call(7, 1, "Refund order 1", "robot", Outcome::Ok)
            },
        ];
        for (n, hours) in [(8, 1), (9, 2), (10, 8 * 24)] {
            records.push(Record {
                kind: Kind::Missing,
                tool: None,
                ..call(n, hours, "Undo a refund", "ines", Outcome::Ok)
            });
        }
        insert(&tx, 1, NOW, &records).unwrap();
        tx.execute_batch(
            "INSERT INTO intent_cluster (id, project, missing, label, built_ms) VALUES (5, 1, 0, 'Refund order 1', 7);
            UPDATE intent SET cluster = 5 WHERE text LIKE 'Refund order%'",
        )
        .unwrap();
        tx.commit().unwrap();
        db
    }

    #[test]
    fn groups_say_who_wanted_what_and_whether_they_got_it() {
        let db = database();
        for range in [Range::Day, Range::Week] {
            let found = intents(&db, 1, &range.until(NOW), None).unwrap();
            assert_eq!((found.with_intent, found.calls), (4.0, 5.0), "{range:?}");
            assert_eq!(found.built_ms, Some(7));
            let [refund, sales] = &found.groups[..] else {
                panic!("{:?}", found.groups)
            };
            assert_eq!(refund.id, Id::Cluster(5));
            assert_eq!(refund.label, "Refund order 1");
            assert_eq!(refund.example.as_deref(), Some("Refund order 2"));
            assert_eq!(refund.wordings, 2);
            assert_eq!((refund.now.calls, refund.now.failed), (3.0, 1.0));
            assert_eq!(refund.people, Some(2));
            assert_eq!(refund.tools, ["refund", "get"]);
            assert_eq!(sales.id, Id::Text("Show sales".to_owned()));
            assert_eq!((sales.now.calls, sales.people), (1.0, Some(1)));
            let before = if range == Range::Week { 1.0 } else { 0.0 };
            assert_eq!(refund.before.calls, before);
        }
    }

    #[test]
    fn what_is_missing_is_counted_by_itself() {
        let found = intents(&database(), 1, &Range::Week.until(NOW), None).unwrap();
        let [undo] = &found.missing[..] else {
            panic!("{:?}", found.missing)
        };
        assert_eq!(undo.id, Id::Text("Undo a refund".to_owned()));
        assert_eq!((undo.asks, undo.before, undo.people), (2.0, 1.0, 1));
        assert_eq!(undo.last_ms, NOW - HOUR);
    }

    #[test]
    fn a_failed_ask_has_its_words_its_tool_and_its_message() {
        let found = intents(&database(), 1, &Range::Week.until(NOW), None).unwrap();
        let [failed] = &found.failed[..] else {
            panic!("{:?}", found.failed)
        };
        assert_eq!(failed.intent, "Refund order 2");
        assert_eq!(
            (failed.outcome, failed.tool.as_str()),
            (Outcome::Timeout, "get")
        );
        assert!(failed.error.starts_with("no order"), "{}", failed.error);
        assert_eq!(failed.user.as_deref(), Some("ines"));
    }

    #[test]
    fn one_group_has_its_wordings_and_nothing_of_others() {
        let db = database();
        let found = intents(&db, 1, &Range::Week.until(NOW), Some(5)).unwrap();
        assert_eq!(found.groups.len(), 1);
        let words: Vec<_> = found
            .wordings
            .iter()
            .map(|wording| (wording.text.as_str(), wording.figures.calls))
            .collect();
        assert_eq!(words, [("Refund order 2", 2.0), ("Refund order 1", 1.0)]);
        let none = intents(&db, 2, &Range::Week.until(NOW), Some(5)).unwrap();
        assert_eq!(none.groups, []);
        assert_eq!(none.wordings, []);
    }

    #[test]
    fn an_empty_project_has_no_groups() {
        let found = intents(&database(), 9, &Range::Quarter.until(NOW + 100 * DAY), None).unwrap();
        assert_eq!(found, Intents::default());
    }
}
