//! The rows behind every number: events by what a link brought along, newest first.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::names;
use super::period::Period;
use super::search::Search;
use super::span::{self, Span};
use super::whom::Whom;
use crate::record::{Group, Kind, Outcome};
use crate::store::schema::{BAD, COUNTED};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rows of a page.
pub const PAGE: usize = 100;
/// How many stretches of time a page looks through: what is rarer than a row in each has its next page begin there.
const STRETCHES: usize = 60;
/// A search by words looks among so many people, tools, clients and intents.
const MATCHES: usize = 2_000;

/// What the address says. Texts are as senders write them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// `None` for calls.
    pub kind: Option<Kind>,
    pub user: Option<String>,
    /// Of e-mail addresses.
    pub domain: Option<String>,
    pub session: Option<String>,
    pub tool: Option<String>,
    pub outcome: Option<Wanted>,
    pub client: Option<String>,
    pub version: Option<String>,
    pub release: Option<String>,
    pub protocol: Option<String>,
    /// Of a refused login.
    pub reason: Option<String>,
    /// A message of a failure, with numbers and ids taken out.
    pub error: Option<String>,
    pub intent: Option<String>,
    /// `intent_cluster.id`.
    pub cluster: Option<i64>,
    /// Whether it said what it was for.
    pub has_intent: bool,
    /// Seconds, in place of the period's bounds.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// Microseconds, `[min, max)`.
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// Part of a person's id, a tool, a client or an intent.
    pub words: Option<String>,
    /// Crawlers and probes too.
    pub all: bool,
}

/// Outcomes that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Failed or given up: what counts as failed in every rate.
    Bad,
    Group(Group),
    One(Outcome),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calls {
    pub rows: Vec<Call>,
    /// How many events the filter counts; `None` where they were not counted.
    pub total: Option<Total>,
    /// Where older rows follow.
    pub older: Option<Key>,
    /// The tools of the project, to choose one.
    pub tools: Vec<String>,
}

/// What rows stand for, and how many they are: fewer where a sender samples. Of intents the rollup knows the first alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    pub weight: f64,
    pub rows: Option<i64>,
}

impl Total {
    const NOTHING: Self = Self {
        weight: 0.0,
        rows: Some(0),
    };
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub id: i64,
    pub time_ms: i64,
    pub kind: Kind,
    pub tool: String,
    pub user: Option<String>,
    pub session: Option<String>,
    pub client: String,
    pub client_version: String,
    pub release: String,
    pub outcome: Outcome,
    /// As normalised; of a refused login its reason.
    pub error: String,
    pub duration_us: Option<i64>,
    pub result_bytes: Option<i64>,
    pub intent: Option<String>,
    pub weight: f64,
}

/// Where a page begins: after the row of this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub time_ms: i64,
    pub id: i64,
}

impl Key {
    /// `1795794067000,42`.
    pub fn of_text(text: &str) -> Option<Self> {
        let (time_ms, id) = text.split_once(',')?;
        Some(Self {
            time_ms: time_ms.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.time_ms, self.id)
    }
}

/// The kinds by their words in addresses. `login` asks for [`Kind::LOGINS`].
const KINDS: [(Kind, &str); 10] = [
    (Kind::Call, "call"),
    (Kind::Login, "login"),
    (Kind::Identity, "identity"),
    (Kind::Refused, "refused"),
    (Kind::Listing, "listing"),
    (Kind::SessionStart, "session"),
    (Kind::PromptGet, "prompt"),
    (Kind::ResourceRead, "resource"),
    (Kind::Missing, "missing"),
    (Kind::Custom, "custom"),
];

/// The word of a kind in addresses.
pub fn kind_word(kind: Kind) -> &'static str {
    let found = KINDS.iter().find(|(of, _)| *of == kind);
    found.map_or("call", |(_, word)| word)
}

/// The condition that a column is one of these kinds, in the form that `event_other` is read by.
pub(super) fn kind_is(column: &str, kinds: &[Kind]) -> String {
    if kinds == [Kind::Call] {
        return format!("{column} = 1");
    }
    let numbers: Vec<_> = kinds.iter().map(|kind| (*kind as u8).to_string()).collect();
    format!("{column} <> 1 AND {column} IN ({})", numbers.join(", "))
}

