//! The tools: what each needs, what each shows of itself, and that what one writes another reads.

use backlog_server::access::Effect;
use backlog_server::scope::Scope;
use backlog_server::store::users::Role;
use backlog_server::tools::{Entry, TOOLS};
use serde_json::{Value, json};

use crate::agent::{Era, all_but, asked_scopes};
use crate::support::Server;

/// Things for one call to work on, made anew.
async fn arguments_for(server: &Server, tool: &Entry) -> Value {
    server
        .sql(
            "INSERT INTO features (project_id, title, description, status, votes)
                 VALUES ('demo', 'A', '', 'open', 3), ('demo', 'B', '', 'open', 4);
             INSERT INTO conversations (project_id, person, subject, status)
                 VALUES ('demo', 'Sam', 'Help', 'open');
             INSERT INTO announcements (project_id, title, body) VALUES ('demo', 'News', 'Good');
             INSERT OR REPLACE INTO members VALUES ('demo', 'fred', 'viewer');",
        )
        .await;
    let feature = server.number("SELECT max(id) FROM features").await;
    let conversation = server.number("SELECT max(id) FROM conversations").await;
    let announcement = server.number("SELECT max(id) FROM announcements").await;
    match &*tool.listed.name {
        "list_features" | "list_conversations" | "list_announcements" | "list_team"
        | "get_widget" | "get_project" => json!({}),
        "search_features" => json!({"text": "A"}),
        "get_feature" => json!({"feature_id": feature}),
        "create_feature" => json!({"title": "Dark mode"}),
        "edit_feature" => json!({"feature_id": feature, "title": "Darker mode"}),
        "set_feature_status" => json!({"feature_id": feature, "status": "shipped"}),
        "add_feature_note" => json!({"feature_id": feature, "text": "Asked for by many"}),
        "merge_features" => {
            json!({"feature_id": feature, "into_feature_id": feature - 1, "confirm": true})
        }
        "delete_feature" => json!({"feature_id": feature, "confirm": true}),
        "get_conversation" => json!({"conversation_id": conversation}),
        "reply_to_conversation" => json!({"conversation_id": conversation, "text": "Hello"}),
        "set_conversation_status" => {
            json!({"conversation_id": conversation, "status": "closed"})
        }
        "get_announcement" => json!({"announcement_id": announcement}),
        "draft_announcement" => json!({"title": "News", "body": "Better"}),
        "publish_announcement" | "delete_announcement" => {
            json!({"announcement_id": announcement, "confirm": true})
        }
        "update_widget" => json!({"colour": "green"}),
        "set_member_role" => json!({"user_id": "fred", "role": "member"}),
        "remove_member" => json!({"user_id": "fred", "confirm": true}),
        other => panic!("no arguments for {other}"),
    }
}

#[tokio::test]
async fn each_tool_needs_its_scope_and_no_other() {
    let server = Server::start_empty().await;
    for tool in TOOLS.iter() {
        let (name, scope) = (&*tool.listed.name, tool.needs.scope);
        let arguments = arguments_for(&server, tool).await;
        let others = server.agent("olga", "demo", &all_but(scope)).await;
        let answer = others.call(name, arguments.clone()).await;
        assert_eq!(answer.code(), "FORBIDDEN_SCOPE", "{name}");
        assert_eq!(answer.status, 403, "{name}");
        assert_eq!(asked_scopes(&answer.challenge.unwrap()), [scope], "{name}");

        let alone = server.agent("olga", "demo", &[scope]).await;
        let answer = alone.call(name, arguments).await;
        assert_eq!(
            (answer.code(), answer.status.as_u16()),
            ("", 200),
            "{name}: {answer:?}"
        );
        assert_eq!(tool.needs.effect != Effect::Reads, scope.writes(), "{name}");
    }
}

