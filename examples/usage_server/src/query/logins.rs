//! Who got in, who was refused and why, with which client.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::calls::kind_is;
use super::names;
use super::period::Period;
use super::span::{self, Span};
use crate::record::Kind;

/// How many of the newest refusals are looked at for what came next.
const LOOKED_AT: usize = 500;
const SHOWN: usize = 50;
/// The most columns of clients, and rows of reasons.
const MAX_CLIENTS: usize = 8;
const MAX_REASONS: usize = 20;
/// Refusals of one version of a client that stand out: so many, and so many times those before.
const ENOUGH_REFUSALS: i64 = 10;
const TIMES_BEFORE: i64 = 3;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Logins {
    pub now: Figures,
    pub before: Figures,
    pub stands_out: Option<StandsOut>,
    /// Names of clients, most refusals first.
    pub clients: Vec<String>,
    /// Most refusals first.
    pub reasons: Vec<Reason>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    pub logins: i64,
    /// Of these, the identity captures.
    pub captures: i64,
    pub people: i64,
    pub refused: i64,
    /// Of the newest refusals, those that a login followed.
    pub let_in: i64,
    pub looked_at: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    pub reason: String,
    pub refused: i64,
    pub before: i64,
    /// By client, in the order of `Logins::clients`.
    pub by_client: Vec<i64>,
}

/// One version of a client that is refused far more than before.
#[derive(Debug, Clone, PartialEq)]
pub struct StandsOut {
    pub client: String,
    pub version: String,
    pub refused: i64,
    pub before: i64,
    /// Where all have one.
    pub reason: Option<String>,
    pub first_ms: Option<i64>,
    /// Of the refusals that were looked at.
    pub let_in: i64,
    pub looked_at: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub time_ms: i64,
    pub reason: String,
    pub client: String,
    pub client_version: String,
    pub user: Option<String>,
    /// How long after it the same person, or the same session, got in.
    pub let_in_after_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub reason: Option<String>,
    pub client: Option<String>,
    pub version: Option<String>,
}

/// A row of `login_day`, with the texts of its names.
struct Row {
    reason: String,
    client: String,
    version: String,
    events: i64,
}

