//! How far the other pages can be trusted: what senders say that they lost, and what never came.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::names;
use super::period::Period;

const DAY_MS: i64 = 86_400_000;
const MAX_SHOWN: i64 = 200;
/// Reasons that are a choice of the sender's or of the person's, and no loss.
const CHOSEN: [&str; 4] = ["sampled", "rate_capped", "no_consent", "forgotten"];
/// Reasons for which an event is mostly dropped before it has a sequence number, so that no gap shows it.
const WITHOUT_SEQUENCE: [&str; 6] = [
    "queue_full",
    "sampled",
    "rate_capped",
    "no_consent",
    "closed",
    "forked",
];

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// Events of the period that came, and those that senders say they lost.
    pub delivered: i64,
    pub dropped: i64,
    pub chosen: i64,
    /// Sequence numbers that never came and that no loss explains: missing, or still queued. Of no period, but since each
    /// instance started.
    pub missing: i64,
    pub repeated: i64,
    /// Newest first.
    pub instances: Vec<Instance>,
    pub reasons: Vec<Dropped>,
    pub refused: Vec<Refused>,
    /// Most marks first.
    pub redactions: Vec<Redaction>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    pub sdk: String,
    pub delivered: i64,
    pub dropped: i64,
    pub repeated: i64,
    /// Since it started.
    pub missing: i64,
    /// Between its clock and this server's: positive when its clock is behind.
    pub skew_ms: i64,
    pub lag_ms: i64,
    pub last_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub reason: String,
    pub events: i64,
    pub instances: i64,
}

/// What this server did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    pub events: i64,
    /// The day of the last one.
    pub last_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    pub class: String,
    /// By senders, and by this server's own pass.
    pub marks: i64,
    pub here: i64,
    /// The tool with most of them.
    pub tool: String,
}

impl Quality {
    pub const fn offered(&self) -> i64 {
        self.delivered.saturating_add(self.dropped)
    }
}

/// Whether a reason is a choice of the sender's.
pub fn is_chosen(reason: &str) -> bool {
    CHOSEN.contains(&reason)
}

/// Of whole days: what senders report has no finer time.
pub fn quality(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Quality> {
    let (from, until) = (
        period.from.div_euclid(DAY_MS),
        (period.until + DAY_MS - 1).div_euclid(DAY_MS),
    );
    let mut all = Quality {
        reasons: reasons(db, project, from, until)?,
        refused: refused(db, project, from, until)?,
        redactions: redactions(db, project, from, until)?,
        ..Quality::default()
    };
    let mut statement = db.prepare_cached(
        "SELECT sum(received), sum(repeated) FROM instance_day WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3",
    )?;
    (all.delivered, all.repeated) = statement.query_row(params![project, from, until], |row| {
        let sum = |at| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
        Ok((sum(0)?, sum(1)?))
    })?;
    for Dropped { reason, events, .. } in &all.reasons {
        match is_chosen(reason) {
            true => all.chosen += events,
            false => all.dropped += events,
        }
    }
    all.instances = instances(db, project, from, until)?;
    all.missing = missing(db, project, from)?;
    Ok(all)
}

/// Of all instances, more of which there may be than are listed.
fn missing(db: &Connection, project: i64, from: i64) -> rusqlite::Result<i64> {
    let without = WITHOUT_SEQUENCE.map(|reason| format!("'{reason}'"));
    let mut statement = db.prepare_cached(&format!(
        "SELECT CAST(total(max(0, max_sequence - received - (
             SELECT CAST(total(total) AS INTEGER) FROM instance_lost
             WHERE instance = instance.id AND reason NOT IN ({})))) AS INTEGER)
         FROM instance WHERE project = ?1 AND last_ms >= ?2",
        without.join(", ")
    ))?;
    statement.query_row(params![project, from * DAY_MS], |row| row.get(0))
}