#[tokio::test]
async fn each_tool_needs_its_role_at_the_moment_of_the_call() {
    let server = Server::start_empty().await;
    let agent = server.agent("bea", "demo", &Scope::ALL).await;
    for tool in TOOLS.iter() {
        let (name, needed) = (&*tool.listed.name, tool.needs.role);
        let arguments = arguments_for(&server, tool).await;
        server
            .sql("DELETE FROM members WHERE user_id = 'bea'")
            .await;
        let answer = agent.call(name, arguments.clone()).await;
        assert_eq!(answer.code(), "FORBIDDEN_MEMBERSHIP", "{name}");
        for role in [Role::Viewer, Role::Member, Role::Owner] {
            let set = format!("INSERT OR REPLACE INTO members VALUES ('demo', 'bea', '{role}')");
            server.sql(&set).await;
            let answer = agent.call(name, arguments.clone()).await;
            if role < needed {
                assert_eq!(answer.code(), "FORBIDDEN_ROLE", "{name} as {role}");
                continue;
            }
            assert_eq!(answer.code(), "", "{name} as {role}: {answer:?}");
            break;
        }
    }
    let event = server.events().await.pop().unwrap();
    assert_eq!(event.user_id(), Some("bea@example.com"));
}

/// The role that each tool is meant to need: the table of the code, said once more.
#[test]
fn reading_is_for_viewers_and_writing_for_members_but_the_widget_and_the_team_are_the_owners() {
    for tool in TOOLS.iter() {
        let expected = match tool.needs.scope {
            Scope::WidgetWrite | Scope::TeamWrite => Role::Owner,
            scope if scope.writes() => Role::Member,
            _ => Role::Viewer,
        };
        assert_eq!(tool.needs.role, expected, "{}", tool.listed.name);
    }
}

/// Who is told of a tool can call it, and who is not cannot.
#[tokio::test]
async fn only_what_grant_role_and_plan_allow_is_listed() {
    for era in [Era::Legacy, Era::Modern] {
        let server = Server::start_empty().await;
        for (user, project, scopes) in [
            ("olga", "demo", Scope::ALL.to_vec()),
            ("olga", "demo", all_but(Scope::BacklogWrite)),
            ("olga", "demo", vec![Scope::TeamRead]),
            ("max", "demo", Scope::ALL.to_vec()),
            ("vera", "demo", Scope::ALL.to_vec()),
            ("fred", "hobby", Scope::ALL.to_vec()),
            ("bea", "demo", Scope::ALL.to_vec()),
        ] {
            let agent = server.agent(user, project, &scopes).await.in_era(era);
            let answer = agent.send("tools/list", json!({})).await;
            let tools = answer.body["result"]["tools"].as_array().unwrap();
            let listed: Vec<_> = tools.iter().map(|tool| &tool["name"]).collect();
            for tool in TOOLS.iter() {
                let name = &*tool.listed.name;
                // Wrong arguments are complained of after all that a list can know.
                let answer = agent.call(name, json!({"no such argument": 1})).await;
                let is_open = answer.code() == "INVALID_ARGUMENTS";
                let is_listed = listed.contains(&&json!(name));
                assert_eq!(
                    is_listed,
                    is_open,
                    "{user} {scopes:?} {name}: {}",
                    answer.code()
                );
            }
            if era == Era::Modern {
                assert_eq!(answer.body["result"]["cacheScope"], "private");
                assert_eq!(answer.body["result"]["ttlMs"], 0);
            }
        }
        assert_eq!(server.number("SELECT count(*) FROM quota").await, 0);
    }
}

