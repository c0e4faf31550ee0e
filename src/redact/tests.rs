//! What callers inside of the crate rely on: spans, counts, cuts, and rules of users that fail.

use std::cell::Cell;
use std::ops::Range;

use serde_json::Value;

use super::find::look::Look;
use super::read::scope::Scope;
use super::redactor::FAILED;
use super::rule_set::RuleSet;
use super::*;

/// A key-shaped text, put together so that no scanner takes this file for a leak.
pub(in crate::redact) fn key() -> String {
    [
        "sk",
        "-",
        "ant",
        "-",
        "api03",
        "-",
        "Zm9vYmFyYmF6cXV4MTIzNDU2",
    ]
    .concat()
}

pub(in crate::redact) fn sealed(
    redactor: &Redactor,
    json: &str,
    spans: &[Range<usize>],
    counts_at: Option<usize>,
) -> String {
    let mut out = Vec::new();
    let spans: Vec<Span> = spans.iter().cloned().map(Span::from).collect();
    let draft = Draft {
        json: json.as_bytes(),
        spans: &spans,
        counts_at,
        counts: None,
    };
    let sealed = redactor.seal(draft, &mut out).expect("no rule of a user");
    let text = String::from_utf8(sealed.as_bytes().to_vec()).expect("UTF-8");
    serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    text
}

fn span(json: &str, part: &str) -> Range<usize> {
    let start = json.find(part).expect("part of the text");
    start..start + part.len()
}

