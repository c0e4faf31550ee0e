//! Who was there: new, returning, back and gone, what each uses, and from which companies.

use std::collections::{BTreeMap, HashMap};

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::calls::{ids, like};
use super::names;
use super::period::{Period, Range};
use super::rows::{RowMap, RowSet};
use super::search::Search;
use super::span::{self, Span};
use super::whom::Whom;
use crate::store::schema::{BAD, COUNTED};

/// Rows of the list, and of the matrix with its columns.
pub const PAGE: usize = 50;
pub const MATRIX_ROWS: usize = 22;
pub const MATRIX_COLUMNS: usize = 14;
const COMPANIES: usize = 12;
/// Up to so many people of a tool are in the order of their calls of it; more are in that of all their calls.
const NARROWED: usize = 500;
/// Fewer calls before do not make anybody's absence a change.
const ENOUGH_BEFORE: f64 = 5.0;
/// Failures that stand out: so many, and such a share.
const ENOUGH_FAILED: f64 = 3.0;
const FAILING_SHARE: f64 = 0.15;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub show: Show,
    /// Part of an id or an e-mail address; `@` and a domain.
    pub words: Option<String>,
    pub domain: Option<String>,
    pub tool: Option<String>,
    /// Those with a failure; of the tool, where one is asked for.
    pub failed: bool,
    pub client: Option<String>,
    pub version: Option<String>,
    /// `intent_cluster.id`.
    pub cluster: Option<i64>,
    pub sort: Sort,
    /// The first row of the list, and of the matrix with its first column.
    pub from: usize,
    pub row: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// With a call in the period.
    #[default]
    Active,
    /// First seen in the period.
    New,
    /// There before and now.
    Returning,
    /// Seen long before, not in the time before, and now.
    Back,
    /// Returning or back: whoever is not new.
    Known,
    /// Five calls or more in the time before and none now.
    Gone,
}

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Calls,
    FewestCalls,
    Failed,
    FewestFailed,
    Newest,
    Oldest,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct People {
    /// How many of each there are, of whom the rest of the filter lets through.
    pub active: usize,
    pub new: usize,
    pub returning: usize,
    pub back: usize,
    pub gone: usize,
    /// How many the filter finds.
    pub total: usize,
    pub list: Vec<Person>,
    pub matrix: Matrix,
    pub companies: Vec<Company>,
    /// The share of calls of all that failed: what a person's is held against.
    pub calls: f64,
    pub failed: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: String,
    pub show: Show,
    pub calls: f64,
    pub failed: f64,
    pub calls_before: f64,
    pub sessions: i64,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Calls by bucket of the period.
    pub trend: Vec<f64>,
    /// What they call most.
    pub tools: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    pub tools: Vec<String>,
    pub rows: Vec<MatrixRow>,
    pub tools_in_all: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MatrixRow {
    pub id: String,
    pub calls: f64,
    /// Calls and failures, in the order of the tools.
    pub cells: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    /// Empty for those without an address.
    pub domain: String,
    pub people: usize,
    pub calls: f64,
}

/// Whoever was there in the period or the time before.
#[derive(Debug, Clone)]
pub(super) struct Someone {
    pub(super) user: i64,
    pub(super) id: String,
    pub(super) domain: String,
    pub(super) show: Show,
    pub(super) calls: f64,
    pub(super) failed: f64,
    pub(super) calls_before: f64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl Someone {
    /// Whether failures are what stands out of what they did.
    pub(super) fn is_failing(&self) -> bool {
        self.failed >= ENOUGH_FAILED && self.failed / self.calls.max(1.0) >= FAILING_SHARE
    }
}

impl Show {
    pub const ALL: [Self; 6] = [
        Self::Active,
        Self::New,
        Self::Returning,
        Self::Back,
        Self::Known,
        Self::Gone,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::New => "new",
            Self::Returning => "returning",
            Self::Back => "back",
            Self::Known => "known",
            Self::Gone => "gone",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|show| show.word() == word)
    }
}

impl Sort {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "calls" => Self::Calls,
            "-calls" => Self::FewestCalls,
            "failed" => Self::Failed,
            "-failed" => Self::FewestFailed,
            "last" => Self::Newest,
            "-last" => Self::Oldest,
            _ => return None,
        })
    }
}

