use rusqlite::Connection;

use super::*;
use crate::record::{Class, Listed, Outcome, SourceId, User};

/// 2026-11-27 15:00 UTC.
const T: i64 = 1_795_791_600_000;

struct Database(Connection);

impl Database {
    fn new() -> Self {
        let db = crate::store::schema::in_memory();
        Self(db)
    }

    fn insert(&mut self, records: &[Record]) -> Vec<Inserted> {
        let tx = self.0.transaction().unwrap();
        let inserted = insert(&tx, 1, T + 1_000, records).unwrap();
        tx.commit().unwrap();
        inserted
    }

    /// The first column of the first row.
    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Each row as text, its columns with a space between them.
    fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let texts = (0..columns).map(|n| match row.get_ref(n).unwrap() {
                rusqlite::types::ValueRef::Null => "-".to_owned(),
                rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                rusqlite::types::ValueRef::Real(n) => n.to_string(),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                rusqlite::types::ValueRef::Blob(bytes) => format!("{bytes:?}"),
            });
            Ok(texts.collect::<Vec<_>>().join(" "))
        };
        let rows = statement.query_map([], text).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn call(n: u8, at_ms: i64) -> Record {
    Record {
        tool: Some("search".to_owned()),
        user: Some(User {
            id: "rachel@example.com".to_owned(),
            kind: "EMAIL".to_owned(),
            email: Some("Rachel@Example.com".to_owned()),
        }),
        session: Some("s1".to_owned()),
        client: Some("claude-code".to_owned()),
        client_version: Some("2.1".to_owned()),
        class: Class::Agent,
        duration_us: Some(20_000),
        ..Record::new(SourceId([n; 16]), at_ms, Kind::Call)
    }
}

#[test]
fn an_event_counts_once_however_often_it_comes() {
    let mut db = Database::new();
    let first = db.insert(&[call(1, T), call(1, T), call(2, T)]);
    assert_eq!(
        first,
        [Inserted::New(1), Inserted::Repeated, Inserted::New(2)]
    );
    assert_eq!(db.insert(&[call(2, T)]), [Inserted::Repeated]);
    for sum in [
        "SELECT sum(calls) FROM roll_hour",
        "SELECT sum(calls) FROM roll_day",
        "SELECT sum(calls) FROM user_hour",
        "SELECT sum(calls) FROM user_day",
        "SELECT sum(calls) FROM user_tool_day",
        "SELECT sum(calls) FROM session",
        "SELECT CAST(sum(weight) AS INTEGER) FROM hist_day",
        "SELECT sum(received) FROM instance_day",
        "SELECT sum(repeated) FROM instance_day",
    ] {
        assert_eq!(db.one::<i64>(sum), 2, "{sum}");
    }
}

/// What calls out of order cost the writer does not grow with the events of others.
#[test]
fn calls_out_of_order_cost_what_their_session_has() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let steps = [50, 2_000].map(|others: u32| {
        let mut db = Database::new();
        let others = (0..others).map(|n| {
            let mut id = [200; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            Record {
                source_id: SourceId(id),
                session: Some(format!("of-{n}")),
                ..call(0, T - i64::from(n))
            }
        });
        db.insert(&others.collect::<Vec<_>>());
        STEPS.store(0, Ordering::Relaxed);
        let count = || STEPS.fetch_add(1, Ordering::Relaxed) > u64::MAX / 2;
        db.0.progress_handler(1, Some(count)).unwrap();
        let late = (1..9).map(|n| Record {
            intent: Some(format!("intent {n}")),
            ..call(n, T - i64::from(n / 2))
        });
        db.insert(&late.collect::<Vec<_>>());
        STEPS.load(Ordering::Relaxed)
    });
    assert!(steps[1] <= steps[0] + steps[0] / 2, "{steps:?}");
}

