//! Sessions: what people tried, and where they stopped.

use std::collections::{BinaryHeap, HashMap};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::calls::{ids, like};
use super::names;
use super::period::Period;
use super::search::Search;
use super::whom::Whom;
use crate::record::Outcome;
use crate::store::schema::COUNTED;

pub const PAGE: usize = 32;
/// How deep the pages go.
const DEEPEST: usize = 10_000;
/// A search by words looks among so many people, intents and clients.
const MATCHES: usize = 500;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub show: Show,
    /// Part of a person's id or e-mail address, of the first intent or of the client.
    pub words: Option<String>,
    pub user: Option<String>,
    pub domain: Option<String>,
    pub client: Option<String>,
    /// The first row.
    pub from: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    #[default]
    All,
    /// The last call failed or was given up.
    Ended,
    /// At least one did.
    Failed,
    Answered,
    /// Only listings, logins and the like.
    Idle,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sessions {
    /// How many of each there are, of those that the rest of the filter lets through.
    pub all: i64,
    pub ended: i64,
    pub failed: i64,
    pub answered: i64,
    pub idle: i64,
    pub list: Vec<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub user: Option<String>,
    pub client: String,
    pub client_version: String,
    pub first_ms: i64,
    pub last_ms: i64,
    pub calls: i64,
    pub failed: i64,
    pub first_intent: Option<String>,
    pub last_outcome: Outcome,
    pub outcomes: Vec<Outcome>,
}

impl Show {
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::Ended,
        Self::Failed,
        Self::Answered,
        Self::Idle,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Answered => "answered",
            Self::Idle => "idle",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|show| show.word() == word)
    }

    const fn shows(self, calls: i64, failed: i64, ended: bool) -> bool {
        match self {
            Self::All => true,
            Self::Ended => ended,
            Self::Failed => failed > 0,
            Self::Answered => calls > 0 && failed == 0,
            Self::Idle => calls == 0,
        }
    }
}

impl Filter {
    pub fn of_query(query: &HashMap<String, String>) -> Self {
        let text = |key: &str| query.get(key).filter(|text| !text.is_empty()).cloned();
        let search = Search::of_query(query);
        Self {
            show: text("show")
                .and_then(|word| Show::of_word(&word))
                .unwrap_or_default(),
            domain: search.domain,
            words: search.words,
            user: text("user"),
            client: text("client"),
            from: query
                .get("from")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
        }
    }

    pub fn whom(&self) -> Whom {
        Whom {
            user: self.user.clone(),
            words: self.words.clone(),
            domain: self.domain.clone(),
            ..Whom::default()
        }
    }

    /// What an address says of what to show, without the place.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            (
                "show",
                (self.show != Show::All).then(|| self.show.word().to_owned()),
            ),
            ("q", self.words.clone()),
            ("user", self.user.clone()),
            ("domain", self.domain.clone()),
            ("client", self.client.clone()),
        ];
        let said = all
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        said.collect()
    }
}

/// The order: those that ended on a failure first, then those with the most failures (from four on alike), then the
/// newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    ended: bool,
    failed: i64,
    last_ms: i64,
    id: i64,
}

/// With an event in the period. One that began before counts too, so that the sum over periods is more than what there
/// is.
pub fn sessions(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<Sessions> {
    let (conditions, values) = conditions(db, project, period, filter)?;
    // By user over `session_user`; else over `session_time`, which has all that is asked for here, since the rows
    // themselves lie far apart.
    let index = if filter.user.is_some() {
        "session_user"
    } else {
        "session_time"
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT s.id, s.last_ms, s.calls, s.failed, s.last_outcome FROM session s INDEXED BY {index} WHERE {conditions}"
    ))?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut sessions = Sessions::default();
    let wanted = filter.from.min(DEEPEST) + PAGE;
    // The first ones, the last of them on top.
    let mut first = BinaryHeap::new();
    while let Some(row) = rows.next()? {
        let (calls, failed): (i64, i64) = (row.get(2)?, row.get(3)?);
        let ended = calls > 0 && Outcome::of_number(row.get(4)?).is_bad();
        for (show, count) in [
            (Show::All, &mut sessions.all),
            (Show::Ended, &mut sessions.ended),
            (Show::Failed, &mut sessions.failed),
            (Show::Answered, &mut sessions.answered),
            (Show::Idle, &mut sessions.idle),
        ] {
            *count += i64::from(show.shows(calls, failed, ended));
        }
        if filter.show.shows(calls, failed, ended) {
            first.push(std::cmp::Reverse(Rank {
                ended,
                failed: failed.min(4),
                last_ms: row.get(1)?,
                id: row.get(0)?,
            }));
            if first.len() > wanted {
                first.pop();
            }
        }
    }
    let first = first.into_sorted_vec();
    for std::cmp::Reverse(rank) in first.iter().skip(filter.from.min(DEEPEST)) {
        sessions.list.push(session(db, rank.id)?);
    }
    Ok(sessions)
}