pub(super) fn kind_of_number(number: u8) -> Kind {
    let found = KINDS.iter().find(|(kind, _)| *kind as u8 == number);
    found.map_or(Kind::Custom, |(kind, _)| *kind)
}

impl Wanted {
    fn of_word(word: &str) -> Option<Self> {
        match word {
            "failed" => Some(Self::Bad),
            "waiting" => Some(Self::Group(Group::Waiting)),
            word => Outcome::of_word(word).map(Self::One),
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Bad => "failed",
            Self::Group(_) => "waiting",
            Self::One(outcome) => outcome.word(),
        }
    }

    fn numbers(self) -> String {
        let is = |outcome: &Outcome| match self {
            Self::Bad => outcome.is_bad(),
            Self::Group(group) => outcome.group() == group,
            Self::One(one) => *outcome == one,
        };
        let numbers: Vec<_> = Outcome::ALL
            .iter()
            .filter(|outcome| is(outcome))
            .map(|outcome| (*outcome as u8).to_string())
            .collect();
        format!("({})", numbers.join(", "))
    }
}

impl Filter {
    /// The filter of an address. What it does not know is left out, and so is what is empty.
    pub fn of_query(query: &HashMap<String, String>) -> Self {
        let text = |key: &str| query.get(key).filter(|text| !text.is_empty()).cloned();
        let number = |key: &str| query.get(key).and_then(|text| text.parse().ok());
        let search = Search::of_query(query);
        Self {
            kind: text("kind").and_then(|word| {
                let found = KINDS.iter().find(|(_, of)| *of == word);
                found
                    .map(|(kind, _)| *kind)
                    .filter(|kind| *kind != Kind::Call)
            }),
            user: text("user"),
            domain: search.domain,
            session: text("session"),
            tool: text("tool"),
            outcome: text("outcome").and_then(|word| Wanted::of_word(&word)),
            client: text("client"),
            version: text("version"),
            release: text("release"),
            protocol: text("protocol"),
            reason: text("reason"),
            error: text("error"),
            intent: text("intent"),
            cluster: number("cluster"),
            has_intent: query.get("with").is_some_and(|with| with == "intent"),
            since: number("since"),
            until: number("until"),
            min: number("min"),
            max: number("max"),
            all: query.get("include").is_some_and(|include| include == "all"),
            words: search.words,
        }
    }

    /// As an address says it, in one order.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let word = |word: Option<&str>| word.map(str::to_owned);
        let all = [
            ("kind", word(self.kind.map(kind_word))),
            ("outcome", word(self.outcome.map(Wanted::word))),
            ("tool", self.tool.clone()),
            ("q", self.words.clone()),
            ("user", self.user.clone()),
            ("domain", self.domain.clone()),
            ("session", self.session.clone()),
            ("client", self.client.clone()),
            ("version", self.version.clone()),
            ("release", self.release.clone()),
            ("protocol", self.protocol.clone()),
            ("reason", self.reason.clone()),
            ("error", self.error.clone()),
            ("intent", self.intent.clone()),
            ("cluster", number(self.cluster)),
            ("with", word(self.has_intent.then_some("intent"))),
            ("since", number(self.since)),
            ("until", number(self.until)),
            ("min", number(self.min)),
            ("max", number(self.max)),
            ("include", word(self.all.then_some("all"))),
        ];
        let said = all
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        said.collect()
    }

    pub fn whom(&self) -> Whom {
        Whom {
            user: self.user.clone(),
            session: self.session.clone(),
            words: self.words.clone(),
            domain: self.domain.clone(),
        }
    }

    fn bounds(&self, period: &Period) -> (i64, i64) {
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        (
            self.since.map_or(period.from, ms),
            self.until.map_or(period.until, ms),
        )
    }
}

/// A filter as SQL: what the database is asked for with it, and over which index.
struct Asked {
    source: Source,
    kinds: Vec<Kind>,
    from: i64,
    until: i64,
    /// Conditions on `e`, and their values.
    conditions: Vec<String>,
    values: Vec<Value>,
    /// Conditions on a row of `roll_hour`, where those say it all.
    rolled: Option<Vec<String>>,
    /// A name that the project does not have, so that nothing is found.
    is_nothing: bool,
}

