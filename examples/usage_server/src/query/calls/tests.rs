use super::*;
use crate::query::Range;
use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, event, failed, user, week};
use crate::record::{Class, Record};

fn filter(query: &[(&str, &str)]) -> Filter {
    let query = query
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Filter::of_query(&query.collect())
}

/// A few of everything over three weeks.
fn mixed() -> Fixture {
    let mut records = Vec::new();
    for number in 0_i64..600 {
        let ago = MINUTE + number * 50 * MINUTE;
        let text = |texts: &[&str]| {
            texts
                .get(number as usize % texts.len())
                .map(|text| (*text).to_owned())
        };
        let base = match number % 11 {
            0 => failed(ago, &format!("no item {number}")),
            5 => Record {
                outcome: Outcome::InputRequired,
                ..call(ago)
            },
            _ => call(ago),
        };
        records.push(Record {
            tool: text(&["search", "get", "export"]),
            user: user(&format!(
                "p{}@{}.example",
                number % 7,
                ["quartz", "oak"][number as usize % 2]
            )),
            session: Some(format!("s-{}", number / 10)),
            client: text(&["cursor", "zed"]),
            client_version: text(&["1.4", "1.9", "2.0", "2.1"]),
            release: text(&["1.0", "1.1", "1.0", "1.0", "1.2"]),
            class: if number % 13 == 0 {
                Class::Crawler
            } else {
                Class::Agent
            },
            intent: (number % 3 == 0).then(|| format!("Find {}", number % 5)),
            duration_us: Some(1_000 * number as u64),
            weight: if number % 17 == 0 { 4.0 } else { 1.0 },
            ..base
        });
        if number % 20 == 0 {
            records.push(Record {
                error: Some("expired".to_owned()),
                client: Some("cursor".to_owned()),
                ..event(Kind::Refused, ago)
            });
        }
    }
    let fixture = Fixture::with(records);
    fixture
        .db
        .execute_batch(
            "INSERT INTO intent_cluster VALUES (3, 1, 0, 'Find 1', 0);
             UPDATE intent SET cluster = 3 WHERE text IN ('Find 1', 'Find 2')",
        )
        .unwrap();
    fixture
}

const FILTERS: [&[(&str, &str)]; 30] = [
    &[],
    &[("include", "all")],
    &[("tool", "get")],
    &[("tool", "no such tool")],
    &[("outcome", "failed")],
    &[("outcome", "failed"), ("tool", "export")],
    &[("outcome", "waiting")],
    &[("outcome", "tool_error")],
    &[("client", "zed")],
    &[("client", "zed"), ("version", "1.9")],
    &[("release", "1.2")],
    &[("protocol", "2025-11-25"), ("release", "1.1")],
    &[("user", "p3@oak.example")],
    &[("user", "p3@oak.example"), ("outcome", "failed")],
    &[("domain", "OAK.example")],
    &[("q", "@oak.example"), ("outcome", "failed")],
    &[("session", "s-4")],
    &[("cluster", "3")],
    &[("intent", "Find 4"), ("outcome", "failed")],
    &[("intent", "Find 4"), ("tool", "get")],
    &[("intent", "Find 4"), ("client", "zed")],
    &[("cluster", "3"), ("outcome", "failed")],
    &[("cluster", "3"), ("domain", "oak.example")],
    &[("with", "intent")],
    &[("with", "intent"), ("outcome", "failed"), ("tool", "get")],
    &[("domain", "oak.example"), ("tool", "get")],
    &[("min", "10000"), ("max", "90000")],
    &[("error", "no item #"), ("tool", "search")],
    &[("kind", "refused"), ("reason", "expired")],
    &[("since", "1795700000"), ("until", "1795790123")],
];

/// All rows, page by page.
fn all(fixture: &Fixture, period: &Period, filter: &Filter, most: usize) -> Vec<Call> {
    let (mut rows, mut after) = (Vec::new(), None);
    for _ in 0..1_000 {
        let (page, older) = part(&fixture.db, PROJECT, period, filter, after, most).unwrap();
        rows.extend(page);
        match older {
            Some(_) => after = older,
            None => return rows,
        }
    }
    panic!("there is no last page");
}