#[test]
fn one_source_id_in_two_projects_is_two_events() {
    let mut db = Database::new();
    db.insert(&[call(1, T)]);
    let tx = db.0.transaction().unwrap();
    let inserted = insert(&tx, 2, T, &[call(1, T)]).unwrap();
    assert_eq!(inserted, [Inserted::New(2)]);
}

#[test]
fn rollups_are_keyed_by_the_events_own_time() {
    let mut db = Database::new();
    db.insert(&[call(1, T - 50 * HOUR_MS), call(2, T)]);
    let hours = db.rows("SELECT bucket FROM roll_hour ORDER BY 1");
    let hour = T / HOUR_MS;
    assert_eq!(hours, [(hour - 50).to_string(), hour.to_string()]);
    let days = db.rows("SELECT bucket, calls FROM roll_day ORDER BY 1");
    let day = T / DAY_MS;
    assert_eq!(days, [format!("{} 1", day - 2), format!("{day} 1")]);
}

#[test]
fn sampled_calls_count_by_their_weight() {
    let mut db = Database::new();
    let sampled = Record {
        weight: 4.0,
        ..call(1, T)
    };
    db.insert(&[sampled, call(2, T)]);
    assert_eq!(
        db.rows("SELECT sum(calls), sum(weight) FROM roll_day"),
        ["2 5"]
    );
    assert_eq!(db.rows("SELECT calls, weight FROM user_day"), ["2 5"]);
    assert_eq!(db.rows("SELECT weight FROM hist_hour"), ["5"]);
}

#[test]
fn a_session_is_in_order_though_its_events_are_not() {
    let outcomes = [
        Outcome::Ok,
        Outcome::ToolError,
        Outcome::Timeout,
        Outcome::Ok,
        Outcome::Cancelled,
    ];
    let ask = |n: usize| Record {
        outcome: outcomes[n],
        intent: Some(format!("ask {n}")),
        // Two of each time, told apart by their sequence.
        sequence: Some(n as u64 + 1),
        ..call(n as u8, T + (n as i64 / 2) * 1_000)
    };
    let orders: [&[&[usize]]; 4] = [
        &[&[0, 1, 2, 3, 4]],
        &[&[4, 3, 2, 1, 0]],
        &[&[1], &[4], &[0], &[3], &[2]],
        &[&[3, 2], &[0, 4, 1]],
    ];
    for order in orders {
        let mut db = Database::new();
        for batch in order {
            let batch: Vec<_> = batch.iter().map(|n| ask(*n)).collect();
            db.insert(&batch);
        }
        let session = db.rows(
            "SELECT calls, failed, first_ms, last_ms, intent.text, last_outcome, outcomes
            FROM session JOIN intent ON intent.id = first_intent",
        );
        let expected = format!("5 3 {T} {} ask 0 5 [0, 1, 6, 0, 5]", T + 2_000);
        assert_eq!(session, [expected], "{order:?}");
    }
}

#[test]
fn the_first_forty_outcomes_of_a_session_are_kept() {
    let mut db = Database::new();
    for n in 0..60 {
        db.insert(&[call(n, T + i64::from(n))]);
    }
    let late = Record {
        outcome: Outcome::Panicked,
        ..call(99, T - 1)
    };
    db.insert(&[late]);
    let outcomes: Vec<u8> = db.one("SELECT outcomes FROM session");
    assert_eq!(outcomes.len(), 40);
    assert_eq!(outcomes[..3], [7, 0, 0]);
    assert_eq!(db.one::<i64>("SELECT last_outcome FROM session"), 0);
}

#[test]
fn who_logs_in_takes_the_place_of_the_anonymous_one() {
    let mut db = Database::new();
    let anonymous = Record {
        user: Some(User {
            id: "anonymous-1".to_owned(),
            kind: "ANONYMOUS".to_owned(),
            email: None,
        }),
        ..call(1, T)
    };
    db.insert(std::slice::from_ref(&anonymous));
    db.insert(&[call(2, T + 1)]);
    let later = Record {
        source_id: SourceId([3; 16]),
        time_ms: T + 2,
        ..anonymous
    };
    db.insert(&[later]);
    let user: String = db.one("SELECT user.text FROM session JOIN user ON user.id = session.user");
    assert_eq!(user, "rachel@example.com");
}