fn instances(
    db: &Connection,
    project: i64,
    from: i64,
    until: i64,
) -> rusqlite::Result<Vec<Instance>> {
    let mut statement = db.prepare_cached(
        "SELECT id, text, sdk, received, max_sequence, skew_ms, lag_ms, last_ms FROM instance
         WHERE project = ?1 AND last_ms >= ?2 ORDER BY last_ms DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![project, from * DAY_MS, MAX_SHOWN])?;
    let mut of_period = db.prepare_cached(
        "SELECT ifnull(sum(received), 0), ifnull(sum(repeated), 0) FROM instance_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 AND instance = ?4",
    )?;
    let mut lost = db.prepare_cached(
        "SELECT reason, sum(events) FROM lost_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 AND instance = ?4 GROUP BY reason",
    )?;
    let mut lost_ever =
        db.prepare_cached("SELECT reason, total FROM instance_lost WHERE instance = ?1")?;
    let mut instances = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (received, max_sequence): (i64, i64) = (row.get(3)?, row.get(4)?);
        let (delivered, repeated) = of_period
            .query_row(params![project, from, until, id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let losses = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let of_period: Vec<(String, i64)> = lost
            .query_map(params![project, from, until, id], losses)?
            .collect::<Result<_, _>>()?;
        let dropped = of_period.iter().filter(|(reason, _)| !is_chosen(reason));
        let ever: Vec<(String, i64)> = lost_ever
            .query_map([id], losses)?
            .collect::<Result<_, _>>()?;
        let explained = ever
            .iter()
            .filter(|(reason, _)| !WITHOUT_SEQUENCE.contains(&reason.as_str()))
            .fold(0_i64, |sum, (_, total)| sum.saturating_add(*total));
        let missing = (max_sequence - received).saturating_sub(explained);
        instances.push(Instance {
            name: row.get(1)?,
            sdk: row.get(2)?,
            delivered,
            dropped: dropped.map(|(_, events)| events).sum(),
            repeated,
            missing: missing.max(0),
            skew_ms: row.get(5)?,
            lag_ms: row.get(6)?,
            last_ms: row.get(7)?,
        });
    }
    Ok(instances)
}

fn reasons(db: &Connection, project: i64, from: i64, until: i64) -> rusqlite::Result<Vec<Dropped>> {
    let mut statement = db.prepare_cached(
        "SELECT reason, sum(events) AS n, count(DISTINCT instance) FROM lost_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY reason ORDER BY n DESC LIMIT 50",
    )?;
    let rows = statement.query_map(params![project, from, until], |row| {
        Ok(Dropped {
            reason: row.get(0)?,
            events: row.get(1)?,
            instances: row.get(2)?,
        })
    })?;
    rows.collect()
}

fn refused(db: &Connection, project: i64, from: i64, until: i64) -> rusqlite::Result<Vec<Refused>> {
    let mut statement = db.prepare_cached(
        "SELECT reason, sum(events) AS n, max(bucket) FROM refused_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY reason ORDER BY n DESC LIMIT 50",
    )?;
    let rows = statement.query_map(params![project, from, until], |row| {
        Ok(Refused {
            reason: row.get(0)?,
            events: row.get(1)?,
            last_ms: row.get::<_, i64>(2)? * DAY_MS,
        })
    })?;
    rows.collect()
}

fn redactions(
    db: &Connection,
    project: i64,
    from: i64,
    until: i64,
) -> rusqlite::Result<Vec<Redaction>> {
    let mut statement = db.prepare_cached(
        "SELECT class, tool, here, sum(marks) FROM redaction_day
         WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY class, tool, here",
    )?;
    let mut rows = statement.query(params![project, from, until])?;
    let mut by_class: BTreeMap<String, (i64, i64, BTreeMap<i64, i64>)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (sent, here, tools) = by_class.entry(row.get(0)?).or_default();
        let marks: i64 = row.get(3)?;
        match row.get::<_, bool>(2)? {
            true => *here += marks,
            false => *sent += marks,
        }
        *tools.entry(row.get(1)?).or_default() += marks;
    }
    let mut redactions = Vec::new();
    for (class, (marks, here, tools)) in by_class {
        let most = tools.into_iter().max_by_key(|(_, marks)| *marks);
        redactions.push(Redaction {
            class,
            marks,
            here,
            tool: names::text(db, most.map_or(0, |(tool, _)| tool))?,
        });
    }
    redactions.sort_by_key(|one| -(one.marks + one.here));
    Ok(redactions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, week};
    use crate::record::Record;

    fn numbered(sequence: u64, ago: i64) -> Record {
        Record {
            instance: Some("web-1".to_owned()),
            sequence: Some(sequence),
            ..call(ago)
        }
    }

    #[test]
    fn what_is_offered_came_or_was_dropped_and_what_is_missing_is_of_no_period() {
        let mut fixture = Fixture::with([numbered(1, DAY), numbered(2, MINUTE), numbered(9, 0)]);
        let instance: i64 = fixture
            .db
            .query_row("SELECT id FROM instance", [], |row| row.get(0))
            .unwrap();
        let today = NOW / DAY;
        for (reason, events) in [
            ("queue_full", 40),
            ("expired", 2),
            ("sampled", 100),
            ("no_consent", 7),
        ] {
            let values = params![PROJECT, today, instance, reason, events];
            fixture
                .db
                .execute("INSERT INTO lost_day VALUES (?1, ?2, ?3, ?4, ?5)", values)
                .unwrap();
            let values = params![instance, reason, events];
            fixture
                .db
                .execute("INSERT INTO instance_lost VALUES (?1, ?2, ?3)", values)
                .unwrap();
        }
        let all = quality(&fixture.db, PROJECT, &week()).unwrap();
        assert_eq!((all.delivered, all.dropped, all.chosen), (3, 42, 107));
        // Nine numbers, three of which came and two of which expired.
        assert_eq!(all.missing, 4);
        assert_eq!(all.offered(), 45);
        assert_eq!(
            (
                all.instances[0].name.as_str(),
                all.instances[0].dropped,
                all.instances[0].missing
            ),
            ("web-1", 42, 4)
        );
        let order: Vec<_> = all.reasons.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(order, ["sampled", "queue_full", "no_consent", "expired"]);
        fixture.take((3..=6).map(|n| numbered(n, 0)));
        assert_eq!(quality(&fixture.db, PROJECT, &week()).unwrap().missing, 0);
    }

    #[test]
    fn what_is_missing_of_instances_that_are_not_listed_counts_too() {
        let many = (0..=MAX_SHOWN).map(|n| Record {
            instance: Some(format!("web-{n}")),
            ..numbered(3, MINUTE)
        });
        let fixture = Fixture::with(many);
        let all = quality(&fixture.db, PROJECT, &week()).unwrap();
        assert_eq!(all.instances.len(), 200);
        assert_eq!(all.missing, 2 * 201);
    }

    #[test]
    fn marks_of_redaction_are_summed_by_class_with_the_tool_that_has_most() {
        let marked = |tool: &str, emails| Record {
            tool: Some(tool.to_owned()),
            redactions: vec![("email".to_owned(), emails)],
            ..call(MINUTE)
        };
        let fixture = Fixture::with([marked("search", 2), marked("add_note", 5)]);
        let all = quality(&fixture.db, PROJECT, &week()).unwrap();
        let [email] = all.redactions.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(
            (
                email.class.as_str(),
                email.marks,
                email.here,
                email.tool.as_str()
            ),
            ("email", 7, 0, "add_note")
        );
    }
}