/// Where rows are read from. Each is an index of `event` that has them in order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// `event_session`, `event_user`, `event_tool`: what is asked for lies together.
    Session,
    User,
    Tool,
    /// `event_other`: logins and the like are rare among calls.
    Other,
    /// `event_bad`: failures are rare among calls.
    Bad,
    /// `event_intent`, over the intents of a cluster.
    Intent,
    /// `event_user`, day by day over the people of a domain who were there.
    Domain,
    /// `event_time`: all others. Where the rollups know the hours that have rows, those alone are read.
    Time,
}

impl Source {
    /// Named in the query, since the planner does not know how rare a failure is, or a domain.
    const fn index(self) -> &'static str {
        match self {
            Self::Session => "event_session",
            Self::User | Self::Domain => "event_user",
            Self::Tool => "event_tool",
            Self::Other => "event_other",
            Self::Bad => "event_bad",
            Self::Intent => "event_intent",
            Self::Time => "event_time",
        }
    }
}

impl Asked {
    fn of(
        db: &Connection,
        project: i64,
        period: &Period,
        filter: &Filter,
    ) -> rusqlite::Result<Self> {
        let (from, until) = filter.bounds(period);
        let kind = filter.kind.unwrap_or(Kind::Call);
        let mut asked = Self {
            source: Source::Time,
            kinds: match kind {
                Kind::Login => Kind::LOGINS.to_vec(),
                kind => vec![kind],
            },
            from,
            until,
            conditions: vec![format!("e.project = {project}")],
            values: Vec::new(),
            rolled: (kind == Kind::Call).then(Vec::new),
            is_nothing: false,
        };
        // Who was refused counts whatever it came with: the page of logins says so too.
        let is_of_logins = kind.is_login() || kind == Kind::Refused;
        if !filter.all && !is_of_logins {
            asked.both(&format!("class IN {COUNTED}"));
        }
        if let Some(outcome) = filter.outcome {
            asked.both(&format!("outcome IN {}", outcome.numbers()));
        }
        asked.names(db, project, filter)?;
        asked.raw(db, project, filter)?;
        asked.source = asked.source(filter, kind);
        Ok(asked)
    }

    /// A condition that a rollup can be asked too.
    fn both(&mut self, condition: &str) {
        self.conditions.push(format!("e.{condition}"));
        if let Some(rolled) = &mut self.rolled {
            rolled.push(condition.to_owned());
        }
    }

    /// A condition on what rollups do not know.
    fn only_raw(&mut self, condition: String) {
        self.conditions.push(condition);
        self.rolled = None;
    }

    fn names(&mut self, db: &Connection, project: i64, filter: &Filter) -> rusqlite::Result<()> {
        for (column, kind, text) in [
            ("tool", 1, &filter.tool),
            ("release", 3, &filter.release),
            ("protocol", 4, &filter.protocol),
        ] {
            if let Some(text) = text {
                match names::id(db, project, kind, text)? {
                    Some(id) => self.both(&format!("{column} = {id}")),
                    None => self.is_nothing = true,
                }
            }
        }
        if filter.client.is_some() || filter.version.is_some() {
            let mut statement = db.prepare_cached(
                "SELECT id FROM name WHERE project = ?1 AND kind = 2
                     AND (?2 IS NULL OR text = ?2) AND (?3 IS NULL OR detail = ?3)",
            )?;
            let ids = statement.query_map((project, &filter.client, &filter.version), |row| {
                row.get::<_, i64>(0)
            })?;
            let ids: Vec<_> = ids
                .map(|id| Ok(id?.to_string()))
                .collect::<rusqlite::Result<_>>()?;
            self.is_nothing |= ids.is_empty();
            self.both(&format!("client IN ({})", ids.join(", ")));
        }
        Ok(())
    }