#[test]
fn a_user_has_an_address_in_lower_case_and_its_domain() {
    let mut db = Database::new();
    let opaque = User {
        id: "u1".to_owned(),
        kind: "INTERNAL".to_owned(),
        email: None,
    };
    let of = |n, user: &User| Record {
        user: Some(user.clone()),
        ..call(n, T + i64::from(n))
    };
    db.insert(&[of(1, &opaque)]);
    let with_email = User {
        email: Some("Sam@Example.org".to_owned()),
        ..opaque.clone()
    };
    db.insert(&[of(3, &with_email)]);
    db.insert(&[of(2, &opaque)]);
    assert_eq!(
        db.rows("SELECT text, email, domain, first_ms, last_ms FROM user"),
        [format!(
            "u1 sam@example.org example.org {} {}",
            T + 1,
            T + 3
        )]
    );
}

#[test]
fn one_id_of_two_kinds_is_two_people_and_an_address_is_one() {
    let mut db = Database::new();
    let of = |n: u8, id: &str, kind: &str| Record {
        user: Some(User {
            id: id.to_owned(),
            kind: kind.to_owned(),
            email: None,
        }),
        ..call(n, T)
    };
    db.insert(&[of(1, "42", "INTERNAL"), of(2, "42", "ANONYMOUS")]);
    // Some senders say no kind; then it is whoever is known, and a kind that is said later is theirs.
    db.insert(&[
        of(3, "42", ""),
        of(4, "7", "ID"),
        of(5, "7", "INTERNAL"),
        of(6, "7", "GITHUB"),
    ]);
    db.insert(&[of(7, "42 (ANONYMOUS)", "INTERNAL")]);
    db.insert(&[
        of(8, "u@example.com", "EMAIL"),
        of(9, "u@example.com", "INTERNAL"),
    ]);
    let people = db.rows(
        "SELECT text, said, kind, calls FROM user JOIN user_day ON user = user.id ORDER BY user.id",
    );
    assert_eq!(
        people,
        [
            "42 42 INTERNAL 2",
            "42 (ANONYMOUS) 42 ANONYMOUS 1",
            "7 7 INTERNAL 2",
            "7 (GITHUB) 7 GITHUB 1",
            "42 (ANONYMOUS) (INTERNAL) 42 (ANONYMOUS) INTERNAL 1",
            "u@example.com u@example.com INTERNAL 2",
        ]
    );
}

#[test]
fn a_sender_of_ever_new_instances_has_a_bound() {
    let mut db = Database::new();
    db.0.execute_batch(
        "WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n WHERE x < 100000)
        INSERT INTO instance SELECT x, 1, 'i' || x, '', 0, 0, 0, 0, 0, 0, 0 FROM n",
    )
    .unwrap();
    let of = |n: u8, instance: &str, sequence: u64| Record {
        instance: Some(instance.to_owned()),
        sequence: Some(sequence),
        ..call(n, T)
    };
    db.insert(&[
        of(1, "last", 5),
        of(2, "more", 900),
        of(3, "and more", 7),
        of(4, "i3", 2),
    ]);
    let rows =
        db.rows("SELECT text, received, max_sequence FROM instance WHERE received > 0 ORDER BY id");
    assert_eq!(rows, ["i3 1 2", "last 1 5", "(others) 2 0"]);
}

