use super::*;
use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, event, failed, user, week};
use crate::query::sessions::{Filter, Show, sessions};
use crate::record::Record;

fn of(session: &str, record: Record) -> Record {
    Record {
        session: Some(session.to_owned()),
        ..record
    }
}

fn fixture() -> Fixture {
    Fixture::with([
        of("good", call(10 * MINUTE)),
        of("good", call(9 * MINUTE)),
        of("once", failed(3 * DAY, "no item 7")),
        of("once", call(3 * DAY - MINUTE)),
        of("ended", call(2 * DAY)),
        of(
            "ended",
            Record {
                intent: Some("Find it".to_owned()),
                ..failed(2 * DAY - MINUTE, "no item 7")
            },
        ),
        of(
            "idle",
            Record {
                user: user("maya@example.com"),
                ..event(Kind::Login, MINUTE)
            },
        ),
        of("old", failed(20 * DAY, "no")),
    ])
}

fn names(fixture: &Fixture, filter: &Filter) -> Vec<String> {
    let found = sessions(&fixture.db, PROJECT, &week(), filter).unwrap();
    assert_eq!(found.total(filter.show), found.list.len() as i64);
    found.list.into_iter().map(|session| session.id).collect()
}

#[test]
fn those_that_ended_on_a_failure_are_first() {
    let fixture = fixture();
    assert_eq!(
        names(&fixture, &Filter::default()),
        ["ended", "once", "idle", "good"]
    );
    for (show, wanted) in [
        (Show::Ended, vec!["ended"]),
        (Show::Failed, vec!["ended", "once"]),
        (Show::Answered, vec!["good"]),
        (Show::Idle, vec!["idle"]),
    ] {
        let filter = Filter {
            show,
            ..Filter::default()
        };
        assert_eq!(names(&fixture, &filter), wanted);
    }
}

#[test]
fn sessions_are_found_by_person_company_intent_client_and_id() {
    let fixture = fixture();
    let find = |query: &[(&str, &str)]| {
        let query = query
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        names(&fixture, &Filter::of_query(&query.collect()))
    };
    assert_eq!(find(&[("q", "maya@")]).len(), 4);
    assert_eq!(find(&[("q", "@example.com")]).len(), 4);
    assert_eq!(find(&[("user", "maya@example.com")]).len(), 4);
    assert_eq!(find(&[("q", "find")]), ["ended"]);
    assert_eq!(find(&[("q", "claude")]).len(), 3);
    assert_eq!(find(&[("q", "good")]), ["good"]);
    assert_eq!(find(&[("client", "zed")]), Vec::<String>::new());
    assert_eq!(find(&[("q", "'")]), Vec::<String>::new());
}

#[test]
fn a_list_of_sessions_is_read_out_of_its_index_alone() {
    let fixture = fixture();
    let find = "EXPLAIN QUERY PLAN SELECT s.id, s.last_ms, s.calls, s.failed, s.last_outcome
        FROM session s INDEXED BY session_time WHERE s.project = 1 AND s.last_ms >= 2 AND s.class IN (0, 1)";
    let step: String = fixture.db.query_row(find, [], |row| row.get(3)).unwrap();
    assert!(step.contains("COVERING INDEX session_time"), "{step}");
}

#[test]
fn a_session_opens_at_its_first_failure_or_where_the_address_says() {
    let fixture = fixture();
    let read = |id, at| session(&fixture.db, PROJECT, id, at).unwrap();
    let replay = read("ended", At::First).unwrap();
    assert_eq!(replay.steps.len(), 2);
    let detail = replay.detail.unwrap();
    assert_eq!(detail.number, 2);
    assert_eq!(detail.error.as_deref(), Some("no item 7"), "as it was");
    assert_eq!(detail.step.intent.as_deref(), Some("Find it"));
    assert_eq!(replay.earlier.as_deref(), Some("once"));
    assert_eq!(replay.later.as_deref(), Some("good"));
    let event = replay.steps[0].event;
    for (at, number) in [
        (At::Step(1), 1),
        (At::Step(99), 2),
        (At::Step(0), 2),
        (At::Event(event), 1),
        (At::Event(0), 2),
    ] {
        let replay = read("ended", at).unwrap();
        assert_eq!(replay.detail.unwrap().number, number, "{at:?}");
    }
    assert_eq!(read("good", At::First).unwrap().detail.unwrap().number, 1);
    let idle = read("idle", At::First).unwrap();
    assert_eq!((idle.steps.len(), idle.detail), (0, None));
    assert_eq!(read("no such", At::First), None);
}

#[test]
fn steps_are_in_the_order_in_which_the_sender_counted_them() {
    let at = |sequence, tool: &str| Record {
        sequence: Some(sequence),
        instance: Some("i".to_owned()),
        tool: Some(tool.to_owned()),
        ..call(MINUTE)
    };
    let fixture = Fixture::with([at(3, "c"), at(1, "a"), at(2, "b")]);
    let replay = session(&fixture.db, PROJECT, "s-1", At::First)
        .unwrap()
        .unwrap();
    let tools: Vec<&str> = replay.steps.iter().map(|step| step.tool.as_str()).collect();
    assert_eq!(tools, ["a", "b", "c"]);
    assert!(replay.steps.iter().all(|step| step.time_ms == NOW - MINUTE));
}

#[test]
fn a_long_session_has_pages_of_steps() {
    let fixture = Fixture::with((0..900).map(|n| call(n * 1000)));
    let replay = session(&fixture.db, PROJECT, "s-1", At::Step(850))
        .unwrap()
        .unwrap();
    assert_eq!(
        (replay.steps_in_all, replay.first, replay.steps.len()),
        (900, 801, 100)
    );
    assert_eq!(replay.detail.unwrap().number, 850);
}