    fn raw(&mut self, db: &Connection, project: i64, filter: &Filter) -> rusqlite::Result<()> {
        for (column, kind, text) in [("error", 5, &filter.error), ("error", 6, &filter.reason)] {
            if let Some(text) = text {
                match names::id(db, project, kind, text)? {
                    Some(id) => self.only_raw(format!("e.{column} = {id}")),
                    None => self.is_nothing = true,
                }
            }
        }
        for (column, table, text) in [
            ("user", "user", &filter.user),
            ("session", "session", &filter.session),
        ] {
            if let Some(text) = text {
                let find = format!("SELECT id FROM {table} WHERE project = ?1 AND text = ?2");
                let ids = ids(
                    db,
                    &find,
                    &[Value::Integer(project), Value::Text(text.clone())],
                )?;
                match ids.first() {
                    Some(id) => self.only_raw(format!("e.{column} = {id}")),
                    None => self.is_nothing = true,
                }
            }
        }
        if let Some(domain) = &filter.domain {
            self.values.push(Value::Text(domain.to_lowercase()));
            let place = self.values.len();
            self.only_raw(format!(
                "e.user IN (SELECT id FROM user WHERE project = {project} AND domain = ?{place})"
            ));
        }
        if let Some(cluster) = filter.cluster {
            self.only_raw(format!(
                "e.intent IN (SELECT id FROM intent WHERE cluster = {cluster})"
            ));
        }
        if let Some(text) = &filter.intent {
            self.values.push(Value::Text(text.clone()));
            let place = self.values.len();
            self.only_raw(format!(
                "e.intent IN (SELECT id FROM intent WHERE project = {project} AND missing IN (0, 1) AND text = ?{place})"
            ));
        }
        if filter.cluster.is_some() || filter.intent.is_some() || filter.has_intent {
            self.only_raw("e.intent > 0".to_owned());
        }
        if let Some(min) = filter.min {
            self.only_raw(format!("e.duration_us >= {min}"));
        }
        if let Some(max) = filter.max {
            self.only_raw(format!("e.duration_us < {max}"));
        }
        if let Some(words) = &filter.words {
            self.words(db, project, words)?;
        }
        Ok(())
    }

    fn words(&mut self, db: &Connection, project: i64, words: &str) -> rusqlite::Result<()> {
        let like = Value::Text(like(words));
        let mut any = Vec::new();
        for (column, find) in [
            (
                "user",
                "SELECT id FROM user WHERE project = ?1 AND (text LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\')",
            ),
            (
                "tool",
                "SELECT id FROM name WHERE project = ?1 AND kind = 1 AND text LIKE ?2 ESCAPE '\\'",
            ),
            (
                "client",
                "SELECT id FROM name WHERE project = ?1 AND kind = 2 AND text LIKE ?2 ESCAPE '\\'",
            ),
            (
                "intent",
                "SELECT id FROM intent WHERE project = ?1 AND text LIKE ?2 ESCAPE '\\'",
            ),
        ] {
            let find = format!("{find} LIMIT {MATCHES}");
            let ids = ids(db, &find, &[Value::Integer(project), like.clone()])?;
            if !ids.is_empty() {
                let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
                any.push(format!("e.{column} IN ({})", ids.join(", ")));
            }
        }
        self.is_nothing |= any.is_empty();
        self.only_raw(format!("({})", any.join(" OR ")));
        Ok(())
    }

    fn source(&self, filter: &Filter, kind: Kind) -> Source {
        if filter.session.is_some() {
            Source::Session
        } else if filter.user.is_some() {
            Source::User
        } else if filter.cluster.is_some() || filter.intent.is_some() {
            Source::Intent
        } else if kind != Kind::Call {
            Source::Other
        } else if filter.outcome == Some(Wanted::Bad)
            || filter.error.is_some() && filter.tool.is_none()
        {
            Source::Bad
        } else if filter.domain.is_some() {
            Source::Domain
        } else if filter.tool.is_some() {
            Source::Tool
        } else {
            Source::Time
        }
    }

    /// The condition without which `event_bad` cannot be read.
    fn partial(&self) -> String {
        match self.source {
            Source::Bad => format!(" AND e.outcome IN {BAD}"),
            _ => String::new(),
        }
    }

    fn select(&self, columns: &str, joins: &str) -> String {
        self.select_of(&self.kinds, columns, joins)
    }

    fn select_of(&self, kinds: &[Kind], columns: &str, joins: &str) -> String {
        format!(
            "SELECT {columns} FROM event e INDEXED BY {} {joins} WHERE {} AND {}{}",
            self.source.index(),
            self.conditions.join(" AND "),
            kind_is("e.kind", kinds),
            self.partial(),
        )
    }

