//! Which agents and editors connect, in which versions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;
use super::span::{self, Span};
use crate::record::Class;
use crate::store::schema::{BAD, COUNTED};

const MAX_ROWS: usize = 100;
const MAX_VERSIONS: usize = 6;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clients {
    /// Most calls first.
    pub clients: Vec<Client>,
    pub calls: f64,
    /// Newest first.
    pub protocols: Vec<Protocol>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    pub name: String,
    /// Whether nothing says that it is an agent.
    pub is_unknown: bool,
    pub calls: f64,
    pub before: f64,
    pub failed: f64,
    pub people: usize,
    /// Most calls first.
    pub versions: Vec<(String, f64)>,
    pub protocols: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    pub version: String,
    pub calls: f64,
    pub clients: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    pub name: String,
    pub version: String,
    pub class: Class,
    pub events: i64,
    pub calls: i64,
}

impl Protocol {
    /// Whether this version of the protocol has no `initialize`.
    pub fn has_no_handshake(&self) -> bool {
        self.version.as_str() >= "2026-07-28"
    }
}

/// Of agents and unknown clients; with `all`, of everyone.
pub fn clients(
    db: &Connection,
    project: i64,
    period: &Period,
    all: bool,
) -> rusqlite::Result<Clients> {
    let (now, before) = (Span::of(period), Span::before(period));
    let classes = match all {
        true => "(0, 1, 2, 3)",
        false => COUNTED,
    };
    let calls_before = calls_before(db, project, &before, classes)?;
    let people = people(db, project, &now)?;
    let source = span::calls("client, class, protocol, outcome, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT client, class, protocol, total(weight), total(weight) FILTER (WHERE outcome IN {BAD})
         FROM ({source}) WHERE class IN {classes} GROUP BY client, class, protocol"
    ))?;
    let mut rows = statement.query(now.params(project).as_slice())?;
    let mut by_name: BTreeMap<String, Sums> = BTreeMap::new();
    let mut protocols: BTreeMap<String, (f64, BTreeSet<String>)> = BTreeMap::new();
    let mut total = 0.0;
    while let Some(row) = rows.next()? {
        let client = row.get(0)?;
        let (name, version) = names::client(db, client)?;
        let protocol = names::text(db, row.get(2)?)?;
        let (calls, failed): (f64, f64) = (row.get(3)?, row.get(4)?);
        total += calls;
        let of = protocols.entry(protocol.clone()).or_default();
        of.0 += calls;
        of.1.insert(name.clone());
        let sums = by_name.entry(name).or_default();
        sums.calls += calls;
        sums.failed += failed;
        sums.agents += f64::from(row.get::<_, u8>(1)? == Class::Agent as u8) * calls;
        *sums.versions.entry(version).or_default() += calls;
        sums.protocols.insert(protocol);
        sums.ids.insert(client);
    }
    let mut clients: Vec<Client> = by_name
        .into_iter()
        .map(|(name, sums)| {
            let mut users: HashSet<i64> = HashSet::new();
            for of in sums.ids.iter().filter_map(|id| people.get(id)) {
                users.extend(of);
            }
            let mut versions: Vec<_> = sums.versions.into_iter().collect();
            versions.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            versions.truncate(MAX_VERSIONS);
            Client {
                before: calls_before.get(&name).copied().unwrap_or_default(),
                name,
                is_unknown: sums.agents == 0.0,
                calls: sums.calls,
                failed: sums.failed,
                people: users.len(),
                versions,
                protocols: sums.protocols.into_iter().rev().collect(),
            }
        })
        .collect();
    clients.sort_by(|a, b| b.calls.total_cmp(&a.calls));
    clients.truncate(MAX_ROWS);
    let protocols = protocols
        .into_iter()
        .rev()
        .take(MAX_ROWS)
        .map(|(version, (calls, clients))| Protocol {
            version,
            calls,
            clients: clients.into_iter().collect(),
        })
        .collect();
    Ok(Clients {
        clients,
        calls: total,
        protocols,
    })
}

#[derive(Default)]
struct Sums {
    calls: f64,
    failed: f64,
    agents: f64,
    versions: BTreeMap<String, f64>,
    protocols: BTreeSet<String>,
    ids: BTreeSet<i64>,
}

fn calls_before(
    db: &Connection,
    project: i64,
    span: &Span,
    classes: &str,
) -> rusqlite::Result<HashMap<String, f64>> {
    let source = span::calls("client, class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT name.text, total(weight) FROM ({source}) LEFT JOIN name ON name.id = client
         WHERE class IN {classes} GROUP BY name.text"
    ))?;
    let rows = statement.query_map(span.params(project).as_slice(), |row| {
        Ok((
            row.get::<_, Option<String>>(0)?.unwrap_or_default(),
            row.get(1)?,
        ))
    })?;
    rows.collect()
}

