use super::*;
use crate::query::Range;
use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, event, failed, user, week};
use crate::record::{Class, Kind, Record};

const HOUR: i64 = 60 * MINUTE;

fn read_week(fixture: &Fixture) -> Overview {
    overview(&fixture.db, PROJECT, &week()).unwrap()
}

#[test]
fn key_numbers_count_people_and_sessions_once_and_events_by_their_weight() {
    let mut records = vec![
        call(MINUTE),
        failed(2 * MINUTE, "no item 12"),
        Record {
            user: user("tomas@example.com"),
            session: Some("s-2".to_owned()),
            ..call(DAY)
        },
        Record {
            weight: 10.0,
            ..call(2 * DAY)
        },
        // Left out.
        Record {
            class: Class::Crawler,
            session: Some("s-3".to_owned()),
            user: user("crawler"),
            ..call(MINUTE)
        },
        // Of the week before.
        call(7 * DAY + HOUR),
    ];
    records.push(Record {
        user: None,
        session: None,
        ..call(3 * MINUTE)
    });
    let fixture = Fixture::with(records);
    let data = read_week(&fixture);
    assert_eq!(data.now.calls, 14.0);
    assert_eq!(data.now.failed, 1.0);
    assert_eq!(data.now.people, 2);
    assert_eq!(data.now.sessions, 2);
    assert_eq!(data.before.calls, 1.0);
    assert_eq!(data.before.p95, None, "too few to say");
    let calls: Vec<f64> = data.buckets.iter().map(|bucket| bucket.calls).collect();
    assert_eq!(calls, [0.0, 0.0, 0.0, 0.0, 10.0, 1.0, 3.0]);
    let before: Vec<f64> = data
        .buckets_before
        .iter()
        .map(|bucket| bucket.calls)
        .collect();
    assert_eq!(before, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let people: Vec<i64> = data.buckets.iter().map(|bucket| bucket.people).collect();
    assert_eq!(people, [0, 0, 0, 0, 1, 1, 1]);
    // A bucket with a few calls has no rate.
    assert_eq!(data.buckets[6].success(), None);
    assert_eq!(data.buckets[4].success(), Some(1.0));
}

#[test]
fn a_day_is_held_against_the_same_hours_a_week_ago() {
    let fixture = Fixture::with([call(MINUTE), call(23 * HOUR), call(7 * DAY), call(3 * DAY)]);
    let data = overview(&fixture.db, PROJECT, &Range::Day.until(NOW)).unwrap();
    assert_eq!((data.now.calls, data.before.calls), (2.0, 1.0));
    assert_eq!((data.now.people, data.now.sessions), (1, 1));
    assert_eq!(data.buckets[23].calls, 1.0);
    assert_eq!(data.buckets_before[23].calls, 1.0);
}

#[test]
fn sessions_count_once_in_each_bucket_and_once_in_all_in_whatever_order_their_events_come() {
    let mut fixture = Fixture::new();
    // Seven sessions in hours that lie apart, in no order.
    let of = |n: i64| Record {
        session: Some(format!("s-{}", n % 7)),
        ..call((n * 7_919 % 400) * HOUR + MINUTE)
    };
    for batch in 0..10 {
        fixture.take((0..40).map(|n| of(batch * 40 + n)));
    }
    let check = |fixture: &Fixture| {
        for range in Range::ALL {
            let period = range.until(NOW);
            let data = overview(&fixture.db, PROJECT, &period).unwrap();
            let count = |from: i64, until: i64| -> i64 {
                let sql = "SELECT count(DISTINCT session) FROM event WHERE time_ms >= ?1 AND time_ms < ?2 AND session > 0";
                let count = fixture.db.query_row(sql, [from, until], |row| row.get(0));
                count.unwrap()
            };
            assert_eq!(
                data.now.sessions,
                count(period.from, period.until),
                "{range:?}"
            );
            let before = count(period.before_from, period.before_until);
            assert_eq!(data.before.sessions, before, "{range:?}");
            for (place, figures) in data.buckets.iter().enumerate() {
                let from = period.bucket_start(place);
                let until = from + period.bucket_ms;
                assert_eq!(figures.sessions, count(from, until), "{range:?} {place}");
            }
        }
    };
    check(&fixture);
    // Rows that go are counted no more.
    let removed = "DELETE FROM session_hour WHERE bucket IN
        (SELECT time_ms / 3600000 FROM event WHERE id % 3 = 0)";
    fixture.db.execute_batch(removed).unwrap();
    let emptied = "UPDATE event SET session = 0 WHERE NOT EXISTS
        (SELECT 1 FROM session_hour h WHERE h.session = event.session AND h.bucket = event.time_ms / 3600000)";
    fixture.db.execute_batch(emptied).unwrap();
    check(&fixture);
}

#[test]
fn of_a_project_without_an_event_there_is_nothing() {
    for range in Range::ALL {
        let data = overview(&Fixture::new().db, PROJECT, &range.until(NOW)).unwrap();
        assert_eq!(data.now, Figures::default());
        assert_eq!(data.changes, []);
        assert_eq!(data.tools, []);
        assert_eq!(data.people, People::default());
    }
}

/// Fifty calls of each of four tools in both weeks, a few of which failed.
fn quiet() -> Vec<Record> {
    let mut records = Vec::new();
    for (name, fails) in [("list", 1), ("get", 1), ("search", 2), ("export", 1)] {
        for number in 0..50 {
            for week in [0, 7 * DAY] {
                let ago = week + HOUR + number * 97 * MINUTE;
                let base = if number < fails {
                    failed(ago, "no")
                } else {
                    call(ago)
                };
                records.push(Record {
                    tool: Some(name.to_owned()),
                    ..base
                });
            }
        }
    }
    records
}

#[test]
fn what_stays_as_it_was_is_no_change() {
    assert_eq!(read_week(&Fixture::with(quiet())).changes, []);
}

#[test]
fn a_tool_that_fails_since_a_release_is_found_with_its_hour() {
    let mut records = quiet();
    for number in 0..20 {
        let ago = 10 * HOUR - number * MINUTE;
        records.push(Record {
            tool: Some("export".to_owned()),
            user: user(if number % 2 == 0 {
                "a@one.example"
            } else {
                "b@two.example"
            }),
            outcome: Outcome::Timeout,
            release: Some("1.1".to_owned()),
            ..call(ago)
        });
    }
    let data = read_week(&Fixture::with(records));
    let [
        Change::Fails {
            tool,
            calls,
            failed,
            outcome,
            is_all,
            began_ms,
            release,
            people,
            ..
        },
    ] = &data.changes[..]
    else {
        panic!("{:?}", data.changes);
    };
    assert_eq!(tool, "export");
    // One of them was there before, an hour ago, and is no timeout.
    assert_eq!(*failed, 21.0);
    // The calls since then, of which those of the old release that came later are one part.
    assert!((20.0..60.0).contains(calls), "{calls}");
    assert_eq!((*outcome, *is_all), (Outcome::Timeout, false));
    assert_eq!(release.as_deref(), Some("1.1"));
    assert_eq!(began_ms.unwrap(), (NOW - 10 * HOUR) / HOUR * HOUR);
    assert_eq!(*people, 3, "maya met the one failure that was there before");
    assert!(data.tools.iter().any(|tool| tool.name == "export"));
}

#[test]
fn refusals_of_one_version_of_a_client_are_found() {
    let refusal = |version: &str, ago| Record {
        client: Some("cursor".to_owned()),
        client_version: Some(version.to_owned()),
        error: Some("expired".to_owned()),
        ..event(Kind::Refused, ago)
    };
    let mut records = quiet();
    records.extend((0..12).map(|n| refusal("1.4.7", HOUR + n * MINUTE)));
    records.extend((0..3).map(|n| refusal("1.9", HOUR + n * MINUTE)));
    records.extend((0..3).map(|n| refusal("1.9", 8 * DAY + n * MINUTE)));
    let data = read_week(&Fixture::with(records));
    assert_eq!(
        data.changes,
        [Change::Refused {
            client: "cursor".to_owned(),
            version: "1.4.7".to_owned(),
            refused: 12,
            before: 0,
            reason: Some("expired".to_owned()),
            is_alone: true,
        }]
    );
}

#[test]
fn lost_events_and_what_nobody_could_do_are_found() {
    let mut records = quiet();
    records.extend((0..6).map(|n| Record {
        intent: Some("Change many items in one call".to_owned()),
        user: user(&format!("u{}@example.com", n % 3)),
        ..event(Kind::Missing, HOUR + n * MINUTE)
    }));
    let fixture = Fixture::with(records);
    fixture
        .db
        .execute_batch(
            "INSERT INTO instance VALUES (7, 1, 'web-2', 'mcp-usage 0.1', 0, 0, 0, 0, 0, 0, 0);
             INSERT INTO lost_day VALUES (1, 20784, 7, 'queue_full', 51);
             INSERT INTO lost_day VALUES (1, 20784, 7, 'sampled', 999);",
        )
        .unwrap();
    let data = read_week(&fixture);
    let Change::Lost {
        events, instance, ..
    } = &data.changes[0]
    else {
        panic!("{:?}", data.changes);
    };
    assert_eq!((*events, instance.as_str()), (51, "web-2"));
    let Change::Missing {
        asks,
        before,
        people,
        is_most,
        ..
    } = &data.changes[1]
    else {
        panic!("{:?}", data.changes);
    };
    assert_eq!((*asks, *before, *people, *is_most), (6, 0, 3, true));
}

#[test]
fn companies_clients_and_tools_that_come_or_go_are_found() {
    let mut records = quiet();
    for number in 0..60 {
        records.push(Record {
            user: user(&format!("p{}@new.example", number % 3)),
            client: Some("zed".to_owned()),
            client_version: Some("0.220".to_owned()),
            ..call(HOUR + number * MINUTE)
        });
    }
    for number in 0..12 {
        records.push(Record {
            user: user(&format!("p{}@old.example", number % 2)),
            tool: Some("merge".to_owned()),
            ..call(8 * DAY + number * MINUTE)
        });
    }
    let data = read_week(&Fixture::with(records));
    let found =
        |is: &dyn Fn(&Change) -> bool| assert!(data.changes.iter().any(is), "{:?}", data.changes);
    found(
        &|change| matches!(change, Change::NewPeople { domain, new: 3, people: 3 } if domain == "new.example"),
    );
    found(
        &|change| matches!(change, Change::Quiet { domain, people: 2 } if domain == "old.example"),
    );
    found(&|change| matches!(change, Change::NewClient { client, .. } if client == "zed"));
    found(&|change| matches!(change, Change::Uncalled { tool, .. } if tool == "merge"));
    let weights: Vec<Weight> = data.changes.iter().map(Change::weight).collect();
    assert!(weights.is_sorted(), "{weights:?}");
    assert_eq!(
        (data.people.new, data.people.returning, data.people.gone),
        (3, 1, 2)
    );
    assert_eq!(data.people.named.len(), 5);
}

#[test]
fn a_tool_that_takes_twice_as_long_is_found() {
    let slow = |ago, us| Record {
        tool: Some("export".to_owned()),
        duration_us: Some(us),
        ..call(ago)
    };
    let mut records = quiet();
    records.extend((0..30).map(|n| slow(HOUR + n * MINUTE, 9_000_000)));
    let data = read_week(&Fixture::with(records));
    assert!(
        matches!(&data.changes[..], [Change::Slower { tool, .. }] if tool == "export"),
        "{:?}",
        data.changes
    );
}

#[test]
fn the_newest_failed_asks_are_those_with_an_intent() {
    let ask = |ago, intent: Option<&str>| Record {
        intent: intent.map(str::to_owned),
        ..failed(ago, "no item 230")
    };
    let fixture =
        Fixture::with((0..20).map(|n| ask(n * MINUTE, (n % 2 == 1).then_some("Find it"))));
    let asks = read_week(&fixture).failed_asks;
    assert_eq!(asks.len(), 6);
    assert_eq!(asks[0].time_ms, NOW - MINUTE);
    assert_eq!(asks[0].error, "no item #");
}