    /// The rows within these bounds, newest first. `columns` begin with the id and the time.
    fn newest(&self, columns: &str, joins: &str, bounds: &str) -> String {
        let of = |kinds: &[Kind]| format!("{} AND {bounds}", self.select_of(kinds, columns, joins));
        let selects: Vec<String> = match self.source {
            // Each kind is in order by itself: merged, they need no sorting.
            Source::Other => self.kinds.chunks(1).map(of).collect(),
            _ => vec![of(&self.kinds)],
        };
        format!("{} ORDER BY 2 DESC, 1 DESC", selects.join(" UNION ALL "))
    }

    /// The stretches of time that can have rows, newest first.
    fn stretches(
        &self,
        db: &Connection,
        project: i64,
        filter: &Filter,
        until: i64,
    ) -> rusqlite::Result<Vec<(i64, i64)>> {
        let whole = vec![(self.from, until)];
        let days = (
            self.from.div_euclid(DAY_MS),
            until.saturating_sub(1).div_euclid(DAY_MS),
        );
        let (find, values, length) = match (self.source, &self.rolled) {
            (Source::Time, Some(rolled)) if rolled.len() > 1 => {
                let find = format!(
                    "SELECT DISTINCT bucket FROM roll_hour
                     WHERE project = {project} AND bucket >= {} AND bucket <= {} AND {} ORDER BY bucket DESC",
                    self.from.div_euclid(HOUR_MS),
                    until.saturating_sub(1).div_euclid(HOUR_MS),
                    rolled.join(" AND ")
                );
                (find, Vec::new(), HOUR_MS)
            }
            (Source::Domain, _) => {
                let domain = filter.domain.clone().unwrap_or_default().to_lowercase();
                let find = format!(
                    "SELECT DISTINCT d.bucket FROM user u CROSS JOIN user_day d INDEXED BY user_day_user
                         ON d.project = u.project AND d.user = u.id AND d.bucket >= {} AND d.bucket <= {} AND d.calls > 0
                     WHERE u.project = {project} AND u.domain = ?1 ORDER BY d.bucket DESC",
                    days.0, days.1
                );
                (find, vec![Value::Text(domain)], DAY_MS)
            }
            // Over a whole period all rows of a group would be sorted.
            (Source::Intent, _)
                if filter.kind.is_none() && filter.domain.is_none() && !filter.all =>
            {
                let find = format!(
                    "SELECT DISTINCT e.bucket FROM intent_day e
                     WHERE e.project = {project} AND e.bucket >= {} AND e.bucket <= {}{} ORDER BY e.bucket DESC",
                    days.0,
                    days.1,
                    self.of_intent()
                );
                (find, self.values.clone(), DAY_MS)
            }
            _ => return Ok(whole),
        };
        let buckets = ids(db, &find, &values)?;
        let stretch = |bucket: i64| {
            (
                (bucket * length).max(self.from),
                ((bucket + 1) * length).min(until),
            )
        };
        Ok(buckets.into_iter().map(stretch).collect())
    }

