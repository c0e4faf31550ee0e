use super::*;
use crate::query::fixture::{DAY, Fixture, MINUTE, NOW, PROJECT, call, failed, user, week};
use crate::record::{Class, Record};

fn of(id: &str, ago: i64) -> Record {
    Record {
        user: user(id),
        session: Some(format!("s-{id}")),
        ..call(ago)
    }
}

fn fixture() -> Fixture {
    let mut records = Vec::new();
    let mut add = |id: &str, calls: i64, ago: i64| {
        records.extend((0..calls).map(|n| of(id, ago + n * MINUTE)));
    };
    add("new@quartz.example", 4, MINUTE);
    add("both@quartz.example", 4, DAY);
    add("both@quartz.example", 6, 8 * DAY);
    add("back@oak.example", 2, 2 * DAY);
    add("back@oak.example", 2, 20 * DAY);
    add("gone@oak.example", 5, 9 * DAY);
    // Too few to miss.
    add("left@oak.example", 4, 9 * DAY);
    add("anonymous-7", 1, MINUTE);
    records.push(Record {
        user: user("new@quartz.example"),
        tool: Some("export".to_owned()),
        session: Some("s-other".to_owned()),
        ..failed(5 * MINUTE, "no")
    });
    records.push(Record {
        class: Class::HealthProbe,
        ..of("probe", MINUTE)
    });
    Fixture::with(records)
}

fn read(fixture: &Fixture, filter: &Filter) -> People {
    people(&fixture.db, PROJECT, &week(), filter).unwrap()
}

fn ids(people: &People) -> Vec<&str> {
    people
        .list
        .iter()
        .map(|person| person.id.as_str())
        .collect()
}

#[test]
fn everybody_is_new_returning_back_or_gone() {
    let fixture = fixture();
    let all = read(&fixture, &Filter::default());
    assert_eq!(
        (all.active, all.new, all.returning, all.back, all.gone),
        (4, 2, 1, 1, 1)
    );
    assert_eq!(
        ids(&all),
        [
            "new@quartz.example",
            "both@quartz.example",
            "back@oak.example",
            "anonymous-7"
        ]
    );
    for (show, wanted) in [
        (Show::New, vec!["new@quartz.example", "anonymous-7"]),
        (Show::Known, vec!["both@quartz.example", "back@oak.example"]),
        (Show::Back, vec!["back@oak.example"]),
        (Show::Gone, vec!["gone@oak.example"]),
    ] {
        let filter = Filter {
            show,
            ..Filter::default()
        };
        let found = read(&fixture, &filter);
        assert_eq!(ids(&found), wanted);
        assert_eq!(found.total, wanted.len());
    }
}

#[test]
fn an_export_has_everybody_in_the_order_of_the_page() {
    let fixture = fixture();
    let filter = Filter::default();
    let page = read(&fixture, &filter);
    let found = find(&fixture.db, PROJECT, &week(), &filter).unwrap();
    let part = |places| found.part(&fixture.db, PROJECT, &week(), &filter, places);
    let all: Vec<_> = [part(0..1), part(1..2), part(2..found.len() + 5)]
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    assert_eq!(all.len(), found.len());
    let named = |people: &[Person]| -> Vec<(String, f64, i64)> {
        let named = people
            .iter()
            .map(|person| (person.id.clone(), person.calls, person.sessions));
        named.collect()
    };
    assert_eq!(named(&all), named(&page.list));
}

#[test]
fn a_person_has_their_figures() {
    let fixture = fixture();
    let all = read(&fixture, &Filter::default());
    let person = &all.list[0];
    assert_eq!(
        (person.calls, person.failed, person.sessions),
        (5.0, 1.0, 2)
    );
    assert_eq!(person.tools, ["search", "export"]);
    assert_eq!(person.trend.iter().sum::<f64>(), 5.0);
    assert_eq!(person.last_ms, NOW - MINUTE);
    assert_eq!(all.matrix.tools, ["search", "export"]);
    assert_eq!(all.matrix.rows[0].cells, [(4.0, 0.0), (1.0, 1.0)]);
    assert_eq!(all.companies[0].domain, "quartz.example");
    assert_eq!((all.companies[0].people, all.companies[0].calls), (2, 9.0));
}

#[test]
fn people_are_found_by_id_address_company_tool_failure_and_client() {
    let fixture = fixture();
    let find = |filter: Filter| {
        read(&fixture, &filter)
            .list
            .into_iter()
            .map(|person| person.id)
            .collect::<Vec<_>>()
    };
    let asked = |query: &[(&str, &str)]| {
        let query = query
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        find(Filter::of_query(&query.collect()))
    };
    assert_eq!(
        asked(&[("q", "QUARTZ.ex")]),
        ["new@quartz.example", "both@quartz.example"]
    );
    assert_eq!(asked(&[("q", "@Oak.example")]), ["back@oak.example"]);
    assert_eq!(
        asked(&[("q", "@oak.example"), ("show", "gone")]),
        ["gone@oak.example"]
    );
    assert_eq!(asked(&[("tool", "export")]), ["new@quartz.example"]);
    assert_eq!(asked(&[("outcome", "failed")]), ["new@quartz.example"]);
    assert_eq!(
        asked(&[("tool", "search"), ("outcome", "failed")]),
        Vec::<String>::new()
    );
    assert_eq!(
        asked(&[("client", "claude-code"), ("version", "2.1")]).len(),
        4
    );
    assert_eq!(asked(&[("client", "zed")]), Vec::<String>::new());
    assert_eq!(asked(&[("q", "%")]), Vec::<String>::new());
    assert_eq!(asked(&[("q", "_")]), Vec::<String>::new());
    assert_eq!(asked(&[("sort", "-calls")])[0], "anonymous-7");
    assert_eq!(asked(&[("sort", "failed")])[0], "new@quartz.example");
}

#[test]
fn a_user_s_tools_are_sought_by_day_and_user() {
    let fixture = fixture();
    let mut statement = fixture
        .db
        .prepare(&format!("EXPLAIN QUERY PLAN {TOOLS_OF_DAYS}"))
        .unwrap();
    let steps = statement.query_map([1; 4], |row| row.get::<_, String>(3));
    let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(
        steps[0].contains("(project=? AND user=? AND bucket>?"),
        "{steps:?}"
    );
    assert!(
        steps[1].contains("(project=? AND bucket=? AND user=?)"),
        "{steps:?}"
    );
}

#[test]
fn a_person_of_the_list_costs_the_same_however_many_others_there_are() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let mut steps = Vec::new();
    for others in [20, 2_000] {
        let mut fixture = fixture();
        fixture.take((0..others).map(|n| Record {
            user: user(&format!("u{n}@ash.example")),
            session: Some(format!("of-{n}")),
            ..call(n * MINUTE)
        }));
        let someone = everyone(&fixture.db, PROJECT, &week(), &Filter::default()).unwrap();
        let someone = someone
            .iter()
            .find(|someone| someone.id == "both@quartz.example")
            .unwrap();
        STEPS.store(0, Ordering::Relaxed);
        let count = || STEPS.fetch_add(1, Ordering::Relaxed) > u64::MAX / 2;
        fixture.db.progress_handler(1, Some(count)).unwrap();
        person(&fixture.db, PROJECT, &week(), someone).unwrap();
        steps.push(STEPS.load(Ordering::Relaxed));
    }
    assert!(steps[1] <= steps[0] + steps[0] / 2, "{steps:?}");
}
