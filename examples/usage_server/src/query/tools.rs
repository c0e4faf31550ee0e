//! Which tools work: how often each is called, by how many, how long it takes, and which nobody calls.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;
use super::span::{self, Span};
use crate::hist;
use crate::store::schema::{BAD, COUNTED};

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
    let days = now.whole_days();
    let unknown = unknown_calls(db, project, &days)?;
    let of_days = match days == now {
        true => None,
        false => Some(calls_by_tool(db, project, &days)?),
    };
    let people = people_by_tool(db, project, period)?;
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
        let people = people.get(&tool).copied().unwrap_or_default();
        let last_ms = last_call(db, project, tool)?;
        // A name that some server had for a part of the time is a tool.
        let calls = match &of_days {
            Some(of_days) => of_days.get(&tool).copied().unwrap_or_default(),
            None => sum.calls,
        };
        let is_absent = unknown
            .get(&tool)
            .is_some_and(|unknown| *unknown >= calls.floor());
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
    days: &Span,
) -> rusqlite::Result<HashMap<i64, f64>> {
    let mut statement = db.prepare_cached(
        "SELECT tool, total(weight) FROM unknown_tool_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY tool",
    )?;
    let rows = statement.query_map(params![project, days.days.start, days.days.end], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

/// How many people called each tool in a period that ends now.
fn people_by_tool(
    db: &Connection,
    project: i64,
    period: &Period,
) -> rusqlite::Result<HashMap<i64, usize>> {
    let mut statement = db.prepare_cached(
        "SELECT tool, count(*) FROM tool_user WHERE project = ?1 AND last_ms >= ?2 GROUP BY tool",
    )?;
    let people = statement.query_map((project, period.from), |row| {
        let people: u32 = row.get(1)?;
        Ok((row.get(0)?, people as usize))
    })?;
    people.collect()
}

/// How many called one tool in the period, or met a failure of it.
pub(super) fn people_of(
    db: &Connection,
    project: i64,
    period: &Period,
    tool: i64,
    failed: bool,
) -> rusqlite::Result<usize> {
    let time = if failed { "last_failed_ms" } else { "last_ms" };
    let mut statement = db.prepare_cached(&format!(
        "SELECT count(*) FROM tool_user WHERE project = ?1 AND tool = ?2 AND {time} >= ?3"
    ))?;
    let people: u32 = statement.query_row(params![project, tool, period.from], |row| row.get(0))?;
    Ok(people as usize)
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
    let mut statement = db.prepare_cached(&format!(
        "SELECT max(time_ms) FROM event
         WHERE project = ?1 AND tool = ?2 AND kind = 1 AND class IN {COUNTED}"
    ))?;
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
pub fn never_called(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Range;
    use crate::query::fixture::{
        DAY, Fixture, MINUTE, NOW, PROJECT, call, event, failed, user, week,
    };
    use crate::record::{Class, Kind, Listed, Outcome, Record};

    fn of(fixture: &Fixture) -> Tools {
        tools(&fixture.db, PROJECT, &week()).unwrap()
    }

    #[test]
    fn a_tool_has_its_calls_people_and_quantiles() {
        let calls = (1..=20).map(|n| Record {
            duration_us: Some(if n > 18 { 30_000_000 } else { 40_000 }),
            user: user(if n % 2 == 0 {
                "maya@example.com"
            } else {
                "noor@example.com"
            }),
            ..call(n * MINUTE)
        });
        let mut fixture = Fixture::with(calls);
        fixture.take([failed(DAY, "no such item 7"), call(8 * DAY), call(8 * DAY)]);
        let tools = of(&fixture);
        let [tool] = tools.called.as_slice() else {
            panic!("{tools:?}");
        };
        assert_eq!(
            (tool.calls, tool.failed, tool.before, tool.people),
            (21.0, 1.0, 2.0, 2)
        );
        assert_eq!(tool.trend, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 20.0]);
        assert_eq!(tool.last_ms, Some(NOW - MINUTE));
        let near = |a: Option<f64>, b: f64| (a.unwrap() / b - 1.0).abs() < 0.1;
        assert!(
            near(tool.p50, 40_000.0) && near(tool.p95, 30_000_000.0),
            "{tool:?}"
        );
        assert!(near(tool.result_p50, 1_000.0));
        let day = super::tools(&fixture.db, PROJECT, &Range::Day.until(NOW)).unwrap();
        let [tool] = day.called.as_slice() else {
            panic!("{day:?}");
        };
        assert_eq!((tool.calls, tool.people, tool.trend.len()), (20.0, 2, 24));
    }

    #[test]
    fn sampled_calls_count_by_their_weight_and_crawlers_do_not_count() {
        let sampled = Record {
            weight: 10.0,
            ..call(MINUTE)
        };
        let crawler = Record {
            class: Class::Crawler,
            ..call(MINUTE)
        };
        let fixture = Fixture::with([sampled, crawler]);
        assert_eq!(of(&fixture).called[0].calls, 10.0);
    }

    #[test]
    fn tools_beyond_the_bound_of_names_are_counted_and_shown_as_one() {
        let mut fixture = Fixture::new();
        let names =
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000)
            INSERT INTO name (project, kind, text, first_ms) SELECT 1, 1, 'tool ' || x, 0 FROM n";
        fixture.db.execute_batch(names).unwrap();
        // None of which a server seems to have.
        let of_tool = |tool: &str| Record {
            tool: Some(tool.to_owned()),
            ..failed(MINUTE, "no such tool")
        };
        fixture.take([
            of_tool("one more"),
            of_tool("tool 7"),
            of_tool("and another"),
            Record {
                tool: Some("of the next release".to_owned()),
                ..call(MINUTE)
            },
        ]);
        let tools = of(&fixture);
        let mut shown: Vec<_> = tools
            .called
            .iter()
            .map(|tool| (tool.name.as_str(), tool.calls))
            .collect();
        shown.sort_by(|a, b| a.0.cmp(b.0));
        let expected = [
            ("(others)", 2.0),
            ("of the next release", 1.0),
            ("tool 7", 1.0),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_sampled_call_of_a_tool_that_is_not_there_is_one_of_an_absent_tool() {
        let fixture = Fixture::with([Record {
            unknown_tool: true,
            weight: 10.0,
            ..call(MINUTE)
        }]);
        let tools = of(&fixture);
        assert_eq!((tools.called.len(), tools.absent.len()), (0, 1));
    }

    #[test]
    fn a_name_that_no_server_has_is_absent_unless_some_server_has_it() {
        let unknown = |name: &str| Record {
            tool: Some(name.to_owned()),
            unknown_tool: true,
            outcome: Outcome::ProtocolError,
            ..call(MINUTE)
        };
        let known = Record {
            tool: Some("new_tool".to_owned()),
            ..call(0)
        };
        let fixture = Fixture::with([unknown("bulk_update"), unknown("new_tool"), known]);
        let tools = of(&fixture);
        assert_eq!(tools.absent.len(), 1);
        assert_eq!(
            (
                tools.absent[0].name.as_str(),
                tools.absent[0].calls,
                tools.absent[0].people
            ),
            ("bulk_update", 1.0, 1)
        );
        assert_eq!(tools.called[0].name, "new_tool");
    }

    #[test]
    fn a_tool_that_was_there_earlier_that_day_is_one_within_24_hours_too() {
        let unknown = Record {
            unknown_tool: true,
            outcome: Outcome::ProtocolError,
            ..call(23 * 60 * MINUTE)
        };
        // Before the 24 hours, on their first day.
        let mut fixture = Fixture::with([unknown.clone(), call(30 * 60 * MINUTE)]);
        let of = |fixture: &Fixture| {
            let tools = tools(&fixture.db, PROJECT, &Range::Day.until(NOW)).unwrap();
            (tools.called.len(), tools.absent.len())
        };
        assert_eq!(of(&fixture), (1, 0));
        // One that was not there yet on that day, and is now.
        let read = |record| Record {
            tool: Some("read".to_owned()),
            ..record
        };
        let earlier = || Record {
            time_ms: NOW - 30 * 60 * MINUTE,
            ..unknown.clone()
        };
        fixture.take([read(earlier()), read(earlier()), read(call(MINUTE))]);
        assert_eq!(of(&fixture), (2, 0));
    }

    #[test]
    fn a_tool_that_is_listed_and_not_called_costs_something_for_nothing() {
        let listed = |tool: &str, hash: &str, bytes| Listed {
            tool: tool.to_owned(),
            definition: Some((hash.to_owned(), bytes)),
        };
        let listing = |ago, hash: &str| Record {
            listed: vec![listed("search", hash, 400), listed("delete_note", "a", 352)],
            ..event(Kind::Listing, ago)
        };
        let mut fixture = Fixture::with([listing(3 * DAY, "a"), listing(DAY, "b"), call(MINUTE)]);
        let (count, never) = never_called(&fixture.db, PROJECT, NOW).unwrap();
        assert_eq!(count, 2);
        assert_eq!(
            never,
            [NeverCalled {
                name: "delete_note".to_owned(),
                first_ms: NOW - 3 * DAY,
                last_ms: NOW - DAY,
                tokens: Some(88),
            }]
        );
        assert_eq!(of(&fixture).called[0].changed_ms, Some(NOW - DAY));
        fixture.take([Record {
            tool: Some("delete_note".to_owned()),
            ..call(0)
        }]);
        assert_eq!(
            never_called(&fixture.db, PROJECT, NOW).unwrap(),
            (2, vec![])
        );
    }

    #[test]
    fn a_project_without_events_has_no_tools() {
        let fixture = Fixture::new();
        assert_eq!(of(&fixture), Tools::default());
        assert_eq!(
            never_called(&fixture.db, PROJECT, NOW).unwrap(),
            (0, vec![])
        );
    }
}