#[tokio::test]
async fn the_list_follows_the_role_and_the_plan() {
    let server = Server::start_empty().await;
    let agent = server.agent("vera", "demo", &Scope::ALL).await;
    let count = async || {
        let answer = agent.send("tools/list", json!({})).await;
        answer.body["result"]["tools"].as_array().unwrap().len()
    };
    let reading = TOOLS
        .iter()
        .filter(|tool| !tool.needs.scope.writes())
        .count();
    assert_eq!(count().await, reading);
    server
        .sql("UPDATE members SET role = 'member' WHERE user_id = 'vera'")
        .await;
    let owners = TOOLS
        .iter()
        .filter(|tool| tool.needs.role == Role::Owner)
        .count();
    assert_eq!(count().await, TOOLS.len() - owners);
    server
        .sql("UPDATE users SET plan = 'free' WHERE id = 'olga'")
        .await;
    assert_eq!(count().await, reading);
    server
        .sql("DELETE FROM members WHERE user_id = 'vera'")
        .await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn each_tool_shows_what_it_does_and_answers_as_it_says() {
    for era in [Era::Legacy, Era::Modern] {
        let server = Server::start_empty().await;
        let agent = server.agent("olga", "demo", &Scope::ALL).await.in_era(era);
        let listed = agent.send("tools/list", json!({})).await;
        let listed = listed.body["result"]["tools"].as_array().unwrap().clone();
        assert_eq!(listed.len(), TOOLS.len());
        for (shown, tool) in listed.iter().zip(TOOLS.iter()) {
            let name = shown["name"].as_str().unwrap();
            assert_eq!(name, tool.listed.name);
            for text in ["title", "description"] {
                assert!(
                    shown[text].as_str().is_some_and(|text| text.len() > 8),
                    "{name}"
                );
            }
            let hints = &shown["annotations"];
            assert_eq!(hints["readOnlyHint"], tool.needs.effect == Effect::Reads);
            let destroys = tool.needs.effect == Effect::Destroys;
            assert_eq!(hints["destructiveHint"], destroys, "{name}");
            let input = &shown["inputSchema"];
            assert_eq!(
                input["properties"]["confirm"].is_object(),
                destroys,
                "{name}"
            );
            assert_eq!(input["additionalProperties"], false, "{name}");

            let arguments = arguments_for(&server, tool).await;
            let output = agent.ask(name, arguments).await;
            let promised = shown["outputSchema"]["properties"].as_object().unwrap();
            let given: Vec<_> = output.as_object().unwrap().keys().collect();
            let promised = promised.keys().filter(|key| *key != "error");
            assert_eq!(given, promised.collect::<Vec<_>>(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_created_feature_is_read_back() {
    let server = Server::start_empty().await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    let arguments = json!({"title": "Dark mode", "description": "At night."});
    let made = agent.ask("create_feature", arguments).await;
    let read = agent.ask("get_feature", made).await;
    assert_eq!(read["title"], json!({"untrusted_text": "Dark mode"}));
    assert_eq!(read["description"], json!({"untrusted_text": "At night."}));
    assert_eq!(read["status"], "open");
    assert_eq!(read["votes"], 0);
    for (tool, arguments) in [
        ("search_features", json!({"text": "dArK mOdE\nAt"})),
        ("search_features", json!({"text": "night"})),
        ("list_features", json!({"status": "open"})),
    ] {
        let found = agent.ask(tool, arguments).await;
        assert_eq!(found["features"][0]["feature_id"], read["feature_id"]);
    }
    let none = agent.ask("search_features", json!({"text": "%"})).await;
    assert_eq!(none["features"], json!([]));
    let none = agent
        .ask("list_features", json!({"status": "shipped"}))
        .await;
    assert_eq!(none["features"], json!([]));
}

#[tokio::test]
async fn a_changed_feature_is_read_back() {
    let server = Server::start_empty().await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    let id = agent
        .ask("create_feature", json!({"title": "Dark mode"}))
        .await;
    let id = &id["feature_id"];
    let edited = json!({"feature_id": id, "title": "Darker mode"});
    agent.ask("edit_feature", edited).await;
    let described = json!({"feature_id": id, "description": "Black."});
    agent.ask("edit_feature", described).await;
    let planned = json!({"feature_id": id, "status": "planned"});
    agent.ask("set_feature_status", planned).await;
    let noted = json!({"feature_id": id, "text": "Ask the designers."});
    agent.ask("add_feature_note", noted).await;

    let read = agent.ask("get_feature", json!({"feature_id": id})).await;
    assert_eq!(read["title"]["untrusted_text"], "Darker mode");
    assert_eq!(read["description"]["untrusted_text"], "Black.");
    assert_eq!(read["status"], "planned");
    assert_eq!(read["notes"][0]["text"], "Ask the designers.");
    assert_eq!(read["notes"][0]["author_id"], "max");

    let nothing = agent.call("edit_feature", json!({"feature_id": id})).await;
    assert_eq!(nothing.code(), "CONFLICT");
}

#[tokio::test]
async fn a_merged_feature_is_read_back_in_the_other() {
    let server = Server::start_empty().await;
    server
        .sql(
            "INSERT INTO features (id, project_id, title, description, status, votes)
             VALUES (1, 'demo', 'Dark', '', 'open', 3), (2, 'demo', 'Black', '', 'open', 4)",
        )
        .await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    agent
        .ask(
            "add_feature_note",
            json!({"feature_id": 1, "text": "Of the first."}),
        )
        .await;
    let mut merge = json!({"feature_id": 1, "into_feature_id": 2});
    let would = agent.call("merge_features", merge.clone()).await;
    assert_eq!(would.code(), "CONFIRM_REQUIRED");
    assert!(
        would.text().contains("3 votes and 1 notes"),
        "{}",
        would.text()
    );
    merge["confirm"] = json!(true);
    agent.ask("merge_features", merge.clone()).await;
    let read = agent.ask("get_feature", json!({"feature_id": 2})).await;
    assert_eq!(read["votes"], 7);
    assert_eq!(read["notes"][0]["text"], "Of the first.");
    assert_eq!(
        agent.call("merge_features", merge).await.code(),
        "NOT_FOUND"
    );

    let itself = json!({"feature_id": 2, "into_feature_id": 2, "confirm": true});
    assert_eq!(
        agent.call("merge_features", itself).await.code(),
        "CONFLICT"
    );
    let read = agent.ask("get_feature", json!({"feature_id": 2})).await;
    assert_eq!(read["votes"], 7);
}

#[tokio::test]
async fn a_deleted_feature_is_gone() {
    let server = Server::start_empty().await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    let made = agent
        .ask("create_feature", json!({"title": "Dark mode"}))
        .await;
    let delete = json!({"feature_id": made["feature_id"], "confirm": true});
    agent.ask("delete_feature", delete).await;
    assert_eq!(agent.call("get_feature", made).await.code(), "NOT_FOUND");
    assert_eq!(server.number("SELECT count(*) FROM features").await, 0);
}

#[tokio::test]
async fn a_reply_and_a_closed_conversation_are_read_back() {
    let server = Server::start_empty().await;
    server
        .sql(
            "INSERT INTO conversations (id, project_id, person, subject, status)
                 VALUES (1, 'demo', 'Sam', 'Help', 'open');
             INSERT INTO messages (conversation_id, author_id, text, created_at)
                 VALUES (1, NULL, 'It is broken.', 0);",
        )
        .await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    let reply = json!({"conversation_id": 1, "text": "Which version?"});
    agent.ask("reply_to_conversation", reply).await;
    let close = json!({"conversation_id": 1, "status": "closed"});
    agent.ask("set_conversation_status", close).await;

    let read = agent
        .ask("get_conversation", json!({"conversation_id": 1}))
        .await;
    assert_eq!(read["person"]["untrusted_text"], "Sam");
    assert_eq!(read["status"], "closed");
    let messages = json!([
        {"from_end_user": {"untrusted_text": "It is broken."}},
        {"author_id": "max", "text": "Which version?"},
    ]);
    assert_eq!(read["messages"], messages);
    let list = agent
        .ask("list_conversations", json!({"status": "open"}))
        .await;
    assert_eq!(list["conversations"], json!([]));
    let list = agent.ask("list_conversations", json!({})).await;
    let line = json!({
        "conversation_id": 1, "status": "closed",
        "person": {"untrusted_text": "Sam"}, "subject": {"untrusted_text": "Help"},
    });
    assert_eq!(list["conversations"], json!([line]));
}

#[tokio::test]
async fn an_announcement_is_read_back_from_draft_to_deletion() {
    let server = Server::start_empty().await;
    let agent = server.agent("max", "demo", &Scope::ALL).await;
    let draft = json!({"title": "News", "body": "Good ones."});
    let id = agent.ask("draft_announcement", draft).await;
    let read = agent.ask("get_announcement", id.clone()).await;
    assert_eq!(
        (&read["title"], &read["body"]),
        (&json!("News"), &json!("Good ones."))
    );
    assert_eq!(read["published_at"], Value::Null);

    let mut confirmed = id.clone();
    confirmed["confirm"] = json!(true);
    assert_eq!(
        agent.call("publish_announcement", id.clone()).await.code(),
        "CONFIRM_REQUIRED"
    );
    agent.ask("publish_announcement", confirmed.clone()).await;
    let read = agent.ask("get_announcement", id.clone()).await;
    assert!(read["published_at"].as_i64().is_some_and(|at| at > 0));
    let list = agent.ask("list_announcements", json!({})).await;
    assert_eq!(list["announcements"][0]["is_published"], true);
    let again = agent.call("publish_announcement", confirmed.clone()).await;
    assert_eq!(again.code(), "CONFLICT");

    agent.ask("delete_announcement", confirmed).await;
    assert_eq!(agent.call("get_announcement", id).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_changed_widget_is_read_back() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let before = agent.ask("get_widget", json!({})).await;
    agent.ask("update_widget", json!({"colour": "green"})).await;
    let change = json!({"greeting": "Hello!", "position": "left"});
    agent.ask("update_widget", change).await;
    let after = agent.ask("get_widget", json!({})).await;
    assert_ne!(before, after);
    let expected = json!({"greeting": "Hello!", "colour": "green", "position": "left"});
    assert_eq!(after, expected);
    let purple = agent
        .call("update_widget", json!({"colour": "purple"}))
        .await;
    assert_eq!(purple.code(), "INVALID_ARGUMENTS");
    let nothing = agent.call("update_widget", json!({})).await;
    assert_eq!(nothing.code(), "CONFLICT");
}

#[tokio::test]
async fn changes_of_the_team_are_read_back() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let set = json!({"user_id": "vera", "role": "member"});
    agent.ask("set_member_role", set).await;
    let remove = json!({"user_id": "max", "confirm": true});
    agent.ask("remove_member", remove).await;
    let team = agent.ask("list_team", json!({})).await;
    let expected = json!([
        {"user_id": "olga", "name": "Olga Owner", "role": "owner"},
        {"user_id": "vera", "name": "Vera Viewer", "role": "member"},
    ]);
    assert_eq!(team["members"], expected);
    for (tool, arguments) in [
        (
            "set_member_role",
            json!({"user_id": "olga", "role": "viewer"}),
        ),
        ("remove_member", json!({"user_id": "olga", "confirm": true})),
    ] {
        assert_eq!(
            agent.call(tool, arguments).await.code(),
            "CONFLICT",
            "{tool}"
        );
    }
    let promoted = json!({"user_id": "vera", "role": "owner"});
    let answer = agent.call("set_member_role", promoted).await;
    assert_eq!(answer.code(), "INVALID_ARGUMENTS");
}

#[tokio::test]
async fn the_project_says_how_much_of_the_quota_is_used() {
    let server = Server::start_empty().await;
    let agent = server.agent("vera", "demo", &Scope::ALL).await;
    agent.ask("list_features", json!({})).await;
    let project = agent.ask("get_project", json!({})).await;
    let expected = json!({
        "project_id": "demo", "name": "Demo", "owner_id": "olga", "plan": "pro",
        "calls_today": 2, "calls_per_day": 300,
    });
    assert_eq!(project, expected);
}
