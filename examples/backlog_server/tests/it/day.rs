//! A day of fifty users and ten thousand calls: every call is one event, with the right user, project
//! and outcome, and no secret is in any of them.

use std::collections::{BTreeMap, BTreeSet};

use backlog_server::access::quota::calls_per_day;
use backlog_server::scope::{self, Scope};
use backlog_server::store::users::Plan;
use backlog_server::usage;
use mcp_usage::testing::ReceivedEvent;
use serde_json::{Value, json};

use crate::agent::{Agent, Era, at_once};
use crate::support::{Connected, PASSWORD, Server};

const PROJECTS: usize = 10;
const USERS_EACH: usize = 5;
const CALLS_EACH: usize = 1_000;
/// The last of each team is removed then.
const REMOVED_AT: usize = 700;
/// A stranger without a token comes along this often.
const STRANGER_EVERY: usize = 100;

/// What was done, as the events should tell it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    user: String,
    project: String,
    tool: String,
    outcome: String,
    refused: Option<String>,
    intent: Option<String>,
}

/// Somebody with an agent, and what has to stay between the two of them.
struct User {
    email: String,
    may_write: bool,
    connected: Connected,
}

fn plan_of(project: usize) -> Plan {
    match project {
        0..6 => Plan::Business,
        6..8 => Plan::Pro,
        _ => Plan::Free,
    }
}

/// Makes ten teams of an owner, two members and two viewers.
async fn people(server: &Server) {
    let mut sql = String::new();
    for project in 0..PROJECTS {
        let plan = plan_of(project);
        for n in 0..USERS_EACH {
            let plan = if n == 0 { plan } else { Plan::Free };
            sql += &format!(
                "INSERT INTO users (id, email, name, password_hash, plan)
                 SELECT 'u{project}-{n}', 'u{n}@p{project}.example.com', 'User', password_hash, '{plan}'
                 FROM users WHERE id = 'olga';"
            );
        }
        sql += &format!(
            "INSERT INTO projects (id, name, owner_id) VALUES ('p{project}', 'P', 'u{project}-0');
             INSERT INTO features (id, project_id, title, description, status)
                 VALUES ({project} + 1, 'p{project}', 'Dark mode', 'Please.', 'open');"
        );
        for (n, role) in ["owner", "member", "member", "viewer", "viewer"]
            .iter()
            .enumerate()
        {
            sql +=
                &format!("INSERT INTO members VALUES ('p{project}', 'u{project}-{n}', '{role}');");
        }
    }
    server.sql(&sql).await;
}

/// Signs a team in, all the way through the browser.
async fn team(server: &Server, project: usize) -> Vec<User> {
    let mut team = Vec::new();
    for n in 0..USERS_EACH {
        let email = format!("u{n}@p{project}.example.com");
        // One member's agent may only read.
        let mut scopes: BTreeSet<Scope> = Scope::ALL.into();
        if n == 2 {
            scopes.retain(|scope| !scope.writes());
        }
        let asked = scope::join(&scopes);
        let connected = server.connect(&email, &format!("p{project}"), &asked).await;
        let may_write = connected.scope.contains("backlog:write");
        // On Free nobody is given a scope to write.
        assert_eq!(may_write, n != 2 && plan_of(project) != Plan::Free);
        team.push(User {
            email,
            may_write,
            connected,
        });
    }
    team
}

/// A working day of one project: what each call was, by its id.
async fn work(server: &Server, project: usize, team: &[User]) -> BTreeMap<u64, Entry> {
    let id = format!("p{project}");
    let era = if project.is_multiple_of(2) {
        Era::Modern
    } else {
        Era::Legacy
    };
    let agent = |user: &User| server.agent_with(&id, &user.connected.access).in_era(era);
    let agents: Vec<Agent<'_>> = team.iter().map(agent).collect();
    let (mut entries, mut left) = (BTreeMap::new(), calls_per_day(plan_of(project)));
    for n in 0..CALLS_EACH {
        if n == REMOVED_AT {
            let last = USERS_EACH - 1;
            let remove = format!("DELETE FROM members WHERE user_id = 'u{project}-{last}'");
            server.sql(&remove).await;
        }
        if n % STRANGER_EVERY == 0 {
            let stranger = server.agent_with(&id, &format!("guess-{project}-{n}"));
            let answer = stranger.call("list_features", json!({})).await;
            assert_eq!(answer.status, 401);
        }
        let who = n % USERS_EACH;
        let user = &team[who];
        let (tool, mut arguments) = action(n / USERS_EACH % 9, project, user);
        // Tools whose arguments are all required are not asked for an intent, and take no further one.
        let asks = !matches!(tool, "get_feature" | "add_feature_note");
        let intent = (asks && n % 3 == 0).then(|| format!("look after the backlog, step {n}"));
        if let Some(intent) = &intent {
            arguments["prompt"] = json!(intent);
        }
        let writes = !matches!(tool, "list_features" | "get_feature");
        let refused = if writes && !user.may_write {
            Some("forbidden:scope")
        } else if who == USERS_EACH - 1 && n >= REMOVED_AT {
            Some("forbidden:membership")
        } else if writes && who >= 3 {
            Some("forbidden:role")
        } else if arguments.get("priority").is_some() {
            Some("invalid_arguments")
        } else if arguments["feature_id"] == json!(100_000) {
            Some("forbidden:resource")
        } else if tool == "delete_feature" {
            Some("confirm_required")
        } else if left == 0 {
            Some("quota_exceeded")
        } else {
            left -= 1;
            None
        };
        let answer = agents[who].call(tool, arguments).await;
        assert_eq!(
            answer.is_error(),
            refused.is_some(),
            "{refused:?}: {answer:?}"
        );
        let entry = Entry {
            user: user.email.clone(),
            project: id.clone(),
            tool: tool.to_owned(),
            outcome: if refused.is_some() {
                "tool_error"
            } else {
                "ok"
            }
            .to_owned(),
            refused: refused.map(str::to_owned),
            intent,
        };
        assert!(entries.insert(answer.id, entry).is_none());
    }
    entries
}