#[test]
fn nobody_and_crawlers_are_not_counted_as_people() {
    let mut db = Database::new();
    let nobody = Record {
        user: None,
        ..call(1, T)
    };
    let crawler = Record {
        class: Class::Crawler,
        ..call(2, T)
    };
    db.insert(&[nobody, crawler]);
    assert_eq!(db.one::<i64>("SELECT sum(calls) FROM roll_day"), 2);
    for sql in [
        "user_day",
        "user_hour",
        "user_tool_day",
        "tool_user",
        "client_user_day",
    ] {
        let sql = format!("SELECT count(*) FROM {sql}");
        assert_eq!(db.one::<i64>(&sql), 0, "{sql}");
    }
    assert_eq!(db.one::<i64>("SELECT count(*) FROM session_hour"), 1);
}

#[test]
fn failures_alike_are_one_error() {
    let mut db = Database::new();
    let failed = |n: u8| Record {
        outcome: Outcome::ToolError,
        error: Some(format!("order {n}7 not found")),
        ..call(n, T)
    };
    db.insert(&[failed(1), failed(2)]);
    db.insert(&[failed(3)]);
    let errors = db
        .rows("SELECT name.text, calls FROM error_day JOIN name ON name.id = error WHERE kind = 5");
    assert_eq!(errors, ["order # not found 3"]);
    let body: Vec<u8> = db.one("SELECT body FROM event_body ORDER BY id");
    assert_eq!(body, br#"{"error":"order 17 not found"}"#);
}

#[test]
fn logins_are_counted_by_kind_and_refusals_by_reason() {
    let mut db = Database::new();
    let of = |n: u8, kind, reason: Option<&str>| Record {
        error: reason.map(str::to_owned),
        tool: None,
        ..Record { kind, ..call(n, T) }
    };
    db.insert(&[
        of(1, Kind::Login, None),
        of(2, Kind::Identity, None),
        of(3, Kind::Refused, Some("expired")),
        of(4, Kind::Refused, Some("expired")),
        of(5, Kind::SessionStart, None),
    ]);
    let logins = db.rows(
        "SELECT login_day.kind, coalesce(text, ''), events
        FROM login_day LEFT JOIN name ON name.id = reason ORDER BY 1",
    );
    assert_eq!(logins, ["2  1", "3  1", "4 expired 2"]);
    let day = db.rows("SELECT calls, logins, refused, others FROM user_day");
    assert_eq!(day, ["0 2 2 1"]);
    assert_eq!(db.one::<i64>("SELECT count(*) FROM roll_day"), 0);
}

#[test]
fn listings_say_what_is_offered_and_how_it_is_defined() {
    let mut db = Database::new();
    let listing = |n: u8, hash: &str| Record {
        listed: vec![
            Listed {
                tool: "search".to_owned(),
                definition: Some((hash.to_owned(), 120)),
            },
            Listed {
                tool: "boom".to_owned(),
                definition: None,
            },
        ],
        ..Record::new(SourceId([n; 16]), T + i64::from(n), Kind::Listing)
    };
    db.insert(&[listing(2, "b"), listing(1, "a"), listing(3, "b")]);
    let defined = db.rows("SELECT hash, bytes, first_ms, last_ms FROM tool_def ORDER BY 1");
    assert_eq!(
        defined,
        [
            format!("a 120 {} {}", T + 1, T + 1),
            format!("b 120 {} {}", T + 2, T + 3)
        ]
    );
    let listed = db.rows(
        "SELECT text, tool_listed.first_ms, last_ms FROM tool_listed JOIN name ON id = tool ORDER BY 1",
    );
    assert_eq!(
        listed,
        [
            format!("boom {} {}", T + 1, T + 3),
            format!("search {} {}", T + 1, T + 3)
        ]
    );
}

#[test]
fn unknown_tools_and_marks_are_counted() {
    let mut db = Database::new();
    let record = Record {
        unknown_tool: true,
        outcome: Outcome::ProtocolError,
        redactions: vec![("email".to_owned(), 2)],
        redacted_here: vec![("key".to_owned(), 1)],
        ..call(1, T)
    };
    db.insert(&[record]);
    assert_eq!(db.one::<i64>("SELECT calls FROM unknown_tool_day"), 1);
    let marks = db.rows("SELECT class, here, marks FROM redaction_day ORDER BY 1");
    assert_eq!(marks, ["email 0 2", "key 1 1"]);
}

#[test]
fn an_instance_knows_its_gaps_its_lag_and_its_skew() {
    let mut db = Database::new();
    let of = |n: u8, sequence, at_ms| Record {
        instance: Some("a1".to_owned()),
        sequence: Some(sequence),
        ..call(n, at_ms)
    };
    db.insert(&[of(1, 1, T - 5_000), of(2, 4, T), of(1, 1, T - 5_000)]);
    assert_eq!(
        db.rows("SELECT received, max_sequence, repeated, skew_ms, lag_ms FROM instance"),
        ["2 4 1 1000 6000"]
    );
}

#[test]
fn losses_count_by_their_growth() {
    use crate::store::{Incoming, LossReport};

    let mut db = Database::new();
    let mut report = |totals: &[(&str, u64)], instance: &str| {
        let tx = db.0.transaction().unwrap();
        let mut caches = Caches::default();
        let mut inserter = Inserter::new(&tx, &mut caches);
        let dropped = totals.iter().map(|(why, n)| ((*why).to_owned(), *n));
        let batch = Incoming {
            project: 1,
            received_ms: T,
            losses: vec![LossReport {
                instance: instance.to_owned(),
                sdk: "mcp-usage 0.1.0".to_owned(),
                dropped: dropped.collect(),
            }],
            ..Incoming::default()
        };
        inserter.take(&batch).unwrap();
        inserter.finish().unwrap();
        tx.commit().unwrap();
    };
    report(&[("queue_full", 5)], "a");
    report(&[("queue_full", 9), ("too_large", 1)], "a");
    // One that was overtaken.
    report(&[("queue_full", 7)], "a");
    report(&[("queue_full", 2)], "b");
    let lost = db.rows("SELECT reason, sum(events) FROM lost_day GROUP BY 1 ORDER BY 1");
    assert_eq!(lost, ["queue_full 11", "too_large 1"]);
    assert_eq!(
        db.rows("SELECT text, sdk FROM instance ORDER BY 1"),
        ["a mcp-usage 0.1.0", "b mcp-usage 0.1.0"]
    );
}

#[test]
fn a_session_is_counted_from_its_first_counted_event_on() {
    let mut db = Database::new();
    let of = |n, session: &str, class| Record {
        session: Some(session.to_owned()),
        class,
        ..call(n, T + i64::from(n))
    };
    db.insert(&[
        of(1, "probed", Class::HealthProbe),
        of(2, "unknown", Class::Unknown),
        of(3, "probed", Class::Agent),
    ]);
    db.insert(&[
        of(4, "probed", Class::Crawler),
        of(5, "unknown", Class::Crawler),
        of(6, "crawled", Class::Crawler),
    ]);
    assert_eq!(
        db.rows("SELECT text, class FROM session ORDER BY 1"),
        ["crawled 2", "probed 1", "unknown 0"]
    );
}

#[test]
fn what_calls_were_for_is_counted_by_tool() {
    let mut db = Database::new();
    let for_boots = |n, outcome, kind| Record {
        intent: Some("find boots".to_owned()),
        outcome,
        weight: 2.0,
        kind,
        ..call(n, T)
    };
    db.insert(&[
        for_boots(1, Outcome::Ok, Kind::Call),
        for_boots(2, Outcome::Timeout, Kind::Call),
        for_boots(3, Outcome::Unknown, Kind::Call),
        for_boots(4, Outcome::Ok, Kind::Missing),
        Record {
            class: Class::Crawler,
            ..for_boots(5, Outcome::Ok, Kind::Call)
        },
        call(6, T),
    ]);
    db.insert(&[for_boots(7, Outcome::ToolError, Kind::Call)]);
    assert_eq!(
        db.rows("SELECT intent, weight, failed FROM intent_day"),
        ["1 8 4"]
    );
}