#[test]
fn what_is_counted_is_what_the_pages_show() {
    let fixture = mixed();
    for range in Range::ALL {
        let period = range.until(NOW);
        for query in FILTERS {
            let filter = filter(query);
            let total = calls(&fixture.db, PROJECT, &period, &filter, None)
                .unwrap()
                .total
                .unwrap();
            for most in [7, 100] {
                let rows = all(&fixture, &period, &filter, most);
                let recorded = total.rows.unwrap_or(rows.len() as i64);
                assert_eq!(rows.len() as i64, recorded, "{range:?} {query:?}");
                let weight: f64 = rows.iter().map(|call| call.weight).sum();
                assert_eq!(weight, total.weight, "{range:?} {query:?}");
                assert!(
                    rows.is_sorted_by_key(|call| std::cmp::Reverse((call.time_ms, call.id))),
                    "{query:?}"
                );
                let ids: std::collections::HashSet<i64> = rows.iter().map(|call| call.id).collect();
                assert_eq!(ids.len(), rows.len(), "{query:?}");
            }
        }
    }
}

#[test]
fn a_filter_finds_the_rows_that_a_look_at_each_finds() {
    let fixture = mixed();
    let period = Range::FourWeeks.until(NOW);
    let rows = all(&fixture, &period, &Filter::default(), 1_000);
    assert!(rows.len() > 500);
    type Is = fn(&Call) -> bool;
    let checks: [(&[(&str, &str)], Is); 7] = [
        (&[("tool", "get")], |call| call.tool == "get"),
        (&[("outcome", "failed")], |call| call.outcome.is_bad()),
        (&[("client", "zed"), ("version", "1.9")], |call| {
            call.client == "zed" && call.client_version == "1.9"
        }),
        (&[("domain", "oak.example")], |call| {
            call.user
                .as_deref()
                .is_some_and(|id| id.ends_with("@oak.example"))
        }),
        (&[("cluster", "3")], |call| {
            matches!(call.intent.as_deref(), Some("Find 1" | "Find 2"))
        }),
        (&[("min", "10000"), ("max", "90000")], |call| {
            call.duration_us
                .is_some_and(|us| (10_000..90_000).contains(&us))
        }),
        (&[("q", "zed")], |call| call.client == "zed"),
    ];
    for (query, is) in checks {
        let found: Vec<i64> = all(&fixture, &period, &filter(query), 50)
            .iter()
            .map(|call| call.id)
            .collect();
        let wanted: Vec<i64> = rows
            .iter()
            .filter(|call| is(call))
            .map(|call| call.id)
            .collect();
        assert_eq!(found, wanted, "{query:?}");
        assert!(!found.is_empty());
    }
}

#[test]
fn a_filter_is_in_the_address_as_it_came() {
    for query in FILTERS {
        let filter = filter(query);
        let pairs = filter.pairs();
        let again: HashMap<String, String> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        assert_eq!(Filter::of_query(&again), filter, "{query:?}");
    }
    assert_eq!(
        filter(&[("outcome", "x"), ("kind", "y"), ("min", "z"), ("tool", "")]),
        Filter::default()
    );
    assert_eq!(
        Key::of_text(&Key { time_ms: -5, id: 7 }.to_string()),
        Some(Key { time_ms: -5, id: 7 })
    );
    assert_eq!(Key::of_text("5"), None);
}

#[test]
fn a_hostile_filter_finds_nothing_and_breaks_nothing() {
    let fixture = mixed();
    for text in [
        "'",
        "\" OR 1=1 --",
        "%",
        "\\",
        "\0",
        "); DROP TABLE event; --",
    ] {
        for key in [
            "tool", "user", "domain", "session", "client", "version", "release", "protocol",
            "error", "intent", "q", "reason",
        ] {
            let found =
                calls(&fixture.db, PROJECT, &week(), &filter(&[(key, text)]), None).unwrap();
            assert_eq!(found.rows, [], "{key} {text}");
        }
    }
}

