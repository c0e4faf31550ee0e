//! Events as they are kept, part by part.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use serde_json::json;

use super::calls::{kind_of_number, kind_word};
use crate::record::Outcome;

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub project: i64,
    /// `[from, until)`.
    pub from: i64,
    pub until: i64,
    /// Of one person alone, as senders write them.
    pub user: Option<String>,
}

/// The columns of `Row::fields`.
pub const COLUMNS: [&str; 18] = [
    "time",
    "received",
    "kind",
    "tool",
    "user",
    "user_kind",
    "email",
    "session",
    "client",
    "client_version",
    "release",
    "protocol",
    "outcome",
    "error",
    "duration_us",
    "result_bytes",
    "weight",
    "intent",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    id: i64,
    time_ms: i64,
    received_ms: i64,
    kind: &'static str,
    outcome: &'static str,
    duration_us: Option<i64>,
    result_bytes: Option<i64>,
    weight: f64,
    /// Tool, user, its kind, e-mail, session, client, version, release, protocol, error, intent.
    texts: [Option<String>; 11],
    body: Option<Vec<u8>>,
}

impl Row {
    /// What the next part begins after.
    pub const fn key(&self) -> (i64, i64) {
        (self.time_ms, self.id)
    }

    fn bytes(&self) -> usize {
        let texts = self.texts.iter().flatten().map(String::len);
        texts.sum::<usize>() + self.body.as_ref().map_or(0, Vec::len)
    }

    /// In the order of [`COLUMNS`].
    pub fn fields(&self) -> [String; 18] {
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let [
            tool,
            user,
            user_kind,
            email,
            session,
            client,
            version,
            release,
            protocol,
            error,
            intent,
        ] = &self.texts;
        [
            time(self.time_ms),
            time(self.received_ms),
            self.kind.to_owned(),
            text(tool),
            text(user),
            text(user_kind),
            text(email),
            text(session),
            text(client),
            text(version),
            text(release),
            text(protocol),
            self.outcome.to_owned(),
            text(error),
            number(self.duration_us),
            number(self.result_bytes),
            self.weight.to_string(),
            text(intent),
        ]
    }

    /// All of it, with the body.
    pub fn json(&self) -> serde_json::Value {
        let [
            tool,
            user,
            user_kind,
            email,
            session,
            client,
            version,
            release,
            protocol,
            error,
            intent,
        ] = &self.texts;
        let body: Option<serde_json::Value> = self
            .body
            .as_deref()
            .and_then(|body| serde_json::from_slice(body).ok());
        json!({
            "time": time(self.time_ms),
            "received": time(self.received_ms),
            "kind": self.kind,
            "tool": tool,
            "user": user,
            "user_kind": user_kind,
            "email": email,
            "session": session,
            "client": client,
            "client_version": version,
            "release": release,
            "protocol": protocol,
            "outcome": self.outcome,
            "error": error,
            "duration_us": self.duration_us,
            "result_bytes": self.result_bytes,
            "weight": self.weight,
            "intent": intent,
            "body": body,
        })
    }
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or_default()
        .to_string()
}

/// Some after the key, oldest first: `most` at most, and no more once they have so many bytes. Whether there may be
/// more stands beside them.
pub fn rows(
    db: &Connection,
    scope: &Scope,
    after: Option<(i64, i64)>,
    most: usize,
    most_bytes: usize,
) -> rusqlite::Result<(Vec<Row>, bool)> {
    let user = match &scope.user {
        None => None,
        Some(text) => {
            let find = "SELECT id FROM user WHERE project = ?1 AND text = ?2";
            let id: Option<i64> = db
                .prepare_cached(find)?
                .query_row((scope.project, text), |row| row.get(0))
                .optional()?;
            match id {
                None => return Ok((Vec::new(), false)),
                id => id,
            }
        }
    };
    let (time_ms, id) = after.unwrap_or((scope.from, 0));
    let mut values: Vec<Value> = [scope.project, time_ms, scope.until, id]
        .map(Value::Integer)
        .to_vec();
    values.push(Value::Integer(i64::try_from(most).unwrap_or(i64::MAX)));
    let of_user = match user {
        Some(user) => {
            values.push(Value::Integer(user));
            "AND e.user = ?6"
        }
        None => "",
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT e.id, e.time_ms, e.received_ms, e.kind, e.outcome, e.duration_us, e.result_bytes, e.weight,
             t.text, u.text, u.kind, u.email, s.text, c.text, c.detail, r.text, p.text, x.text, i.text, b.body
         FROM event e
         LEFT JOIN name t ON t.id = e.tool LEFT JOIN user u ON u.id = e.user
         LEFT JOIN session s ON s.id = e.session LEFT JOIN name c ON c.id = e.client
         LEFT JOIN name r ON r.id = e.release LEFT JOIN name p ON p.id = e.protocol
         LEFT JOIN name x ON x.id = e.error LEFT JOIN intent i ON i.id = e.intent
         LEFT JOIN event_body b ON b.id = e.id
         WHERE e.project = ?1 AND e.time_ms >= ?2 AND e.time_ms < ?3 AND (e.time_ms, e.id) > (?2, ?4) {of_user}
         ORDER BY e.time_ms, e.id LIMIT ?5"
    ))?;
    let found = statement.query_map(params_from_iter(&values), |row| {
        let mut texts: [Option<String>; 11] = Default::default();
        for (place, text) in texts.iter_mut().enumerate() {
            *text = row.get(8 + place)?;
        }
        Ok(Row {
            id: row.get(0)?,
            time_ms: row.get(1)?,
            received_ms: row.get(2)?,
            kind: kind_word(kind_of_number(row.get(3)?)),
            outcome: Outcome::of_number(row.get(4)?).word(),
            duration_us: row.get(5)?,
            result_bytes: row.get(6)?,
            weight: row.get(7)?,
            texts,
            body: row.get(19)?,
        })
    })?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for row in found {
        let row = row?;
        bytes += row.bytes();
        rows.push(row);
        if bytes >= most_bytes {
            return Ok((rows, true));
        }
    }
    let more = rows.len() == most;
    Ok((rows, more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, user};
    use crate::record::Record;

    fn scope(user: Option<&str>) -> Scope {
        Scope {
            project: PROJECT,
            from: NOW - 7 * DAY,
            until: NOW + 1,
            user: user.map(str::to_owned),
        }
    }

    #[test]
    fn parts_have_each_row_once_in_order_though_times_are_the_same() {
        let times = [0, 0, 0, 0, MINUTE, MINUTE, DAY, 9 * DAY];
        let fixture = Fixture::with(times.map(call));
        for (most, most_bytes) in [(2, usize::MAX), (usize::MAX, 1)] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let (part, more) =
                    rows(&fixture.db, &scope(None), after, most, most_bytes).unwrap();
                assert!(part.len() <= 2);
                seen.extend(part.iter().map(Row::key));
                after = part.last().map(Row::key);
                if !more {
                    break;
                }
            }
            let mut sorted = seen.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!((seen.len(), seen), (7, sorted));
        }
    }

    #[test]
    fn one_persons_rows_are_theirs() {
        let other = Record {
            user: user("noor@example.com"),
            ..call(0)
        };
        let fixture = Fixture::with([call(0), other]);
        let of = |who| rows(&fixture.db, &scope(Some(who)), None, 10, 1 << 20).unwrap();
        let (mine, more) = of("noor@example.com");
        assert!(!more);
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0].json()["user"], "noor@example.com");
        assert_eq!(mine[0].fields().len(), COLUMNS.len());
        assert_eq!(of("nobody"), (Vec::new(), false));
    }
}