impl Filter {
    /// The filter of an address. What it does not know is left out, and so is what is empty.
    pub fn of_query(query: &HashMap<String, String>) -> Self {
        let text = |key: &str| query.get(key).filter(|text| !text.is_empty()).cloned();
        let place = |key: &str| {
            query
                .get(key)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default()
        };
        let search = Search::of_query(query);
        Self {
            show: text("show")
                .and_then(|word| Show::of_word(&word))
                .unwrap_or_default(),
            domain: search.domain,
            words: search.words,
            tool: text("tool"),
            failed: query
                .get("outcome")
                .is_some_and(|outcome| outcome == "failed"),
            client: text("client"),
            version: text("version"),
            cluster: query.get("cluster").and_then(|text| text.parse().ok()),
            sort: text("sort")
                .and_then(|word| Sort::of_word(&word))
                .unwrap_or_default(),
            from: place("from"),
            row: place("row"),
            column: place("column"),
        }
    }

    pub fn whom(&self) -> Whom {
        Whom {
            words: self.words.clone(),
            domain: self.domain.clone(),
            ..Whom::default()
        }
    }

    /// What an address says of whom to show, without order and place.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            (
                "show",
                (self.show != Show::Active).then(|| self.show.word().to_owned()),
            ),
            ("q", self.words.clone()),
            ("domain", self.domain.clone()),
            ("tool", self.tool.clone()),
            ("outcome", self.failed.then(|| "failed".to_owned())),
            ("client", self.client.clone()),
            ("version", self.version.clone()),
            ("cluster", self.cluster.map(|cluster| cluster.to_string())),
        ];
        let said = all
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        said.collect()
    }
}