/// Each text with its marks: alone, as a string of JSON, within an event, and on a second pass.
pub(in crate::redact) fn redacts(cases: &[(&str, &str)]) {
    let mut report = String::new();
    for (text, redacted) in cases {
        let given = serde_json::json!({ "n": 1, "note": text });
        let marked = serde_json::json!({ "n": 1, "note": redacted });
        let json = given.to_string();
        let whole = 0..json.len();
        let spans = std::slice::from_ref(&whole);
        for (way, got, wanted) in [
            (
                "alone",
                redact_str(text).into_owned(),
                (*redacted).to_owned(),
            ),
            (
                "again",
                redact_str(redacted).into_owned(),
                (*redacted).to_owned(),
            ),
            (
                "as JSON",
                redact_value(&given).to_string(),
                marked.to_string(),
            ),
            (
                "in an event",
                sealed(&Redactor::default(), &json, spans, None),
                marked.to_string(),
            ),
        ] {
            if got != wanted {
                report += &format!("{way}: {text:?}\n   is {got:?}\n  not {wanted:?}\n");
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// Each text loses what stands in the place of `{}`, and nothing else.
pub(in crate::redact) fn marked(texts: &[&str]) {
    for text in texts {
        let with = |value: &str| text.replace("{}", value);
        redacts(&[(&with("hunter2xK9"), &with("[REDACTED_FIELD]"))]);
    }
}

/// A word with a capital first letter, and in capitals: those of its language.
pub(in crate::redact) fn in_capitals(word: &str) -> [String; 2] {
    let is_turkish = word.contains(['ı', 'ş', 'ğ']);
    let capitals = |text: &str| match is_turkish {
        true => text.replace('i', "İ").to_uppercase(),
        false => text.to_uppercase(),
    };
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    let whole = match capitals(word) {
        // Another language may have that word: `sır`.
        whole if whole.is_ascii() => word.to_owned(),
        whole => whole,
    };
    [capitals(first) + rest, whole]
}

/// What a rule says of a whole text, by the rules that are built in.
pub(in crate::redact) fn with_look<T>(text: &str, rule: impl FnOnce(&mut Look<'_>) -> T) -> T {
    let scope = Scope {
        text: text.as_bytes(),
        from: 0,
        to: text.len(),
        origin: 0,
    };
    let (rules, tools, mut hidden) = (RuleSet::default(), Cell::default(), Vec::new());
    rule(&mut Look::new(scope, &rules, &tools, &mut hidden))
}

/// Texts that stay.
pub(in crate::redact) fn leaves(texts: &[&str]) {
    redacts(&texts.iter().map(|text| (*text, *text)).collect::<Vec<_>>());
}

#[test]
fn only_spans_are_judged() {
    let json = r#"{"user":"a@example.com","args":{"q":"b@example.com"}}"#;
    let spans = [span(json, r#"{"q":"b@example.com"}"#)];
    assert_eq!(
        sealed(&Redactor::default(), json, &spans, None),
        r#"{"user":"a@example.com","args":{"q":"[REDACTED_EMAIL]"}}"#
    );
}

#[test]
fn a_run_of_members_is_a_span() {
    let json = r#"{"id":1,"password":"hunter2","note":"x","n":5}"#;
    let spans = [span(json, r#""password":"hunter2","note":"x""#)];
    assert_eq!(
        sealed(&Redactor::default(), json, &spans, Some(json.len() - 1)),
        r#"{"id":1,"password":"[REDACTED_FIELD]","note":"x","n":5,"redactions":{"field":1}}"#
    );
}

#[test]
fn what_is_nested_too_deep_goes_whole_if_there_is_anything_in_it() {
    let (open, close) = ("[".repeat(2_000), "]".repeat(2_000));
    let harmless = format!("{open}{{\"n\":1}}{close}");
    assert_eq!(redact_str(&harmless), harmless);
    let secret = format!("{open}{{\"password\":\"hunter2!x\"}}{close}");
    let shallow = |bracket: &str| bracket.repeat(512);
    assert_eq!(
        redact_str(&secret),
        format!("{}\"[REDACTED_FIELD]\"{}", shallow("["), shallow("]"))
    );
}

#[test]
fn counts_stand_where_they_were_asked_for() {
    let json = r#"{"a":{"x":"me@example.com you@example.com"},"b":{"phone":"+1 415 555 2671"}}"#;
    let spans = [
        span(json, r#""me@example.com you@example.com""#),
        span(json, r#"{"phone":"+1 415 555 2671"}"#),
    ];
    let at = json.find(r#"},"b""#).expect("end of a");
    assert_eq!(
        sealed(&Redactor::default(), json, &spans, Some(at)),
        r#"{"a":{"x":"[REDACTED_EMAIL] [REDACTED_EMAIL]","redactions":{"email":2,"phone":1}},"b":{"phone":"[REDACTED_PHONE]"}}"#
    );
    let whole = std::iter::once(5..8).collect::<Vec<_>>();
    assert_eq!(
        sealed(&Redactor::default(), r#"{"a":"b"}"#, &whole, Some(8)),
        r#"{"a":"b"}"#
    );
}

#[test]
fn values_of_every_shape_are_hidden_whole() {
    let json = r#"{"password":{"a":[1,"}"]},"secret":123,"token":[1,2],"api_key":true,"cvv":null,"pwd":""}"#;
    assert_eq!(
        sealed(
            &Redactor::default(),
            json,
            std::slice::from_ref(&(0..json.len())),
            None
        ),
        r#"{"password":"[REDACTED_FIELD]","secret":"[REDACTED_FIELD]","token":"[REDACTED_FIELD]","api_key":true,"cvv":null,"pwd":""}"#
    );
}

#[test]
fn a_number_in_json_inside_of_a_string_leaves_json() {
    for json in [
        r#"{"a":"[4111111111111111"}"#,
        r#"{"a":"[1, 4111111111111111]"}"#,
        r#"{"a":"{\"b\":\"[4111111111111111]\"}"}"#,
    ] {
        let text = Redactor::default().redact_json(json).into_owned();
        assert!(text.contains("[REDACTED_CARD]"), "{text}");
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(Redactor::default().redact_json(&text), text);
    }
}

#[test]
fn an_address_that_a_mark_completes_is_found_at_once() {
    let text = format!(
        "from bob@mail.example.{} to x",
        ["lsv2", "_pt_", "84d02774cfc34aea399c8dea6b6937"].concat()
    );
    let once = redact_str(&text).into_owned();
    assert_eq!(redact_str(&once), once);
}

#[test]
fn the_record_of_a_secret_keeps_what_describes_it() {
    let json = r#"{"api_keys":[{"id":"k1","name":"ci","value":"orange boat","created_at":"2024-05-01T10:00:00Z"}]}"#;
    let redacted = r#"{"api_keys":[{"id":"k1","name":"ci","value":"[REDACTED_FIELD]","created_at":"2024-05-01T10:00:00Z"}]}"#;
    assert_eq!(Redactor::default().redact_json(json), redacted);
    assert_eq!(Redactor::default().redact_json(redacted), redacted);
    let id = json.replace("k1", "a1b2c3d4e5");
    assert_eq!(
        Redactor::default().redact_json(&id),
        redacted.replace("k1", "[REDACTED_FIELD]")
    );
    let denied = Redactor::builder().deny_name("api_keys").build();
    assert_eq!(
        denied.expect("a plain name").redact_json(json),
        r#"{"api_keys":"[REDACTED_FIELD]"}"#
    );
}

#[test]
fn a_card_as_a_number_becomes_a_string() {
    let json = r#"{"n":4111111111111111,"order_id":4111111111111111,"pi":3.14}"#;
    assert_eq!(
        sealed(
            &Redactor::default(),
            json,
            std::slice::from_ref(&(0..json.len())),
            None
        ),
        r#"{"n":"[REDACTED_CARD]","order_id":4111111111111111,"pi":3.14}"#
    );
}

#[test]
fn json_inside_of_strings_stays_json() {
    let inner =
        serde_json::json!({"password": 12345, "keep": "ä\n", "mail": "a@example.com"}).to_string();
    let middle = serde_json::json!({"body": inner, "n": 1}).to_string();
    let json = serde_json::json!({"text": middle}).to_string();
    let text = sealed(
        &Redactor::default(),
        &json,
        std::slice::from_ref(&(0..json.len())),
        None,
    );
    let outer: Value = serde_json::from_str(&text).expect("outer");
    let middle: Value =
        serde_json::from_str(outer["text"].as_str().expect("text")).expect("middle");
    let inner: Value = serde_json::from_str(middle["body"].as_str().expect("text")).expect("inner");
    assert_eq!(inner["password"], "[REDACTED_FIELD]");
    assert_eq!(inner["keep"], "ä\n");
    assert_eq!(inner["mail"], "[REDACTED_EMAIL]");
}

#[test]
fn redacted_keys_do_not_swallow_each_other() {
    let value = serde_json::json!({"a@example.com": 1, "b@example.com": 2, "[REDACTED_EMAIL]": 3});
    let redacted = redact_value(&value);
    assert_eq!(redacted.as_object().expect("object").len(), 3, "{redacted}");
    assert!(!redacted.to_string().contains("example"));
    assert_eq!(redact_value(&redacted), redacted);
}

#[test]
fn names_and_values_in_pairs_are_put_together() {
    for (text, expected) in [
        (
            r#"{"name":"DB_PASSWORD","value":"x1y2"}"#,
            r#"{"name":"DB_PASSWORD","value":"[REDACTED_FIELD]"}"#,
        ),
        (
            r#"{"value":"x1y2","name":"DB_PASSWORD","z":1}"#,
            r#"{"value":"[REDACTED_FIELD]","name":"DB_PASSWORD","z":1}"#,
        ),
        (
            r#"{"field":"password","oldValue":"x1y2","new_value":"z3 y4"}"#,
            r#"{"field":"password","oldValue":"[REDACTED_FIELD]","new_value":"[REDACTED_FIELD]"}"#,
        ),
        (
            r#"[["Authorization","abc"],["Accept","*/*"]]"#,
            r#"[["Authorization","[REDACTED_FIELD]"],["Accept","*/*"]]"#,
        ),
        (
            r#"{"args":["--api-key","abc","-v"]}"#,
            r#"{"args":["--api-key","[REDACTED_FIELD]","-v"]}"#,
        ),
        (
            r#"{"required":["password","email"]}"#,
            r#"{"required":["password","email"]}"#,
        ),
        (
            r#"{"properties":{"password":{"type":"string"}},"required":["password"]}"#,
            r#"{"properties":{"password":{"type":"string"}},"required":["password"]}"#,
        ),
    ] {
        assert_eq!(Redactor::default().redact_json(text), expected);
    }
}

#[test]
fn an_address_of_another_text_leads_to_nothing() {
    for length in 0..100 {
        let name = "p".repeat(length);
        let value = serde_json::json!({ name: ["bob@example.com", "\"of what was sent to ΣCookie: a=0Digest"] });
        let redacted = redact_value(&value).to_string();
        assert!(redacted.contains("a=0Digest"), "{redacted}");
    }
}

#[test]
fn a_secret_at_the_cut_is_never_halved() {
    let text = format!("see {} and more", key());
    let redactor = Redactor::default();
    for cut in 5..4 + key().len() {
        assert_eq!(
            redactor
                .redact_cut(&text, cut, &mut Counts::default())
                .unwrap(),
            "see [REDACTED_KEY]",
            "{cut}"
        );
    }
    assert_eq!(
        redactor
            .redact_cut(&text, 4, &mut Counts::default())
            .unwrap(),
        "see "
    );
    assert_eq!(
        redactor
            .redact_cut("plain text ä", 12, &mut Counts::default())
            .unwrap(),
        "plain text "
    );
    assert_eq!(
        redactor
            .redact_cut("plain text", 100, &mut Counts::default())
            .unwrap(),
        "plain text"
    );
}

#[test]
fn a_failing_rule_of_a_user_lets_nothing_through() {
    let redactor = Redactor::custom(|text| {
        if text == "boom" {
            panic!("no")
        } else {
            text.replace('a', "b").into()
        }
    });
    assert_eq!(redactor.redact_str("banana"), "bbnbnb");
    assert_eq!(redactor.redact_str("boom"), FAILED);
    let json = br#"{"k":"boom"}"#;
    let spans = [Span::from(0..json.len())];
    let draft = Draft {
        json,
        spans: &spans,
        counts_at: None,
        counts: None,
    };
    assert_eq!(
        redactor.seal(draft, &mut Vec::new()).expect_err("a panic"),
        RuleFailed
    );
    assert_eq!(
        redactor
            .redact_value(&serde_json::json!({"aa": ["a\"\n", 1]}))
            .to_string(),
        r#"{"bb":["b\"\n",1]}"#
    );
}

#[test]
fn users_names_win_over_the_built_in_ones() {
    let redactor = Redactor::builder()
        .deny_name("customer_ref")
        .allow_name("api_key")
        .build()
        .expect("settings are right");
    assert_eq!(
        redactor.redact_json(r#"{"customerRef":"x","api_key":"y","password":"z"}"#),
        r#"{"customerRef":"[REDACTED_FIELD]","api_key":"y","password":"[REDACTED_FIELD]"}"#
    );
    assert!(redactor.denies_name("Customer-Ref") && !redactor.denies_name("API-Key"));
    assert!(
        Redactor::builder()
            .deny_name("x")
            .allow_name("X")
            .build()
            .is_err()
    );
    assert!(Redactor::builder().pattern("email", "x").build().is_err());
    assert!(Redactor::builder().pattern("mine", "(").build().is_err());
    assert!(Redactor::builder().pattern("mine", "x*").build().is_err());
}

#[test]
fn classes_can_be_switched() {
    let text = "203.0.113.7 2001:db8::42 0x52908400098527886E0F7030069857D2E4169EE7 me@example.com 1.2.3 10:30:00";
    let redactor = Redactor::builder()
        .enable(Class::Ip)
        .enable(Class::Wallet)
        .disable(Class::Email)
        .build()
        .expect("settings are right");
    assert_eq!(
        redactor.redact_str(text),
        "[REDACTED_IP] [REDACTED_IP] [REDACTED_WALLET] me@example.com 1.2.3 10:30:00"
    );
    assert!(redact_str(text).starts_with("203.0.113.7 2001:db8::42 0x5290"));
}

#[test]
fn off_changes_nothing() {
    let json = r#"{"password":"x"}"#;
    assert_eq!(
        sealed(
            &Redactor::off(),
            json,
            std::slice::from_ref(&(0..json.len())),
            None
        ),
        json
    );
    assert_eq!(Redactor::off().redact_str("a@example.com"), "a@example.com");
}

#[test]
fn values_of_mcpeye_are_found() {
    for (text, expected) in [
        (
            "mail a.b+c@example.co.uk now".to_owned(),
            "mail [REDACTED_EMAIL] now",
        ),
        (format!("use {}", key()), "use [REDACTED_KEY]"),
        (
            ["sk", "-", "abcdEFGH1234ijklMNOP"].concat(),
            "[REDACTED_KEY]",
        ),
        (
            ["gh", "p_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat(),
            "[REDACTED_KEY]",
        ),
        (["AK", "IA", "IOSFODNN7EXAMPLQ"].concat(), "[REDACTED_KEY]"),
        (
            "Bearer abc.def-123456 x".to_owned(),
            "Bearer [REDACTED_KEY] x",
        ),
        (
            [
                "ey",
                "JhbGciOiJIUzI1NiJ9.",
                "eyJzdWIiOiIxMjM0In0.",
                "abc-DEF_123",
            ]
            .concat(),
            "[REDACTED_JWT]",
        ),
        (
            "card 4111 1111 1111 1111.".to_owned(),
            "card [REDACTED_CARD].",
        ),
        (
            "call +1 (415) 555-2671 today".to_owned(),
            "call [REDACTED_PHONE] today",
        ),
        ("call 415-555-2671".to_owned(), "call [REDACTED_PHONE]"),
    ] {
        let once = redact_str(&text).into_owned();
        assert_eq!(once, expected);
        assert_eq!(redact_str(&once), once);
    }
}

#[test]
fn a_quoted_address_does_not_reach_back_over_a_finding() {
    let once = super::redact_str("\"ce ghh@example.com a\"@example.com").into_owned();
    assert_eq!(once, "\"ce [REDACTED_EMAIL] a\"@example.com");
    assert_eq!(super::redact_str(&once), once);
}

#[test]
fn a_number_ends_before_a_word_that_begins_with_digits() {
    let key = ["rk_", "live_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    let once = super::redact_str(&format!("+33 6 12 34 56 48{key}")).into_owned();
    assert_eq!(once, "[REDACTED_PHONE] [REDACTED_KEY]");
    assert_eq!(super::redact_str(&once), once);
}