pub fn logins(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Logins> {
    let (now, before) = (Span::of(period), Span::before(period));
    let refused = refusals(db, project, &now)?;
    let refused_before = refusals(db, project, &before)?;
    let all = Filter::default();
    let looked = newest(db, project, period.from, period.until, &all, LOOKED_AT)?;
    let looked_before = newest(
        db,
        project,
        period.before_from,
        period.before_until,
        &all,
        LOOKED_AT,
    )?;
    let (clients, reasons) = by_reason_and_client(&refused, &refused_before);
    Ok(Logins {
        now: figures(db, project, &now, &refused, &looked)?,
        before: figures(db, project, &before, &refused_before, &looked_before)?,
        stands_out: stands_out(&refused, &refused_before, &looked),
        clients,
        reasons,
    })
}

/// The newest refusals of the period.
pub fn newest_refusals(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<Vec<Refusal>> {
    newest(db, project, period.from, period.until, filter, SHOWN)
}

fn figures(
    db: &Connection,
    project: i64,
    span: &Span,
    refused: &[Row],
    looked: &[Refusal],
) -> rusqlite::Result<Figures> {
    let let_in = looked.iter().filter(|one| one.let_in_after_ms.is_some());
    let (logins, captures) = logins_of(db, project, span)?;
    Ok(Figures {
        logins,
        captures,
        people: people(db, project, span)?,
        refused: refused.iter().map(|row| row.events).sum(),
        let_in: count(let_in),
        looked_at: count(looked.iter()),
    })
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

fn of_kinds(kinds: &[Kind]) -> String {
    span::days_and_events(
        "login_day",
        "kind, reason, client, events",
        "kind, error AS reason, client, 1 AS events",
        &kind_is("kind", kinds),
    )
}

/// How many logins, and how many of them are identity captures.
fn logins_of(db: &Connection, project: i64, span: &Span) -> rusqlite::Result<(i64, i64)> {
    let source = of_kinds(&Kind::LOGINS);
    let is_login = kind_is("kind", &Kind::LOGINS);
    let capture = Kind::Identity as u8;
    let mut statement = db.prepare_cached(&format!(
        "SELECT ifnull(sum(events), 0), ifnull(sum(events) FILTER (WHERE kind = {capture}), 0)
         FROM ({source}) WHERE {is_login}"
    ))?;
    statement.query_row(span.params(project).as_slice(), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

fn people(db: &Connection, project: i64, span: &Span) -> rusqlite::Result<i64> {
    let source = span::days_and_events(
        "user_day",
        "user, logins",
        "user, 1 AS logins",
        &kind_is("kind", &Kind::LOGINS),
    );
    let mut statement = db.prepare_cached(&format!(
        "SELECT count(DISTINCT user) FROM ({source}) WHERE logins > 0 AND user <> 0"
    ))?;
    statement.query_row(span.params(project).as_slice(), |row| row.get(0))
}

fn refusals(db: &Connection, project: i64, span: &Span) -> rusqlite::Result<Vec<Row>> {
    let (source, kind) = (of_kinds(&[Kind::Refused]), Kind::Refused as u8);
    let mut statement = db.prepare_cached(&format!(
        "SELECT reason, client, sum(events) FROM ({source}) WHERE kind = {kind} GROUP BY reason, client"
    ))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let mut refusals = Vec::new();
    while let Some(row) = rows.next()? {
        let (client, version) = names::client(db, row.get(1)?)?;
        refusals.push(Row {
            reason: names::text(db, row.get(0)?)?,
            client,
            version,
            events: row.get(2)?,
        });
    }
    Ok(refusals)
}

fn sums<'a, K: Ord>(rows: &'a [Row], key: impl Fn(&'a Row) -> K) -> BTreeMap<K, i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(key(row)).or_default() += row.events;
    }
    sums
}

fn most_first<K: Ord + Clone>(sums: &BTreeMap<K, i64>, most: usize) -> Vec<(K, i64)> {
    let mut order: Vec<_> = sums.iter().map(|(key, n)| (key.clone(), *n)).collect();
    order.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    order.truncate(most);
    order
}

fn by_reason_and_client(now: &[Row], before: &[Row]) -> (Vec<String>, Vec<Reason>) {
    let of_clients = most_first(&sums(now, |row| row.client.as_str()), MAX_CLIENTS);
    let clients: Vec<&str> = of_clients.iter().map(|(client, _)| *client).collect();
    let cells = sums(now, |row| (row.reason.as_str(), row.client.as_str()));
    let was = sums(before, |row| row.reason.as_str());
    let reasons = most_first(&sums(now, |row| row.reason.as_str()), MAX_REASONS)
        .into_iter()
        .map(|(reason, refused)| Reason {
            reason: reason.to_owned(),
            refused,
            before: was.get(reason).copied().unwrap_or_default(),
            by_client: clients
                .iter()
                .map(|client| cells.get(&(reason, *client)).copied().unwrap_or_default())
                .collect(),
        })
        .collect();
    (clients.into_iter().map(str::to_owned).collect(), reasons)
}

fn stands_out(now: &[Row], before: &[Row], looked: &[Refusal]) -> Option<StandsOut> {
    let was = sums(before, |row| (row.client.as_str(), row.version.as_str()));
    let now_by = sums(now, |row| (row.client.as_str(), row.version.as_str()));
    let ((client, version), refused) =
        most_first(&now_by, usize::MAX)
            .into_iter()
            .find(|(key, refused)| {
                let before = was.get(key).copied().unwrap_or_default();
                !key.0.is_empty()
                    && *refused >= ENOUGH_REFUSALS
                    && *refused >= TIMES_BEFORE * before
            })?;
    let mine = now
        .iter()
        .filter(|row| row.client == client && row.version == version);
    let mut reasons: Vec<&str> = mine.map(|row| row.reason.as_str()).collect();
    reasons.dedup();
    let seen: Vec<&Refusal> = looked
        .iter()
        .filter(|one| one.client == client && one.client_version == version)
        .collect();
    let let_in = seen.iter().filter(|one| one.let_in_after_ms.is_some());
    Some(StandsOut {
        client: client.to_owned(),
        version: version.to_owned(),
        refused,
        before: was.get(&(client, version)).copied().unwrap_or_default(),
        reason: match reasons.as_slice() {
            [one] => Some((*one).to_owned()),
            _ => None,
        },
        // Newest first: the last one that is here is the first of all, unless some were not looked at.
        first_ms: seen
            .last()
            .filter(|_| count(seen.iter()) >= refused)
            .map(|one| one.time_ms),
        let_in: count(let_in),
        looked_at: count(seen.iter()),
    })
}

/// The newest refusals within a time, with what came next.
fn newest(
    db: &Connection,
    project: i64,
    from: i64,
    until: i64,
    filter: &Filter,
    most: usize,
) -> rusqlite::Result<Vec<Refusal>> {
    let kind = Kind::Refused as u8;
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.time_ms, r.text, c.text, c.detail, u.text, e.user, e.session FROM event e
         LEFT JOIN name r ON r.id = e.error LEFT JOIN name c ON c.id = e.client LEFT JOIN user u ON u.id = e.user
         WHERE e.project = ?1 AND e.kind <> 1 AND e.kind = {kind} AND e.time_ms >= ?2 AND e.time_ms < ?3
             AND (?4 IS NULL OR r.text = ?4) AND (?5 IS NULL OR c.text = ?5) AND (?6 IS NULL OR c.detail = ?6)
         ORDER BY e.time_ms DESC, e.id DESC LIMIT {most}"
    ))?;
    let mut rows = statement.query(params![
        project,
        from,
        until,
        filter.reason,
        filter.client,
        filter.version
    ])?;
    let mut newest = Vec::new();
    while let Some(row) = rows.next()? {
        let time_ms: i64 = row.get(0)?;
        let next = next_login(db, project, row.get(5)?, row.get(6)?, time_ms)?;
        newest.push(Refusal {
            time_ms,
            reason: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            client: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            client_version: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            user: row.get(4)?,
            let_in_after_ms: next.map(|next| next - time_ms),
        });
    }
    Ok(newest)
}

/// When the same person, or somebody in the same session, got in after that.
fn next_login(
    db: &Connection,
    project: i64,
    user: i64,
    session: i64,
    after: i64,
) -> rusqlite::Result<Option<i64>> {
    let of = |column: &str, id: i64| {
        if id == 0 {
            return Ok(None);
        }
        // A login, or an event of somebody who is in: whichever comes first.
        let mut statement = db.prepare_cached(&format!(
            "SELECT time_ms FROM event WHERE project = ?1 AND {column} = ?2 AND time_ms > ?3 AND kind <> {refused}
             ORDER BY time_ms LIMIT 1",
            refused = Kind::Refused as u8
        ))?;
        statement
            .query_row(params![project, id, after], |row| row.get::<_, i64>(0))
            .optional()
    };
    let (by_user, by_session) = (of("user", user)?, of("session", session)?);
    Ok(by_user.into_iter().chain(by_session).min())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Range;
    use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, event, user, week};
    use crate::record::Record;

    fn refused(ago: i64, reason: &str, client: &str, version: &str) -> Record {
        Record {
            error: Some(reason.to_owned()),
            client: Some(client.to_owned()),
            client_version: Some(version.to_owned()),
            ..event(Kind::Refused, ago)
        }
    }

    fn login(ago: i64, id: &str) -> Record {
        Record {
            user: user(id),
            ..event(Kind::Login, ago)
        }
    }

    #[test]
    fn refusals_are_counted_by_reason_and_client() {
        let fixture = Fixture::with([
            refused(MINUTE, "expired", "cursor", "1.4"),
            refused(DAY, "expired", "cursor", "1.5"),
            refused(DAY, "missing", "codex", "1"),
            refused(8 * DAY, "expired", "codex", "1"),
            login(MINUTE, "maya@example.com"),
            login(DAY, "maya@example.com"),
        ]);
        let logins = logins(&fixture.db, PROJECT, &week()).unwrap();
        assert_eq!(logins.clients, ["cursor", "codex"]);
        let [expired, missing] = logins.reasons.as_slice() else {
            panic!("{logins:?}");
        };
        assert_eq!(
            (expired.reason.as_str(), expired.refused, expired.before),
            ("expired", 2, 1)
        );
        assert_eq!(expired.by_client, [2, 0]);
        assert_eq!(missing.by_client, [0, 1]);
        assert_eq!(
            (logins.now.logins, logins.now.people, logins.now.refused),
            (2, 1, 3)
        );
        assert_eq!((logins.before.refused, logins.before.logins), (1, 0));
        let day = super::logins(&fixture.db, PROJECT, &Range::Day.until(NOW)).unwrap();
        assert_eq!((day.now.logins, day.now.people, day.now.refused), (1, 1, 1));
    }

    #[test]
    fn an_identity_capture_is_a_login_in_days_and_in_hours() {
        let captured = |ago, id| Record {
            kind: Kind::Identity,
            ..login(ago, id)
        };
        let mut fixture = Fixture::with([
            captured(MINUTE, "maya@example.com"),
            captured(2 * DAY, "noor@example.com"),
            captured(8 * DAY, "noor@example.com"),
        ]);
        let of = |fixture: &Fixture, range: Range| {
            let data = logins(&fixture.db, PROJECT, &range.until(NOW)).unwrap();
            (data.now.logins, data.now.people, data.before.logins)
        };
        assert_eq!(of(&fixture, Range::Week), (2, 2, 1));
        assert_eq!(of(&fixture, Range::Day), (1, 1, 0));
        // One by hand beside it is one more, of nobody new.
        fixture.take([login(MINUTE, "maya@example.com")]);
        assert_eq!(of(&fixture, Range::Week), (3, 2, 1));
        assert_eq!(of(&fixture, Range::Day), (2, 1, 0));
    }

    #[test]
    fn what_came_after_a_refusal_is_said() {
        let by_user = Record {
            user: user("maya@example.com"),
            ..refused(10 * MINUTE, "expired", "cursor", "1")
        };
        let by_session = Record {
            session: Some("s-9".to_owned()),
            ..refused(9 * MINUTE, "missing", "codex", "1")
        };
        let call = Record {
            session: Some("s-9".to_owned()),
            ..call(7 * MINUTE)
        };
        let fixture = Fixture::with([
            by_user,
            by_session,
            call,
            login(8 * MINUTE, "noor@example.com"),
            refused(5 * MINUTE, "expired", "cursor", "1"),
        ]);
        let newest = newest_refusals(&fixture.db, PROJECT, &week(), &Filter::default()).unwrap();
        let after: Vec<_> = newest.iter().map(|one| one.let_in_after_ms).collect();
        assert_eq!(after, [None, Some(2 * MINUTE), Some(3 * MINUTE)]);
        let filter = Filter {
            reason: Some("missing".to_owned()),
            ..Filter::default()
        };
        let newest = newest_refusals(&fixture.db, PROJECT, &week(), &filter).unwrap();
        assert_eq!(newest.len(), 1);
    }

    #[test]
    fn a_version_that_is_refused_far_more_than_before_stands_out() {
        let mut fixture =
            Fixture::with((0..9).map(|n| refused(n * MINUTE, "expired", "cursor", "1.4")));
        let of = |fixture: &Fixture| logins(&fixture.db, PROJECT, &week()).unwrap().stands_out;
        assert_eq!(of(&fixture), None);
        fixture.take([refused(9 * MINUTE, "expired", "cursor", "1.4")]);
        let one = of(&fixture).unwrap();
        assert_eq!(
            (one.client.as_str(), one.version.as_str(), one.refused),
            ("cursor", "1.4", 10)
        );
        assert_eq!((one.reason.as_deref(), one.let_in), (Some("expired"), 0));
        assert_eq!(one.first_ms, Some(NOW - 9 * MINUTE));
        fixture.take((0..4).map(|n| refused(8 * DAY + n, "expired", "cursor", "1.4")));
        assert_eq!(of(&fixture), None);
    }
}