pub fn people(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<People> {
    let mut everyone = everyone(db, project, period, filter)?;
    let count =
        |everyone: &[Someone], show| everyone.iter().filter(|someone| is(show, someone)).count();
    let mut people = People {
        active: count(&everyone, Show::Active),
        new: count(&everyone, Show::New),
        returning: count(&everyone, Show::Returning),
        back: count(&everyone, Show::Back),
        gone: count(&everyone, Show::Gone),
        calls: everyone.iter().map(|someone| someone.calls).sum(),
        failed: everyone.iter().map(|someone| someone.failed).sum(),
        ..People::default()
    };
    everyone.retain(|someone| is(filter.show, someone));
    people.total = everyone.len();
    people.companies = companies(&everyone);
    sort(&mut everyone, Sort::Calls);
    let tool = tool_of(db, project, filter)?;
    let of_matrix = everyone.iter().skip(filter.row).take(MATRIX_ROWS);
    let of_matrix = of_matrix.map(|someone| narrowed(db, project, period, someone, tool));
    let of_matrix = of_matrix.collect::<rusqlite::Result<Vec<_>>>()?;
    people.matrix = matrix(db, project, period, &of_matrix, filter)?;
    sort(&mut everyone, filter.sort);
    for someone in everyone.iter().skip(filter.from).take(PAGE) {
        let someone = narrowed(db, project, period, someone, tool)?;
        people.list.push(person(db, project, period, &someone)?);
    }
    Ok(people)
}

/// All whom a filter finds, in their order, for an export.
#[derive(Debug)]
pub struct Everyone(Vec<Someone>);

impl Everyone {
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Some of them, without their course and tools.
    pub fn part(
        &self,
        db: &Connection,
        project: i64,
        period: &Period,
        filter: &Filter,
        places: std::ops::Range<usize>,
    ) -> rusqlite::Result<Vec<Person>> {
        let tool = tool_of(db, project, filter)?;
        let some = self.0.iter().skip(places.start).take(places.len());
        let part = some.map(|someone| {
            let someone = narrowed(db, project, period, someone, tool)?;
            in_short(db, project, period, &someone)
        });
        part.collect()
    }
}

/// Finds all of them.
pub fn find(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<Everyone> {
    let mut everyone = everyone(db, project, period, filter)?;
    everyone.retain(|someone| is(filter.show, someone));
    sort(&mut everyone, filter.sort);
    Ok(Everyone(everyone))
}

/// Somebody with the figures of the tool that is asked for.
fn narrowed(
    db: &Connection,
    project: i64,
    period: &Period,
    someone: &Someone,
    tool: Option<i64>,
) -> rusqlite::Result<Someone> {
    let mut someone = someone.clone();
    if let Some(tool) = tool {
        (someone.calls, someone.failed) = of_tool(db, project, period, someone.user, tool)?;
    }
    Ok(someone)
}

fn is(show: Show, someone: &Someone) -> bool {
    match show {
        Show::Active => someone.show != Show::Gone,
        Show::Known => matches!(someone.show, Show::Returning | Show::Back),
        show => someone.show == show,
    }
}

fn sort(everyone: &mut [Someone], by: Sort) {
    let share = |someone: &Someone| someone.failed / someone.calls.max(1.0);
    everyone.sort_by(|a, b| {
        let order = match by {
            Sort::Calls => b
                .calls
                .total_cmp(&a.calls)
                .then(b.calls_before.total_cmp(&a.calls_before)),
            Sort::FewestCalls => a.calls.total_cmp(&b.calls),
            Sort::Failed => share(b).total_cmp(&share(a)),
            Sort::FewestFailed => share(a).total_cmp(&share(b)),
            Sort::Newest => b.last_ms.cmp(&a.last_ms),
            Sort::Oldest => a.last_ms.cmp(&b.last_ms),
        };
        order.then(a.user.cmp(&b.user))
    });
}

/// All whom the filter lets through but for `Filter::show`, in no order.
pub(super) fn everyone(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<Vec<Someone>> {
    let now = sums(db, project, &Span::of(period), |_, _| {})?;
    let before = sums(db, project, &Span::before(period), |_, _| {})?;
    everyone_of(db, project, period, filter, now, before)
}

/// The same, of what is summed already. Those who are gone have nothing of now; with a failure, a client or an intent only
/// now is asked about.
pub(super) fn everyone_of(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
    mut now: RowMap<Sum>,
    mut before: RowMap<Sum>,
) -> rusqlite::Result<Vec<Someone>> {
    if let Some(among) = among(db, project, period, filter)? {
        now.retain(|user, _| among.contains(user));
        before.retain(|user, _| among.contains(user));
    }
    let tool = tool_of(db, project, filter)?;
    if let Some(tool) = tool.filter(|_| now.len() <= NARROWED) {
        for (user, sum) in &mut now {
            (sum.calls, sum.failed) = of_tool(db, project, period, *user, tool)?;
        }
    } else if filter.failed && tool.is_none() {
        now.retain(|_, sum| sum.failed > 0.0);
    }
    let is_of_now = filter.failed
        || filter.tool.is_some()
        || filter.client.is_some()
        || filter.version.is_some()
        || filter.cluster.is_some();
    let mut users: RowSet = now.keys().copied().collect();
    if !is_of_now {
        let enough = before
            .iter()
            .filter(|(_, sum)| sum.calls >= ENOUGH_BEFORE)
            .map(|(user, _)| *user);
        users.extend(enough);
    }
    let mut everyone = Vec::with_capacity(users.len());
    each_user(db, project, users, |row| {
        let user = row.get(0)?;
        let domain = row.get(2)?;
        if filter.domain.as_ref().is_some_and(|of| *of != domain) {
            return Ok(());
        }
        let (sum, first_ms) = (now.get(&user).copied(), row.get(3)?);
        let calls_before = before.get(&user).map_or(0.0, |sum| sum.calls);
        let show = match sum {
            None => Show::Gone,
            Some(_) if first_ms >= period.from => Show::New,
            Some(_) if calls_before > 0.0 => Show::Returning,
            Some(_) => Show::Back,
        };
        let sum = sum.unwrap_or_default();
        everyone.push(Someone {
            user,
            id: row.get(1)?,
            domain,
            show,
            calls: sum.calls,
            failed: sum.failed,
            calls_before,
            first_ms,
            last_ms: row.get(4)?,
        });
        Ok(())
    })?;
    Ok(everyone)
}

/// Reads `id`, `text`, `domain`, `first_ms` and `last_ms` of users in the order of their numbers: at one go where most of
/// the numbers between are asked for, since a seek costs as much as a few rows in a row.
fn each_user(
    db: &Connection,
    project: i64,
    users: RowSet,
    mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    const ROWS_OF_A_SEEK: i64 = 4;
    let mut ids: Vec<i64> = users.iter().copied().collect();
    ids.sort_unstable();
    let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else {
        return Ok(());
    };
    let is_dense = last - first < ROWS_OF_A_SEEK * ids.len() as i64;
    let ranges = match is_dense {
        true => vec![(first, last)],
        false => ids.into_iter().map(|id| (id, id)).collect(),
    };
    let mut statement = db.prepare_cached(
        "SELECT id, text, domain, first_ms, last_ms FROM user NOT INDEXED
         WHERE id BETWEEN ?1 AND ?2 AND project = ?3 ORDER BY id",
    )?;
    for (first, last) in ranges {
        let mut rows = statement.query((first, last, project))?;
        while let Some(row) = rows.next()? {
            if !is_dense || users.contains(&row.get(0)?) {
                each(row)?;
            }
        }
    }
    Ok(())
}

/// The tool that is asked for, if the project has it.
fn tool_of(db: &Connection, project: i64, filter: &Filter) -> rusqlite::Result<Option<i64>> {
    match &filter.tool {
        Some(tool) => names::id(db, project, 1, tool),
        None => Ok(None),
    }
}

/// Calls and failures of a user with one tool.
fn of_tool(
    db: &Connection,
    project: i64,
    period: &Period,
    user: i64,
    tool: i64,
) -> rusqlite::Result<(f64, f64)> {
    let tools = tools_of(db, project, period, user)?;
    Ok(tools.get(&tool).copied().unwrap_or_default())
}

/// What somebody called in a time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    /// By weight, and those that failed.
    pub(super) calls: f64,
    pub(super) failed: f64,
    /// The bucket of a page that counted them last.
    pub(super) counted_in: Option<usize>,
}

/// What each user with a call called: one pass over the rollup, since a user is a row of each day. `counted` gets each of
/// these rows before it is added, in the order of time, with the time at which its bucket begins.
pub(super) fn sums(
    db: &Connection,
    project: i64,
    span: &Span,
    mut counted: impl FnMut(&mut Sum, i64),
) -> rusqlite::Result<RowMap<Sum>> {
    let mut sums: RowMap<Sum> = RowMap::default();
    let mut statement = db.prepare_cached(&span::users("user, weight, failed"))?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    while let Some(row) = rows.next()? {
        let sum = sums.entry(row.get(1)?).or_default();
        counted(sum, row.get(0)?);
        sum.calls += row.get::<_, f64>(2)?;
        sum.failed += row.get::<_, f64>(3)?;
    }
    Ok(sums)
}

/// Whom words, a tool, a client or an intent leave; `None` for everybody.
fn among(
    db: &Connection,
    project: i64,
    period: &Period,
    filter: &Filter,
) -> rusqlite::Result<Option<RowSet>> {
    let mut among: Option<RowSet> = None;
    let mut and = |found: Vec<i64>| {
        let found: RowSet = found.into_iter().collect();
        among = Some(match among.take() {
            Some(before) => before.intersection(&found).copied().collect(),
            None => found,
        });
    };
    if let Some(words) = &filter.words {
        let find = "SELECT id FROM user WHERE project = ?1 AND (text LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\')";
        and(ids(
            db,
            find,
            &[Value::Integer(project), Value::Text(like(words))],
        )?);
    }
    if let Some(tool) = &filter.tool {
        let time = if filter.failed {
            "last_failed_ms"
        } else {
            "last_ms"
        };
        let find =
            format!("SELECT user FROM tool_user WHERE project = ?1 AND tool = ?2 AND {time} >= ?3");
        and(match names::id(db, project, 1, tool)? {
            Some(tool) => ids(db, &find, &[project, tool, period.from].map(Value::Integer))?,
            None => Vec::new(),
        });
    }
    if filter.client.is_some() || filter.version.is_some() {
        and(of_client(db, project, &Span::of(period), filter)?);
    }
    if let Some(cluster) = filter.cluster {
        let find = format!(
            "SELECT DISTINCT e.user FROM event e INDEXED BY event_intent
             WHERE e.intent IN (SELECT id FROM intent WHERE cluster = ?1) AND e.intent > 0 AND e.project = ?2
                 AND e.time_ms >= ?3 AND e.time_ms < ?4 AND e.class IN {COUNTED} AND e.user <> 0"
        );
        let values = [cluster, project, period.from, period.until].map(Value::Integer);
        and(ids(db, &find, &values)?);
    }
    Ok(among)
}

fn of_client(
    db: &Connection,
    project: i64,
    span: &Span,
    filter: &Filter,
) -> rusqlite::Result<Vec<i64>> {
    let source = span::days_and_events(
        "client_user_day",
        "client, user",
        "client, user",
        &format!("kind = 1 AND class IN {COUNTED}"),
    );
    let clients = ids(
        db,
        "SELECT id FROM name WHERE project = ?1 AND kind = 2
             AND (?2 IS NULL OR text = ?2) AND (?3 IS NULL OR detail = ?3)",
        &[
            Value::Integer(project),
            filter.client.clone().map_or(Value::Null, Value::Text),
            filter.version.clone().map_or(Value::Null, Value::Text),
        ],
    )?;
    let clients: RowSet = clients.into_iter().collect();
    let mut statement = db.prepare_cached(&source)?;
    let mut rows = statement.query(span.params(project).as_slice())?;
    let mut users = Vec::new();
    while let Some(row) = rows.next()? {
        let user = row.get(1)?;
        if user != 0 && clients.contains(&row.get(0)?) {
            users.push(user);
        }
    }
    Ok(users)
}

fn companies(everyone: &[Someone]) -> Vec<Company> {
    let mut by_domain: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for someone in everyone {
        let (people, calls) = by_domain.entry(&someone.domain).or_default();
        *people += 1;
        *calls += someone.calls;
    }
    let mut companies: Vec<_> = by_domain
        .into_iter()
        .map(|(domain, (people, calls))| Company {
            domain: domain.to_owned(),
            people,
            calls,
        })
        .collect();
    companies.sort_by(|a, b| b.calls.total_cmp(&a.calls));
    companies.truncate(COMPANIES);
    companies
}

fn person(
    db: &Connection,
    project: i64,
    period: &Period,
    someone: &Someone,
) -> rusqlite::Result<Person> {
    let mut trend = vec![0.0; period.buckets()];
    for (time_ms, calls) in course(db, project, period, someone.user)? {
        if let Some(bucket) = trend.get_mut(period.bucket_of(time_ms)) {
            *bucket += calls;
        }
    }
    let mut tools: Vec<_> = tools_of(db, project, period, someone.user)?
        .into_iter()
        .collect();
    tools.sort_by(|(a, (x, _)), (b, (y, _))| y.total_cmp(x).then(a.cmp(b)));
    let tools = tools.iter().take(2).map(|(tool, _)| names::text(db, *tool));
    Ok(Person {
        trend,
        tools: tools.collect::<rusqlite::Result<_>>()?,
        ..in_short(db, project, period, someone)?
    })
}

/// Without what is read day by day.
fn in_short(
    db: &Connection,
    project: i64,
    period: &Period,
    someone: &Someone,
) -> rusqlite::Result<Person> {
    let mut sessions = db.prepare_cached(&format!(
        "SELECT count(*) FROM session INDEXED BY session_user
         WHERE project = ?1 AND user = ?2 AND last_ms >= ?3 AND class IN {COUNTED}"
    ))?;
    Ok(Person {
        id: someone.id.clone(),
        show: someone.show,
        calls: someone.calls,
        failed: someone.failed,
        calls_before: someone.calls_before,
        sessions: sessions.query_row((project, someone.user, period.from), |row| row.get(0))?,
        first_ms: someone.first_ms,
        last_ms: someone.last_ms,
        trend: Vec::new(),
        tools: Vec::new(),
    })
}

/// Calls of a user over the period: the beginning of a bucket, and its weight.
fn course(
    db: &Connection,
    project: i64,
    period: &Period,
    user: i64,
) -> rusqlite::Result<Vec<(i64, f64)>> {
    let find = match period.range {
        // Hours of one user are read from their events: the rollup lies in the order of hours.
        Range::Day => format!(
            "SELECT time_ms, weight FROM event INDEXED BY event_user WHERE project = ?1 AND user = ?2
                 AND time_ms >= ?3 AND time_ms < ?4 AND kind = 1 AND class IN {COUNTED}"
        ),
        _ => "SELECT bucket * 86400000, weight FROM user_day INDEXED BY user_day_user
             WHERE project = ?1 AND user = ?2 AND bucket >= ?3 / 86400000 AND bucket * 86400000 < ?4"
            .to_owned(),
    };
    let mut statement = db.prepare_cached(&find)?;
    let rows = statement.query_map(params![project, user, period.from, period.until], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

/// The days of the user first: the rollup of tools lies in the order of days, and is sought in for each of them.
const TOOLS_OF_DAYS: &str = "SELECT t.tool, t.weight, t.failed
     FROM user_day d INDEXED BY user_day_user CROSS JOIN user_tool_day t
         ON t.project = d.project AND t.bucket = d.bucket AND t.user = d.user
     WHERE d.project = ?1 AND d.user = ?2 AND d.bucket >= ?3 / 86400000 AND d.bucket * 86400000 < ?4";

/// Calls and failures of a user by tool.
pub(super) fn tools_of(
    db: &Connection,
    project: i64,
    period: &Period,
    user: i64,
) -> rusqlite::Result<HashMap<i64, (f64, f64)>> {
    let find = match period.range {
        Range::Day => format!(
            "SELECT tool, weight, CASE WHEN outcome IN {BAD} THEN weight ELSE 0.0 END FROM event INDEXED BY event_user WHERE project = ?1 AND user = ?2
                 AND time_ms >= ?3 AND time_ms < ?4 AND kind = 1 AND class IN {COUNTED}"
        ),
        _ => TOOLS_OF_DAYS.to_owned(),
    };
    let mut statement = db.prepare_cached(&find)?;
    let mut rows = statement.query(params![project, user, period.from, period.until])?;
    let mut tools: HashMap<i64, (f64, f64)> = HashMap::new();
    while let Some(row) = rows.next()? {
        let sum = tools.entry(row.get(0)?).or_default();
        sum.0 += row.get::<_, f64>(1)?;
        sum.1 += row.get::<_, f64>(2)?;
    }
    Ok(tools)
}

fn matrix(
    db: &Connection,
    project: i64,
    period: &Period,
    people: &[Someone],
    filter: &Filter,
) -> rusqlite::Result<Matrix> {
    let source = span::calls("tool, class, weight");
    let mut statement = db.prepare_cached(&format!(
        "SELECT tool FROM ({source}) WHERE class IN {COUNTED} AND tool <> 0
         GROUP BY tool ORDER BY total(weight) DESC, tool"
    ))?;
    let tools = statement.query_map(Span::of(period).params(project).as_slice(), |row| {
        row.get(0)
    })?;
    let tools: Vec<i64> = tools.collect::<rusqlite::Result<_>>()?;
    let shown: Vec<i64> = tools
        .iter()
        .copied()
        .skip(filter.column)
        .take(MATRIX_COLUMNS)
        .collect();
    let mut rows = Vec::new();
    for someone in people.iter().filter(|someone| someone.calls > 0.0) {
        let used = tools_of(db, project, period, someone.user)?;
        rows.push(MatrixRow {
            id: someone.id.clone(),
            calls: someone.calls,
            cells: shown
                .iter()
                .map(|tool| used.get(tool).copied().unwrap_or_default())
                .collect(),
        });
    }
    let names = shown.iter().map(|tool| names::text(db, *tool));
    Ok(Matrix {
        tools: names.collect::<rusqlite::Result<_>>()?,
        rows,
        tools_in_all: tools.len(),
    })
}

#[cfg(test)]
mod tests;