fn people(
    db: &Connection,
    project: i64,
    span: &Span,
) -> rusqlite::Result<HashMap<i64, HashSet<i64>>> {
    let source = span::days_and_events(
        "client_user_day",
        "client, user",
        "client, user",
        &format!("kind = 1 AND class IN {COUNTED}"),
    );
    let mut statement = db.prepare_cached(&source)?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let mut people: HashMap<i64, HashSet<i64>> = HashMap::new();
    while let Some(row) = rows.next()? {
        match row.get(1)? {
            0 => {}
            user => drop(people.entry(row.get(0)?).or_default().insert(user)),
        }
    }
    Ok(people)
}

/// Crawlers and probes, most events first.
pub fn left_out(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Vec<LeftOut>> {
    let mut statement = db.prepare_cached(
        "SELECT client, class, count(*) AS events, count(*) FILTER (WHERE kind = 1) FROM event
         WHERE project = ?1 AND class >= 2 AND time_ms >= ?2 AND time_ms < ?3
         GROUP BY client, class ORDER BY events DESC LIMIT ?4",
    )?;
    let mut rows = statement.query(params![project, period.from, period.until, MAX_ROWS as i64])?;
    let mut left_out = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, version) = names::client(db, row.get(0)?)?;
        left_out.push(LeftOut {
            name,
            version,
            class: match row.get::<_, u8>(1)? {
                3 => Class::HealthProbe,
                _ => Class::Crawler,
            },
            events: row.get(2)?,
            calls: row.get(3)?,
        });
    }
    Ok(left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{DAY, Fixture, MINUTE, PROJECT, call, event, failed, user, week};
    use crate::record::{Kind, Record};

    fn of(client: &str, version: &str, record: Record) -> Record {
        Record {
            client: Some(client.to_owned()),
            client_version: Some(version.to_owned()),
            ..record
        }
    }

    #[test]
    fn a_client_is_all_of_its_versions() {
        let fixture = Fixture::with([
            of("cursor", "1.4", call(MINUTE)),
            of("cursor", "1.5", call(DAY)),
            of("cursor", "1.5", failed(DAY, "no")),
            of("cursor", "1.4", call(8 * DAY)),
            Record {
                user: user("noor@example.com"),
                class: Class::Unknown,
                protocol: Some("2026-07-28".to_owned()),
                ..of("bot", "", call(0))
            },
        ]);
        let clients = clients(&fixture.db, PROJECT, &week(), false).unwrap();
        let [cursor, bot] = clients.clients.as_slice() else {
            panic!("{clients:?}");
        };
        assert_eq!(
            (cursor.calls, cursor.failed, cursor.before, cursor.people),
            (3.0, 1.0, 1.0, 1)
        );
        assert_eq!(
            cursor.versions,
            [("1.5".to_owned(), 2.0), ("1.4".to_owned(), 1.0)]
        );
        assert!(bot.is_unknown && !cursor.is_unknown);
        assert_eq!(clients.calls, 4.0);
        let protocols: Vec<_> = clients
            .protocols
            .iter()
            .map(|one| (one.version.as_str(), one.has_no_handshake(), one.calls))
            .collect();
        assert_eq!(
            protocols,
            [("2026-07-28", true, 1.0), ("2025-11-25", false, 3.0)]
        );
    }

    #[test]
    fn crawlers_and_probes_are_apart_unless_they_are_asked_for() {
        let crawler = |record| Record {
            class: Class::Crawler,
            ..of("mcp-scanner", "1.2", record)
        };
        let fixture = Fixture::with([
            call(MINUTE),
            crawler(call(MINUTE)),
            crawler(event(Kind::Listing, MINUTE)),
            crawler(event(Kind::Listing, 9 * DAY)),
        ]);
        let counted = clients(&fixture.db, PROJECT, &week(), false).unwrap();
        assert_eq!((counted.clients.len(), counted.calls), (1, 1.0));
        assert_eq!(
            clients(&fixture.db, PROJECT, &week(), true).unwrap().calls,
            2.0
        );
        assert_eq!(
            left_out(&fixture.db, PROJECT, &week()).unwrap(),
            [LeftOut {
                name: "mcp-scanner".to_owned(),
                version: "1.2".to_owned(),
                class: Class::Crawler,
                events: 2,
                calls: 1,
            }]
        );
    }
}