impl Sessions {
    /// How many the filter finds.
    pub const fn total(&self, show: Show) -> i64 {
        match show {
            Show::All => self.all,
            Show::Ended => self.ended,
            Show::Failed => self.failed,
            Show::Answered => self.answered,
            Show::Idle => self.idle,
        }
    }
}

fn conditions(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<(String, Vec<Value>)> {
    let mut values = vec![Value::Integer(project), Value::Integer(period.from)];
    let mut conditions = format!("s.project = ?1 AND s.last_ms >= ?2 AND s.class IN {COUNTED}");
    if let Some(user) = &filter.user {
        values.push(Value::Text(user.clone()));
        conditions += &format!(
            " AND s.user = (SELECT id FROM user WHERE project = ?1 AND text = ?{})",
            values.len()
        );
    }
    if let Some(domain) = &filter.domain {
        values.push(Value::Text(domain.clone()));
        conditions += &format!(
            " AND s.user IN (SELECT id FROM user WHERE project = ?1 AND domain = ?{})",
            values.len()
        );
    }
    if let Some(client) = &filter.client {
        values.push(Value::Text(client.clone()));
        conditions += &format!(
            " AND s.client IN (SELECT id FROM name WHERE project = ?1 AND kind = 2 AND text = ?{})",
            values.len()
        );
    }
    if let Some(words) = &filter.words {
        let mut any = Vec::new();
        for (column, find) in [
            (
                "user",
                "SELECT id FROM user WHERE project = ?1 AND (text LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\')",
            ),
            (
                "first_intent",
                "SELECT id FROM intent WHERE project = ?1 AND text LIKE ?2 ESCAPE '\\'",
            ),
            (
                "client",
                "SELECT id FROM name WHERE project = ?1 AND kind = 2 AND text LIKE ?2 ESCAPE '\\'",
            ),
        ] {
            let find = format!("{find} LIMIT {MATCHES}");
            let ids = ids(
                db,
                &find,
                &[Value::Integer(project), Value::Text(like(words))],
            )?;
            let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
            any.push(format!("s.{column} IN ({})", ids.join(", ")));
        }
        // A session's own id, too.
        values.push(Value::Text(words.clone()));
        any.push(format!(
            "s.id = (SELECT id FROM session WHERE project = ?1 AND text = ?{})",
            values.len()
        ));
        conditions += &format!(" AND ({})", any.join(" OR "));
    }
    Ok((conditions, values))
}

/// A session by its row.
pub(super) fn session(db: &Connection, id: i64) -> rusqlite::Result<Session> {
    let mut statement = db.prepare_cached(
        "SELECT s.text, u.text, s.client, s.first_ms, s.last_ms, s.calls, s.failed, i.text, s.last_outcome, s.outcomes
         FROM session s LEFT JOIN user u ON u.id = s.user LEFT JOIN intent i ON i.id = s.first_intent
         WHERE s.id = ?1",
    )?;
    statement.query_row([id], |row| {
        let (client, client_version) = names::client(db, row.get(2)?)?;
        let outcomes: Vec<u8> = row.get(9)?;
        Ok(Session {
            id: row.get(0)?,
            user: row.get(1)?,
            client,
            client_version,
            first_ms: row.get(3)?,
            last_ms: row.get(4)?,
            calls: row.get(5)?,
            failed: row.get(6)?,
            first_intent: row.get(7)?,
            last_outcome: Outcome::of_number(row.get(8)?),
            outcomes: outcomes.into_iter().map(Outcome::of_number).collect(),
        })
    })
}