    /// From the rollups where they know all that is asked for, else row by row over an index.
    fn total(
        &self,
        db: &Connection,
        project: i64,
        filter: &Filter,
    ) -> rusqlite::Result<Option<Total>> {
        if self.is_nothing {
            return Ok(Some(Total::NOTHING));
        }
        if filter.words.is_some() {
            return Ok(None);
        }
        let total = |row: &rusqlite::Row<'_>| {
            Ok(Some(Total {
                weight: row.get(0)?,
                rows: row.get(1)?,
            }))
        };
        let is_whole = self.from % HOUR_MS == 0 && self.until % HOUR_MS == 0;
        if let (Some(rolled), true) = (&self.rolled, is_whole) {
            let columns = "tool, outcome, client, class, release, protocol, calls, weight";
            let rolled = match rolled.is_empty() {
                true => "1".to_owned(),
                false => rolled.join(" AND "),
            };
            let source = span::calls(columns);
            let span = Span::between(self.from, self.until);
            let mut statement = db.prepare_cached(&format!(
                "SELECT total(weight), CAST(total(calls) AS INTEGER) FROM ({source}) WHERE {rolled}"
            ))?;
            return statement.query_row(span.params(project).as_slice(), total);
        }
        let raw = |from: i64, until: i64| {
            let mut statement = db.prepare(&format!(
                "{} AND e.time_ms >= {from} AND e.time_ms < {until}",
                self.select("total(e.weight), count(*)", ""),
            ))?;
            statement.query_row(params_from_iter(&self.values), total)
        };
        let span = Span::between(self.from, self.until);
        match self.by_day(project, filter, &span) {
            // Whole days out of a rollup, and the hours of today behind them.
            Some(find) if is_whole && !span.days.is_empty() => {
                let mut statement = db.prepare_cached(&find)?;
                let days = statement.query_row(params_from_iter(&self.values), total)?;
                let hours = match span.hours.is_empty() {
                    true => None,
                    false => raw(span.hours.start * HOUR_MS, self.until)?,
                };
                let (days, hours) = (
                    days.unwrap_or(Total::NOTHING),
                    hours.unwrap_or(Total::NOTHING),
                );
                Ok(Some(Total {
                    weight: days.weight + hours.weight,
                    rows: days.rows.zip(hours.rows).map(|(days, hours)| days + hours),
                }))
            }
            _ => raw(self.from, self.until),
        }
    }

    /// How a company, or an intent, is counted by day, where nothing else is asked for that its rollup does not know: a
    /// large company has millions of rows, and so have all intents.
    fn by_day(&self, project: i64, filter: &Filter, span: &Span) -> Option<String> {
        let pairs = filter.pairs();
        let is_only = |keys: &[&str]| pairs.iter().all(|(key, _)| keys.contains(key));
        let is_bad = match filter.outcome {
            None => false,
            Some(Wanted::Bad) => true,
            Some(_) => return None,
        };
        let days = format!(
            "bucket >= {} AND e.bucket < {}",
            span.days.start, span.days.end
        );
        let weight = if is_bad { "failed" } else { "weight" };
        if is_only(&["domain", "since", "until"]) && filter.domain.is_some() {
            return Some(format!(
                "SELECT total(e.weight), CAST(total(e.calls) AS INTEGER)
                 FROM user u CROSS JOIN user_day e INDEXED BY user_day_user ON e.project = u.project AND e.user = u.id
                 WHERE u.project = {project} AND u.domain = ?1 AND e.{days}"
            ));
        }
        let is_of_intents = filter.has_intent || self.source == Source::Intent;
        let keys = [
            "cluster", "intent", "with", "outcome", "tool", "since", "until",
        ];
        (is_of_intents && is_only(&keys)).then(|| {
            format!(
                "SELECT total(e.{weight}), NULL FROM intent_day e
                 WHERE e.project = {project} AND e.{days}{}",
                self.of_intent()
            )
        })
    }

    /// The conditions that `intent_day` can be asked too.
    fn of_intent(&self) -> String {
        let conditions = self.conditions.iter();
        let known = conditions.filter(|condition| {
            condition.starts_with("e.intent") || condition.starts_with("e.tool")
        });
        known.map(|condition| format!(" AND {condition}")).collect()
    }

    /// Up to `most` rows after the key, and the key that older ones follow.
    fn rows(
        &self,
        db: &Connection,
        project: i64,
        filter: &Filter,
        after: Option<Key>,
        most: usize,
    ) -> rusqlite::Result<(Vec<Call>, Option<Key>)> {
        let mut rows: Vec<Call> = Vec::new();
        if self.is_nothing {
            return Ok((rows, None));
        }
        let until = after.map_or(self.until, |key| {
            self.until.min(key.time_ms.saturating_add(1))
        });
        let stretches = self.stretches(db, project, filter, until)?;
        let columns = "e.id, e.time_ms, e.kind, t.text, u.text, s.text, c.text, c.detail, r.text, e.outcome, x.text,
             e.duration_us, e.result_bytes, i.text, e.weight";
        let joins = "LEFT JOIN name t ON t.id = e.tool LEFT JOIN user u ON u.id = e.user
             LEFT JOIN session s ON s.id = e.session LEFT JOIN name c ON c.id = e.client
             LEFT JOIN name r ON r.id = e.release LEFT JOIN name x ON x.id = e.error
             LEFT JOIN intent i ON i.id = e.intent";
        let (from, until, time, id, limit) = (
            self.values.len() + 1,
            self.values.len() + 2,
            self.values.len() + 3,
            self.values.len() + 4,
            self.values.len() + 5,
        );
        let bounds = format!(
            "e.time_ms >= ?{from} AND e.time_ms < ?{until} AND (e.time_ms, e.id) < (?{time}, ?{id})"
        );
        let newest = self.newest(columns, joins, &bounds);
        let mut statement = db.prepare(&format!("{newest} LIMIT ?{limit}"))?;
        let after = after.unwrap_or(Key {
            time_ms: i64::MAX,
            id: i64::MAX,
        });
        let mut looked_at = stretches.iter().take(STRETCHES);
        for (from, until) in looked_at.by_ref() {
            let mut values = self.values.clone();
            let room = most + 1 - rows.len();
            values.extend(
                [
                    *from,
                    *until,
                    after.time_ms,
                    after.id,
                    i64::try_from(room).unwrap_or(i64::MAX),
                ]
                .map(Value::Integer),
            );
            let found = statement.query_map(params_from_iter(&values), call)?;
            for call in found {
                rows.push(call?);
            }
            if rows.len() > most {
                break;
            }
        }
        let key = |call: &Call| Key {
            time_ms: call.time_ms,
            id: call.id,
        };
        let older = if rows.len() > most {
            rows.truncate(most);
            rows.last().map(key)
        } else {
            // The next page begins where this one stopped looking.
            stretches.get(STRETCHES).map(|(_, until)| Key {
                time_ms: *until,
                id: 0,
            })
        };
        Ok((rows, older))
    }
}