/// The two are read as two stretches of an index.
#[test]
fn logins_of_both_kinds_are_one_list_over_its_pages() {
    let kinds = [Kind::Login, Kind::Identity, Kind::Identity, Kind::Refused];
    let fixture = Fixture::with((0..40).map(|n: i64| Record {
        user: user(["maya@example.com", "noor@example.com"][n as usize % 2]),
        class: Class::Crawler,
        // Several at one time.
        ..event(kinds[n as usize % kinds.len()], n / 7 * MINUTE)
    }));
    for (query, logins) in [
        (&[("kind", "login")][..], 30),
        (&[("kind", "identity")][..], 20),
        (&[("kind", "login"), ("user", "maya@example.com")][..], 20),
    ] {
        let filter = filter(query);
        for most in [1, 4, 100] {
            let rows = all(&fixture, &week(), &filter, most);
            assert_eq!(rows.len(), logins, "{query:?}");
            let places: Vec<_> = rows.iter().map(|row| (row.time_ms, row.id)).collect();
            assert!(places.is_sorted_by(|a, b| a > b), "{query:?}: {places:?}");
        }
        let total = calls(&fixture.db, PROJECT, &week(), &filter, None)
            .unwrap()
            .total;
        assert_eq!(total.unwrap().rows, Some(logins as i64), "{query:?}");
    }
}

/// No step of a plan goes through a whole table, and nothing is sorted that an index has in order.
#[test]
fn rows_are_read_over_an_index_in_its_order() {
    let fixture = mixed();
    let period = week();
    for (query, index, is_sorted) in [
        (&[][..], "event_time", true),
        (&[("user", "p3@oak.example")][..], "event_user", true),
        (&[("session", "s-4")][..], "event_session", true),
        (&[("tool", "get")][..], "event_tool", true),
        (&[("outcome", "failed")][..], "event_bad", true),
        (
            &[("outcome", "failed"), ("tool", "get")][..],
            "event_bad",
            true,
        ),
        (&[("kind", "refused")][..], "event_other", true),
        (&[("kind", "login")][..], "event_other", true),
        (
            &[("kind", "login"), ("user", "p3@oak.example")][..],
            "event_user",
            true,
        ),
        // Several intents are several places of the index.
        (&[("cluster", "3")][..], "event_intent", false),
        (&[("domain", "oak.example")][..], "event_user", false),
    ] {
        let filter = filter(query);
        let asked = Asked::of(&fixture.db, PROJECT, &period, &filter).unwrap();
        let bounds = format!(
            "e.time_ms >= {} AND e.time_ms < {}",
            asked.from, asked.until
        );
        let newest = asked.newest("e.id, e.time_ms", "", &bounds);
        let plan = format!("EXPLAIN QUERY PLAN {newest} LIMIT 9");
        let mut statement = fixture.db.prepare(&plan).unwrap();
        let steps: Vec<String> = statement
            .query_map(params_from_iter(&asked.values), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let steps = steps.join("\n");
        assert!(
            steps.contains(&format!("SEARCH e USING INDEX {index} "))
                || steps.contains(&format!("INDEX {index} (")),
            "{query:?}: {steps}"
        );
        assert!(!steps.contains("SCAN e"), "{query:?}: {steps}");
        assert_eq!(
            !steps.contains("TEMP B-TREE"),
            is_sorted,
            "{query:?}: {steps}"
        );
    }
}

#[test]
fn rare_rows_are_found_without_reading_the_hours_between() {
    let mut records: Vec<Record> = (0..300).map(|n| call(n * 20 * MINUTE)).collect();
    records.push(Record {
        release: Some("rare".to_owned()),
        ..call(3 * DAY)
    });
    let fixture = Fixture::with(records);
    let filter = filter(&[("release", "rare")]);
    let asked = Asked::of(&fixture.db, PROJECT, &week(), &filter).unwrap();
    let stretches = asked
        .stretches(&fixture.db, PROJECT, &filter, asked.until)
        .unwrap();
    assert_eq!(stretches.len(), 1);
    assert_eq!(all(&fixture, &week(), &filter, 10).len(), 1);
}
