//! What a person chooses at consent: less than was asked for, and a name; and that nothing else is granted.

use reqwest::StatusCode;

use crate::support::{Ask, Browser, Code, Page, Server, parameter};

const OWNER: &str = "olga@example.com";
const ASKED: &str = "backlog:read backlog:write inbox:read";

/// Somebody before the question.
struct Asked<'a> {
    browser: Browser<'a>,
    ask: Ask,
    page: Page,
}

impl<'a> Asked<'a> {
    async fn of(server: &'a Server, email: &str, project: &str, scope: &str) -> Self {
        let client_id = server.register(&[crate::support::REDIRECT]).await;
        let browser = Browser::new(server);
        browser.sign_in(email).await;
        let ask = Ask::new(server, &client_id, project, scope);
        let page = browser.get_with("/authorize", &ask.query).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        Self { browser, ask, page }
    }

    /// Approves with these boxes ticked and no others.
    async fn approve(&self, server: &Server, ticked: &[&str], name: &str) -> Page {
        let mut fields = self.page.fields("/authorize");
        fields.retain(|(field, _)| field != "allow" && field != "name");
        let more = [("decision", "approve"), ("name", name)].into_iter();
        let ticked = ticked.iter().map(|scope| ("allow", *scope));
        fields.extend(
            more.chain(ticked)
                .map(|(field, value)| (field.to_owned(), value.to_owned())),
        );
        let origin = &server.origin;
        self.browser.post("/authorize", &fields, origin).await
    }

    fn code(&self, answer: &Page) -> Code {
        let there = answer.location.as_deref();
        let there = there.unwrap_or_else(|| panic!("{}", answer.html));
        self.ask.code_of(&there.parse().unwrap())
    }
}

async fn granted(server: &Server, code: &Code) -> String {
    let (status, tokens) = server.redeem(code).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    tokens["scope"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_unticked_is_not_granted() {
    let server = Server::start().await;
    let asked = Asked::of(&server, OWNER, "demo", ASKED).await;
    // All is ticked to begin with.
    let ticked = asked.page.fields("/authorize");
    let ticked = ticked.iter().filter(|(field, _)| field == "allow");
    let ticked: Vec<_> = ticked.map(|(_, scope)| scope.as_str()).collect();
    assert_eq!(ticked.join(" "), ASKED);

    let answer = asked
        .approve(&server, &["backlog:read", "inbox:read"], "")
        .await;
    let code = asked.code(&answer);
    let (_, tokens) = server.redeem(&code).await;
    assert_eq!(tokens["scope"], "backlog:read inbox:read");
    // Nor can it be had back without asking.
    let wider = [
        ("grant_type", "refresh_token"),
        ("client_id", &code.client_id),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", ASKED),
    ];
    let (_, answer) = server.post("/token", &wider).await;
    assert_eq!(answer["error"], "invalid_scope");
}

#[tokio::test]
async fn a_forged_box_grants_nothing_that_was_not_asked_for() {
    let server = Server::start().await;
    let asked = Asked::of(&server, OWNER, "demo", "backlog:read").await;
    let answer = asked
        .approve(&server, &["backlog:read", "team:write"], "")
        .await;
    assert_eq!(granted(&server, &asked.code(&answer)).await, "backlog:read");
    let answer = asked.approve(&server, &["team:write"], "").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = asked.approve(&server, &["everything"], "").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn with_nothing_ticked_or_a_bad_name_the_question_is_asked_again_as_it_was_left() {
    let server = Server::start().await;
    let asked = Asked::of(&server, OWNER, "demo", ASKED).await;
    let long = "x".repeat(61);
    for (ticked, name, said) in [
        (&[][..], "my laptop", "Tick at least one box"),
        (&["inbox:read"], &long, "longer than 60 characters"),
    ] {
        let page = asked.approve(&server, ticked, name).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.location.is_none());
        assert!(page.html.contains("role=\"alert\""), "{}", page.html);
        assert!(page.html.contains(said), "{said} in {}", page.html);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'self' http://127.0.0.1"));
        let left = page.fields("/authorize");
        let left_of = |field: &str| {
            let values = left.iter().filter(|(known, _)| known == field);
            values.map(|(_, value)| &**value).collect::<Vec<_>>()
        };
        assert_eq!(left_of("allow"), ticked);
        assert_eq!(left_of("name"), [name]);
    }
    assert_eq!(server.number("SELECT count(*) FROM codes").await, 0);
}

/// The page says what will be granted, so that stays what is.
#[tokio::test]
async fn a_plan_that_changes_after_the_page_was_shown_widens_nothing_and_is_not_overlooked() {
    let server = Server::start().await;
    let plan = async |plan: &str, user: &str| {
        let set = format!("UPDATE users SET plan = '{plan}' WHERE id = '{user}'");
        server.sql(&set).await;
    };
    let asked = Asked::of(&server, "fred@example.com", "hobby", ASKED).await;
    let ticked = asked.page.fields("/authorize");
    assert!(!ticked.iter().any(|(_, value)| value == "backlog:write"));
    plan("pro", "fred").await;
    let shown = ["backlog:read", "inbox:read"];
    let answer = asked.approve(&server, &shown, "").await;
    let scope = granted(&server, &asked.code(&answer)).await;
    assert_eq!(scope, shown.join(" "));

    let asked = Asked::of(&server, OWNER, "demo", ASKED).await;
    plan("free", "olga").await;
    let all: Vec<_> = ASKED.split(' ').collect();
    let page = asked.approve(&server, &all, "").await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.html);
    assert!(page.html.contains("Nothing was approved"), "{}", page.html);
    assert!(page.html.contains("Not on the free plan"), "{}", page.html);
    let of_olga = "SELECT count(*) FROM codes WHERE user_id = 'olga'";
    assert_eq!(server.number(of_olga).await, 0);
}

#[tokio::test]
async fn who_is_removed_before_deciding_approves_nothing() {
    let server = Server::start().await;
    let asked = Asked::of(&server, "max@example.com", "demo", ASKED).await;
    server
        .sql("DELETE FROM members WHERE user_id = 'max'")
        .await;
    let page = asked.approve(&server, &["backlog:read"], "").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(server.number("SELECT count(*) FROM codes").await, 0);
}

/// The client registers as "Totally Trustworthy"; a name on a page is its person's word alone.
#[tokio::test]
async fn a_name_given_at_consent_is_what_the_connected_apps_call_it() {
    let server = Server::start().await;
    let asked = Asked::of(&server, OWNER, "demo", "backlog:read").await;
    let answer = asked
        .approve(&server, &["backlog:read"], " my <laptop> ")
        .await;
    let code = asked.code(&answer);
    assert_eq!(
        parameter(&answer.location.unwrap().parse().unwrap(), "name"),
        None
    );
    granted(&server, &code).await;
    let page = asked.browser.get("/apps").await;
    let (_, app) = page.html.split_once("class=\"app\"").unwrap();
    for said in ["my &#60;laptop&#62; <span", &code.client_id, "127.0.0.1"] {
        assert!(app.contains(said), "{said} in {app}");
    }
    assert!(!page.html.contains("Trustworthy"));
}
