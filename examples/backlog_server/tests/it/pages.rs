//! Sign-in, consent and connected apps, as a browser sees them.

use backlog_server::store::grants::{self, TokenRefused};
use reqwest::StatusCode;

use crate::support::{Ask, Browser, PASSWORD, Page, REDIRECT, Server, parameter};

fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_consent_page_says_who_gets_what_and_where_the_answer_goes() {
    let server = Server::start().await;
    let client_id = server
        .register(&["https://client.example.com/callback"])
        .await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read backlog:write")
        .with("redirect_uri", Some("https://client.example.com/callback"));
    let page = browser.get_with("/authorize", &ask.query).await;
    assert_eq!(page.status, StatusCode::OK);
    for said in [
        "<strong>Demo</strong>",
        &client_id,
        "client.example.com",
        "olga@example.com",
        "Read the backlog",
        "Add, change and delete feature requests",
    ] {
        assert!(page.html.contains(said), "{said} in {}", page.html);
    }
    // What it calls itself is its own word.
    assert!(!page.html.contains("Trustworthy"));
    assert!(!page.html.contains("Not on the"));
    assert!(!page.html.contains("conversations"));
    let policy = header(&page, "content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://client.example.com"),
        "{policy}"
    );
}

#[tokio::test]
async fn every_page_keeps_others_out() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    let mut pages = vec![
        browser.get("/sign-in").await,
        browser.get("/authorize").await,
    ];
    browser.sign_in("olga@example.com").await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let grant = server.store.grant_of(&connected.access).await;
    let id = grant.unwrap().unwrap().id;
    pages.push(browser.get(&format!("/apps/revoke?grant_id={id}")).await);
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read");
    pages.push(browser.get_with("/authorize", &ask.query).await);
    for page in &pages {
        let policy = header(page, "content-security-policy");
        assert!(policy.contains("script-src 'none'"), "{policy}");
        assert!(!page.html.contains("<script"));
    }
    // Which has the one script that there is.
    pages.push(browser.get("/apps").await);
    for page in pages {
        let policy = header(&page, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&page, "x-frame-options"), "DENY");
        assert_eq!(header(&page, "x-content-type-options"), "nosniff");
        assert_eq!(header(&page, "referrer-policy"), "same-origin");
        assert_eq!(header(&page, "cache-control"), "no-store");
    }
}

#[tokio::test]
async fn what_comes_from_outside_is_escaped() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    server
        .store
        .run(|db| {
            let name = "UPDATE projects SET name = '<script>alert(1)</script>' WHERE id = 'demo'";
            Ok(db.execute(name, [])?)
        })
        .await
        .unwrap();
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read")
        .with("state", Some("\"><script>alert(2)</script>"));
    let page = browser.get_with("/authorize", &ask.query).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("alert(1)") && page.html.contains("alert(2)"));
    assert!(!page.html.contains("<script"), "{}", page.html);
    // And it comes back as it was.
    let there = ask.decided(&browser, "refuse").await;
    let state = parameter(&there, "state");
    assert_eq!(state.as_deref(), Some("\"><script>alert(2)</script>"));
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to_and_then_led_on() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read");
    let first = browser.get_with("/authorize", &ask.query).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let page = browser.get(first.location.as_deref().unwrap()).await;
    let cookie = header(&page, "set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let with = [("email", "Olga@Example.com "), ("password", PASSWORD)];
    let on = browser.submit(&page, "/sign-in", &with).await;
    assert_eq!(on.status, StatusCode::SEE_OTHER, "{}", on.html);
    assert_ne!(
        header(&on, "set-cookie").split(';').next(),
        cookie.split(';').next()
    );
    let consent = browser.get(on.location.as_deref().unwrap()).await;
    assert!(
        consent.html.contains("<strong>Demo</strong>"),
        "{}",
        consent.html
    );
}

#[tokio::test]
async fn a_refusal_gives_no_code() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read");
    let there = ask.decided(&browser, "refuse").await;
    assert_eq!(parameter(&there, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&there, "state").as_deref(), Some("the state"));
    assert_eq!(parameter(&there, "iss"), Some(server.origin.clone()));
    assert_eq!(parameter(&there, "code"), None);
}

#[tokio::test]
async fn on_free_the_write_scopes_are_refused_in_words() {
    let server = Server::start().await;
    let asked = "backlog:read backlog:write team:write";
    let connected = server.connect("fred@example.com", "hobby", asked).await;
    assert_eq!(connected.scope, "backlog:read");

    let browser = Browser::new(&server);
    browser.sign_in("fred@example.com").await;
    let ask = Ask::new(&server, &connected.client_id, "hobby", asked);
    let page = browser.get_with("/authorize", &ask.query).await;
    let (granted, refused) = page.html.split_once("Not on the free plan").unwrap();
    assert!(granted.contains("Read the backlog"));
    assert!(refused.contains("Add, change and delete feature requests"));
    assert!(refused.contains("Change roles"));

    // Where nothing is left, there is nothing to approve, by a forged form neither.
    let ask = Ask::new(&server, &connected.client_id, "hobby", "backlog:write");
    let page = browser.get_with("/authorize", &ask.query).await;
    assert!(!page.html.contains("value=\"approve\""), "{}", page.html);
    let forged = [("decision", "approve"), ("allow", "backlog:write")];
    let answer = browser.submit(&page, "/authorize", &forged).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.location.is_none());
    assert!(
        answer.html.contains("Nothing was approved"),
        "{}",
        answer.html
    );
}

