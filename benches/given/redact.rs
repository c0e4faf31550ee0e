//! What the bench `redact` redacts.

/// A text of at least `length` bytes from repetitions of `part`.
fn repeated(part: &str, length: usize) -> String {
    part.repeat(length / part.len() + 1)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const WORDS: &str = "the quick report shows that every region improved over last quarter while costs stayed flat because \
                     teams moved work to cheaper storage and removed old jobs from the nightly schedule";

/// Events without a secret, each some 500 bytes of words, as one JSON array.
pub(crate) fn clean(length: usize) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut state = 7_usize;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) % words.len()]
    };
    let mut text = String::from("[");
    while text.len() < length {
        let title: Vec<&str> = (0..6).map(|_| word()).collect();
        let body: Vec<&str> = (0..60).map(|_| word()).collect();
        let tags: Vec<&str> = (0..4).map(|_| word()).collect();
        text += &serde_json::json!({"title": title.join(" "), "body": body.join(" "), "score": title.len(), "tags": tags}).to_string();
        text.push(',');
    }
    text.pop();
    text.push(']');
    text
}

/// Arguments of a tool call: some 600 bytes with an e-mail and a key.
pub(crate) fn typical(secrets: bool) -> String {
    let (mail, key) = if secrets {
        (
            "rachel@example.com".to_owned(),
            [
                "sk",
                "-",
                "proj",
                "-",
                "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2Q",
            ]
            .concat(),
        )
    } else {
        ("rachel of example".to_owned(), "none".to_owned())
    };
    serde_json::json!({
        "query": format!("companies in fintech that hired a head of data since March, ask {mail} about the list"),
        "filters": {"region": "north-america-west-2", "employees": {"min": 50, "max": 500}, "stage": ["series_a", "series_b"], "active": true},
        "columns": ["name", "domain", "headcount", "last_funding", "location"],
        "sort": {"by": "headcount", "order": "desc"},
        "limit": 25, "offset": 0, "cursor": null, "mode": "authenticated", "format": "table",
        "note": format!("continue with {key} from the last run"),
        "options": {"include_archived": false, "timeout_ms": 30000, "locale": "en-US", "trace": "4bf92f3577b34da6a3ce929d0e0e4736"},
    })
    .to_string()
}

/// What an attacker would send, `length` bytes of it as one JSON string.
pub(crate) const HOSTILE: [(&str, &str); 29] = [
    ("digits", "7"),
    ("one letter", "a"),
    ("eyJ", "eyJ"),
    ("at signs", "@"),
    ("percent forties", "%40"),
    ("sk-", "sk-"),
    ("sk-sk-a1", "sk-a1b2c3d4e5f6g7 "),
    ("quotes", "\""),
    ("backslashes", "\\"),
    ("brackets", "["),
    ("braces and quotes", "{\"a\":"),
    ("base64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph"),
    (
        "base64 of words",
        "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIGE ",
    ),
    ("token=", "token="),
    ("password: ", "password: "),
    ("url at signs", "://a:b@@@@"),
    ("urls", "https://u:p@"),
    ("addresses", "a@b.c1"),
    ("groups of digits", "411 "),
    ("numbers", "1-2-3-4-5-6-7-8-9-0-"),
    ("plus signs", "+1"),
    ("elements", "<password>"),
    ("dashes", "--a"),
    ("armour", "-----BEGIN PRIVATE KEY-----"),
    ("dots", "a1.b2."),
    ("inserts", "INSERT INTO t (password) VALUES ('"),
    ("long names", "maximum_password_length_of_all_users=12 "),
    ("lines", "password: hunter2xK9\n"),
    ("options", "mysql -phunter2xK9 --password hunter2xK9 "),
];

pub(crate) fn hostile(part: &str, length: usize) -> String {
    quoted(&repeated(part, length))
}
