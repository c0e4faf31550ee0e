use super::*;
use crate::query::fixture::{DAY, Fixture, MINUTE, PROJECT, call, event, failed, user, week};
use crate::record::Record;

const MAYA: &str = "maya@example.com";

fn read(fixture: &Fixture) -> Person {
    person(&fixture.db, PROJECT, &week(), MAYA, None)
        .unwrap()
        .unwrap()
}

fn shape(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Session(session) => format!("session {} {}", session.id, session.calls),
            Entry::Event(event) => format!("{:?}", event.kind),
        })
        .collect()
}

#[test]
fn the_timeline_is_newest_first_though_events_come_late_and_out_of_order() {
    let of = |session: &str, ago| Record {
        session: Some(session.to_owned()),
        ..call(ago)
    };
    let login = |ago| Record {
        user: user(MAYA),
        ..event(Kind::Login, ago)
    };
    let mut fixture = Fixture::with([of("b", 5 * MINUTE), login(6 * MINUTE), of("a", 2 * DAY)]);
    fixture.take([
        of("b", 3 * MINUTE),
        of("a", 2 * DAY - MINUTE),
        login(2 * DAY + MINUTE),
        Record {
            user: user("tomas@example.com"),
            ..call(MINUTE)
        },
    ]);
    let maya = read(&fixture);
    assert_eq!(
        shape(&maya.timeline.entries),
        ["session b 2", "Login", "session a 2", "Login"]
    );
    assert_eq!(maya.kinds, [(Kind::Call, 4), (Kind::Login, 2)]);
    assert_eq!(
        (maya.figures.calls, maya.figures.sessions, maya.figures.days),
        (4.0, 2, 2)
    );
    assert_eq!(maya.figures.course.iter().sum::<f64>(), 4.0);
    assert_eq!(maya.figures.tools, [("search".to_owned(), 4.0)]);
    assert_eq!(maya.figures.clients, [("claude-code".to_owned(), 4.0)]);
    assert_eq!(maya.timeline.older, None);
}

#[test]
fn a_session_shows_its_first_calls_every_failure_and_its_last() {
    let fixture = Fixture::with((0..20).map(|n| {
        let ago = (20 - n) * MINUTE;
        if n == 10 {
            failed(ago, "no item 7")
        } else {
            call(ago)
        }
    }));
    let maya = read(&fixture);
    let [Entry::Session(session)] = &maya.timeline.entries[..] else {
        panic!("{:?}", maya.timeline);
    };
    let shown: Vec<String> = session
        .shown
        .iter()
        .map(|shown| match shown {
            Shown::Call(call) => call.error.clone().unwrap_or_else(|| "ok".to_owned()),
            Shown::More(many, _) => format!("{many} more"),
        })
        .collect();
    assert_eq!(
        shown,
        ["ok", "ok", "ok", "7 more", "no item 7", "8 more", "ok"]
    );
}

#[test]
fn a_long_timeline_has_pages_that_repeat_nothing() {
    let fixture = Fixture::with((0..450).map(|n| Record {
        user: user(MAYA),
        ..event(Kind::Login, n / 3 * MINUTE)
    }));
    let (mut before, mut seen) = (None, std::collections::HashSet::new());
    loop {
        let page = person(&fixture.db, PROJECT, &week(), MAYA, before)
            .unwrap()
            .unwrap();
        for entry in &page.timeline.entries {
            let Entry::Event(event) = entry else {
                panic!("no call was made")
            };
            assert!(seen.insert(event.id));
        }
        before = page.timeline.older;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 450);
}

#[test]
fn a_company_is_its_people_together() {
    let of = |id: &str, ago| Record {
        user: user(id),
        session: Some(format!("s-{id}")),
        ..call(ago)
    };
    let fixture = Fixture::with([
        of("a@oak.example", MINUTE),
        of("b@oak.example", 3 * MINUTE),
        of("b@oak.example", 2 * MINUTE),
        of("c@elm.example", MINUTE),
        of("d@oak.example", 30 * DAY),
    ]);
    let oak = company(&fixture.db, PROJECT, &week(), "OAK.example", None)
        .unwrap()
        .unwrap();
    assert_eq!(oak.people_in_all, 3);
    assert_eq!(
        oak.people,
        [
            ("b@oak.example".to_owned(), 2.0, 0.0),
            ("a@oak.example".to_owned(), 1.0, 0.0)
        ]
    );
    assert_eq!((oak.figures.calls, oak.figures.sessions), (3.0, 2));
    assert_eq!(
        shape(&oak.timeline.entries),
        [
            "session s-a@oak.example 1",
            "session s-b@oak.example 2",
            "session s-d@oak.example 1"
        ]
    );
    assert_eq!(
        company(&fixture.db, PROJECT, &week(), "", None).unwrap(),
        None
    );
    assert_eq!(
        company(&fixture.db, PROJECT, &week(), "ash.example", None).unwrap(),
        None
    );
    assert_eq!(
        person(&fixture.db, PROJECT, &week(), "nobody", None).unwrap(),
        None
    );
}

/// Over `event_user`, and in its order: nothing is sorted.
#[test]
fn a_timeline_is_read_over_its_index() {
    let fixture = Fixture::with([call(MINUTE)]);
    let find = "EXPLAIN QUERY PLAN SELECT e.id FROM event e INDEXED BY event_user
        WHERE e.project = 1 AND e.user = 1 AND e.time_ms <= 9 AND (e.time_ms, e.id) < (9, 9)
        ORDER BY e.time_ms DESC, e.id DESC LIMIT 9";
    let mut statement = fixture.db.prepare(find).unwrap();
    let steps: Vec<String> = statement
        .query_map([], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(
        steps[0].contains("event_user (project=? AND user=? AND time_ms<?)"),
        "{steps:?}"
    );
}