#[tokio::test]
async fn a_viewer_is_told_that_changes_will_be_refused() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    for (email, scope, told) in [
        ("vera@example.com", "backlog:read backlog:write", true),
        ("vera@example.com", "backlog:read", false),
        ("max@example.com", "backlog:read backlog:write", false),
    ] {
        let browser = Browser::new(&server);
        browser.sign_in(email).await;
        let ask = Ask::new(&server, &client_id, "demo", scope);
        let page = browser.get_with("/authorize", &ask.query).await;
        assert_eq!(
            page.html.contains("You are a viewer here"),
            told,
            "{email} {scope}"
        );
    }
}

#[tokio::test]
async fn nobody_is_redirected_by_a_mistake_or_to_where_no_client_is() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    let good = Ask::new(&server, &client_id, "demo", "backlog:read");
    for signed_in in [false, true] {
        if signed_in {
            browser.sign_in("olga@example.com").await;
        }
        // These have no link either.
        for (name, value) in [
            ("client_id", Some("unknown")),
            ("client_id", None),
            ("redirect_uri", Some("https://evil.example.com/callback")),
            ("redirect_uri", Some("http://127.0.0.1/callback/other")),
            (
                "redirect_uri",
                Some("http://127.0.0.1@evil.example.com/callback"),
            ),
            ("redirect_uri", None),
        ] {
            let ask = good.clone().with(name, value);
            let page = browser.get_with("/authorize", &ask.query).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} {value:?}");
            assert!(page.location.is_none());
            assert!(!page.html.contains("evil.example.com"), "{}", page.html);
        }
        for (name, value, error) in [
            ("response_type", Some("token"), "unsupported_response_type"),
            ("code_challenge", None, "invalid_request"),
            ("code_challenge", Some("short"), "invalid_request"),
            ("code_challenge_method", Some("plain"), "invalid_request"),
            ("code_challenge_method", None, "invalid_request"),
            ("scope", Some("backlog:read admin"), "invalid_scope"),
            ("resource", None, "invalid_target"),
            (
                "resource",
                Some("https://other.example.com/p/demo/mcp"),
                "invalid_target",
            ),
        ] {
            let ask = good.clone().with(name, value);
            let page = browser.get_with("/authorize", &ask.query).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} {value:?}");
            assert!(page.location.is_none());
            let link = format!("href=\"{REDIRECT}?error={error}");
            assert!(page.html.contains(&link), "{link} in {}", page.html);
        }
    }
    let twice = [("client_id", "a".to_owned()), ("client_id", "b".to_owned())];
    let page = browser.get_with("/authorize", &twice).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_project() {
    let server = Server::start().await;
    let client_id = server.register(&[REDIRECT]).await;
    let browser = Browser::new(&server);
    browser.sign_in("bea@example.com").await;
    let mut pages = Vec::new();
    let ask = Ask::new(&server, &client_id, "demo", "backlog:read");
    for project in ["demo", "nowhere"] {
        let ask = ask
            .clone()
            .with("resource", Some(&server.resource(project)));
        let page = browser.get_with("/authorize", &ask.query).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        pages.push(page.html.replace(project, "…"));
    }
    assert_eq!(pages[0], pages[1]);
    assert!(!pages[0].contains("<strong>Demo</strong>"));
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let server = Server::start().await;
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let ask = Ask::new(&server, &connected.client_id, "demo", "backlog:read");
    let other = Browser::new(&server);
    other.sign_in("vera@example.com").await;

    let apps = browser.get("/apps").await;
    let grant = server.store.grant_of(&connected.access).await;
    let id = grant.unwrap().unwrap().id;
    let revoke = browser.get(&format!("/apps/revoke?grant_id={id}")).await;
    let consent = browser.get_with("/authorize", &ask.query).await;
    let sign_in = Browser::new(&server).get("/sign-in").await;
    for (page, action, decision) in [
        (&revoke, "/apps/revoke", ("x", "x")),
        (&apps, "/apps/name", ("name", "Mine")),
        (&consent, "/authorize", ("decision", "approve")),
        (&apps, "/sign-out", ("x", "x")),
        (&sign_in, "/sign-in", ("email", "olga@example.com")),
    ] {
        let mut fields = page.fields(action);
        fields.retain(|(name, _)| name != decision.0 && name != "password");
        fields.push((decision.0.to_owned(), decision.1.to_owned()));
        fields.push(("password".to_owned(), PASSWORD.to_owned()));
        // From another site; with another browser's token; with none.
        let from_elsewhere = browser
            .post(action, &fields, "https://evil.example.com")
            .await;
        let by_another = other.post(action, &fields, &server.origin).await;
        let known = fields
            .iter_mut()
            .find(|(name, _)| name == "form_token")
            .unwrap();
        known.1.clear();
        let without = browser.post(action, &fields, &server.origin).await;
        for answer in [from_elsewhere, by_another, without] {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action}");
            assert!(answer.location.is_none());
        }
    }
    assert!(
        server
            .store
            .grant_of(&connected.access)
            .await
            .unwrap()
            .is_ok()
    );
    assert_eq!(browser.get("/apps").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_same_words_for_known_and_unknown_people() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let page = browser.get("/sign-in").await;
    let mut said = Vec::new();
    for email in ["olga@example.com", "nobody@example.com", "' OR 1=1 --"] {
        let with = [("email", email), ("password", "wrong")];
        let answer = browser.submit(&page, "/sign-in", &with).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(
            !answer.html.contains("wrong\""),
            "the password is not sent back"
        );
        said.push(
            answer
                .html
                .contains("The e-mail address or the password is wrong."),
        );
    }
    assert_eq!(said, [true; 3]);
    assert_eq!(browser.get("/apps").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_is_stopped_for_one_address_and_not_for_others() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let page = browser.get("/sign-in").await;
    let mut statuses = Vec::new();
    for number in 0..11 {
        let guess = format!("guess {number}");
        // However it is written, it is the same address.
        let email = if number % 2 == 0 {
            "olga@example.com"
        } else {
            " OLGA@example.com"
        };
        let with = [("email", email), ("password", guess.as_str())];
        let answer = browser.submit(&page, "/sign-in", &with).await;
        statuses.push(answer.status);
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(
                answer.html.contains("Try again in 30 seconds"),
                "{}",
                answer.html
            );
            assert_eq!(answer.headers["retry-after"], "30");
        }
    }
    let last = statuses.pop().unwrap();
    assert_eq!(statuses, [StatusCode::UNAUTHORIZED; 10]);
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let with = [("email", "olga@example.com"), ("password", PASSWORD)];
    let right = browser.submit(&page, "/sign-in", &with).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    browser.sign_in("vera@example.com").await;
}