/// What an agent does; some of them are careless with what they have been given.
fn action(kind: usize, project: usize, user: &User) -> (&'static str, Value) {
    let own = project + 1;
    let Connected {
        access, refresh, ..
    } = &user.connected;
    match kind {
        0 | 1 => ("list_features", json!({})),
        2 => ("get_feature", json!({"feature_id": own})),
        3 => ("get_feature", json!({"feature_id": 100_000})),
        4 => (
            "create_feature",
            json!({"title": "Dark mode", "description": "Soon."}),
        ),
        5 => (
            "create_feature",
            json!({"title": "Dark mode", "priority": 1}),
        ),
        6 => {
            let text = format!("curl -H 'Authorization: Bearer {access}' did not work");
            ("add_feature_note", json!({"feature_id": own, "text": text}))
        }
        7 => {
            let text = format!("sign in with password={PASSWORD:?}, refresh_token={refresh}");
            ("add_feature_note", json!({"feature_id": own, "text": text}))
        }
        _ => ("delete_feature", json!({"feature_id": own})),
    }
}

fn text(event: &ReceivedEvent, key: &str) -> Option<String> {
    Some(event.meta(key)?.as_str()?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_a_day_is_one_event_of_the_right_user_and_holds_no_secret() {
    // Fifty clients from one address.
    let server = Server::start_with(|config| {
        config.registrations_per_address = 50.try_into().unwrap();
    });
    let server = server.await.emptied().await;
    // The day's quota must not begin anew in the middle.
    let into_day = server.clock.seconds().rem_euclid(86_400);
    server.clock.advance(86_400 - into_day + 60);
    people(&server).await;
    let mut teams = Vec::new();
    for project in 0..PROJECTS {
        teams.push(team(&server, project).await);
    }
    let days = teams.iter().enumerate();
    let days = at_once(days.map(|(project, team)| work(&server, project, team))).await;
    let expected: BTreeMap<u64, Entry> = days.into_iter().flatten().collect();
    assert_eq!(expected.len(), 10_000);

    let events = server.events().await;
    let of_kind = |kind| events.iter().filter(move |event| event.activity() == kind);
    let mut told = BTreeMap::new();
    for event in of_kind("MCP_TOOL_CALL") {
        let id = text(event, "request_id").unwrap().parse::<u64>().unwrap();
        let entry = Entry {
            user: event.user_id().unwrap().to_owned(),
            project: text(event, "project").unwrap(),
            tool: event.tool().unwrap().to_owned(),
            outcome: text(event, "outcome").unwrap(),
            refused: text(event, "refused"),
            intent: text(event, "prompt"),
        };
        assert!(told.insert(id, entry).is_none(), "call {id} is told twice");
        assert!(event.duration_ms().is_some());
    }
    assert_eq!(told.len(), expected.len());
    for (id, entry) in &expected {
        assert_eq!(told.get(id), Some(entry));
    }
    // All that can happen has happened.
    let steps: BTreeSet<_> = told
        .values()
        .filter_map(|entry| entry.refused.as_deref())
        .collect();
    assert_eq!(steps.len(), 7, "{steps:?}");

    let mut logins: Vec<_> = of_kind("MCP_IDENTITY_CAPTURE")
        .map(|event| (event.user_id().unwrap(), text(event, "project").unwrap()))
        .collect();
    logins.sort_unstable();
    let mut users: Vec<_> = teams
        .iter()
        .enumerate()
        .flat_map(|(project, team)| {
            team.iter()
                .map(move |user| (&*user.email, format!("p{project}")))
        })
        .collect();
    users.sort_unstable();
    assert_eq!(users.len(), 50);
    assert_eq!(logins, users);
    let strangers = PROJECTS * CALLS_EACH / STRANGER_EVERY;
    let rejected = of_kind("MCP_AUTH_REJECTED");
    let rejected = rejected.filter(|event| text(event, "refused").unwrap() == "access:unknown");
    assert_eq!(rejected.count(), strangers);
    assert_eq!(events.len(), 10_000 + 50 + strangers);

    let stats = server.usage.stats();
    assert_eq!(stats.offered, events.len() as u64);
    assert_eq!(
        (stats.delivered, stats.pending),
        (stats.offered, 0),
        "{stats}"
    );
    assert_eq!(stats.dropped.total(), 0, "{stats}");
    assert_eq!(server.ingest.duplicates(), Vec::<String>::new());

    let timeline: Vec<_> = events.iter().map(usage::line).collect();
    for (event, line) in events.iter().zip(&timeline) {
        assert!(line.contains(event.user_id().unwrap()), "{line}");
        let how = text(event, "refused").or_else(|| text(event, "outcome"));
        assert!(line.contains(how.as_deref().unwrap_or("-")), "{line}");
        assert_eq!(line.lines().count(), 1);
    }

    let mut all = timeline.join("\n").into_bytes();
    for request in server.ingest.requests() {
        all.extend_from_slice(&request.body);
    }
    let all = String::from_utf8(all).unwrap();
    assert!(all.contains("did not work") && all.contains("sign in with"));
    for Connected {
        access,
        refresh,
        code,
        ..
    } in teams.iter().flatten().map(|user| &user.connected)
    {
        for secret in [access, refresh, &code.code, &code.verifier] {
            assert!(!all.contains(secret.as_str()), "{secret}");
        }
    }
    assert!(!all.contains(PASSWORD));
    assert!(!all.contains("guess-"));
}