/// Rows and their number.
pub fn calls(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
    after: Option<Key>,
) -> rusqlite::Result<Calls> {
    let asked = Asked::of(db, project, period, filter)?;
    let total = asked.total(db, project, filter)?;
    let (rows, older) = match total {
        // What nothing counts is not looked for.
        Some(Total { weight: 0.0, .. }) => (Vec::new(), None),
        _ => asked.rows(db, project, filter, after, PAGE)?,
    };
    Ok(Calls {
        rows,
        total,
        older,
        tools: tools(db, project)?,
    })
}

/// A part of the rows, for an export: as many as `most` after the key, and the key of the next part.
pub fn part(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
    after: Option<Key>,
    most: usize,
) -> rusqlite::Result<(Vec<Call>, Option<Key>)> {
    Asked::of(db, project, period, filter)?.rows(db, project, filter, after, most)
}

fn call(row: &rusqlite::Row<'_>) -> rusqlite::Result<Call> {
    let text = |at: usize| {
        row.get::<_, Option<String>>(at)
            .map(Option::unwrap_or_default)
    };
    Ok(Call {
        id: row.get(0)?,
        time_ms: row.get(1)?,
        kind: kind_of_number(row.get(2)?),
        tool: text(3)?,
        user: row.get(4)?,
        session: row.get(5)?,
        client: text(6)?,
        client_version: text(7)?,
        release: text(8)?,
        outcome: Outcome::of_number(row.get(9)?),
        error: text(10)?,
        duration_us: row.get(11)?,
        result_bytes: row.get(12)?,
        intent: row.get(13)?,
        weight: row.get(14)?,
    })
}

/// Names of tools that are listed, or were called while servers listed none.
fn tools(db: &Connection, project: i64) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare_cached(
        "SELECT text FROM name WHERE project = ?1 AND kind = 1 ORDER BY first_ms, id LIMIT 200",
    )?;
    let texts = statement.query_map([project], |row| row.get(0))?;
    let mut texts: Vec<String> = texts.collect::<rusqlite::Result<_>>()?;
    texts.sort();
    Ok(texts)
}

pub(super) fn ids(db: &Connection, find: &str, values: &[Value]) -> rusqlite::Result<Vec<i64>> {
    let mut statement = db.prepare_cached(find)?;
    let ids = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    ids.collect()
}

/// A text that is somewhere within another. One with a NUL, where a pattern would end, is in none.
pub(super) fn like(words: &str) -> String {
    let mut pattern = String::from("%");
    for char in words.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(if char == '\0' { '\u{10ffff}' } else { char });
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests;