#[tokio::test]
async fn revoke_takes_effect_with_the_next_call_and_is_its_users_alone() {
    let server = Server::start().await;
    let mine = server
        .connect("olga@example.com", "demo", "backlog:read team:write")
        .await;
    let theirs = server
        .connect("vera@example.com", "demo", "backlog:read")
        .await;
    let grant = server
        .store
        .grant_of(&theirs.access)
        .await
        .unwrap()
        .unwrap();
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let page = browser.get("/apps").await;
    for said in [
        "Demo</h2>",
        &mine.client_id,
        "127.0.0.1",
        "Change roles",
        "none yet",
    ] {
        assert!(page.html.contains(said), "{said} in {}", page.html);
    }
    assert!(!page.html.contains(&theirs.client_id));

    // Somebody else's grant, with a form of one's own.
    let my_grant = server.store.grant_of(&mine.access).await;
    let question = format!("/apps/revoke?grant_id={}", my_grant.unwrap().unwrap().id);
    let question = browser.get(&question).await;
    let forged = [("grant_id", &*grant.id)];
    browser.submit(&question, "/apps/revoke", &forged).await;
    assert!(server.store.grant_of(&theirs.access).await.unwrap().is_ok());

    let grant = server.store.grant_of(&mine.access).await.unwrap().unwrap();
    let now = server.clock.seconds();
    let touched = server
        .store
        .run(move |db| grants::touch(db, &grant.id, now));
    touched.await.unwrap();
    let page = browser.get("/apps").await;
    assert!(!page.html.contains("none yet"));
    let answer = browser.submit(&question, "/apps/revoke", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let refused = server.store.grant_of(&mine.access).await.unwrap();
    assert_eq!(refused, Err(TokenRefused::Revoked));
    let page = browser.get("/apps").await;
    assert!(page.html.contains("No program has access"), "{}", page.html);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    let page = browser.get("/apps").await;
    let fields = page.fields("/sign-out");
    let answer = browser.submit(&page, "/sign-out", &[]).await;
    assert_eq!(answer.location.as_deref(), Some("/sign-in?next=%2Fapps"));
    assert_eq!(browser.get("/apps").await.status, StatusCode::SEE_OTHER);
    let left: i64 = server
        .store
        .run(|db| Ok(db.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert!(!fields.is_empty());
}

#[tokio::test]
async fn a_session_expires() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    browser.sign_in("olga@example.com").await;
    server.clock.advance(12 * 60 * 60 + 1);
    assert_eq!(browser.get("/apps").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_this_host() {
    let answer = Server::page_behind_https("/sign-in").await;
    let cookie = header(&answer, "set-cookie");
    assert!(
        cookie.starts_with("__Host-session=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    assert!(header(&answer, "strict-transport-security").starts_with("max-age="));
}
