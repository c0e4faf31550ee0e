//! Literals in code that a call, an operator or a pair makes secrets: `set_password("…")`, `jwt.sign(claims, "…")`,
//! `env.API_KEY || "…"`.

use crate::redact::catalogue::calls::Takes;
use crate::redact::catalogue::keys::Tail;
use crate::redact::catalogue::{calls, formats, headers, keys, names};
use crate::redact::find::look::Look;
use crate::redact::judge::random::is_random;
use crate::redact::judge::{placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, before, run_start};
use crate::redact::read::lex::{closing_quote, is_blank, is_name};
use crate::redact::read::scope::{Found, Scope};

/// So far back a call begins.
const MAX_CALL: usize = 160;

/// A literal whose opening quote stands at `quote`.
pub(crate) fn literal(look: &Look<'_>, quote: usize) -> Option<Found> {
    // Most quotes close something, and what names a literal ends in one of these.
    let is_binary = look.before(quote) == b'<' && look.before(quote - 1) == b'<';
    let named = matches!(
        look.before(quote),
        b'(' | b',' | b'-' | b'|' | b'?' | b':' | b' ' | b'\t' | b'b' | b'@' | b'{'
    );
    if !named && !is_binary {
        return None;
    }
    // `b"…"` of Python, `@"…"` of C#, `<<"…">>` of Erlang
    let open = if is_binary {
        quote - 2
    } else {
        look.back(quote, 1, |b| matches!(b, b'b' | b'@'))
    };
    let near = look.back(open, 16, is_blank);
    let is_before = |it: &&&str| look.last(open, 4).ends_with(it.as_bytes());
    let closure = (look.before(open) == b' ')
        .then(|| formats::CLOSURES.iter().find(is_before))
        .flatten();
    let near = match closure {
        Some(closure) if look.before(open - closure.len()) == b'(' => open - closure.len(),
        _ => near,
    };
    let (name, takes_all) = namer(look, near, open, quote)?;
    let by_name =
        name.len() >= 2 && (look.judge(name) == Kind::Secret || takes_all && names::is_pass(name));
    let argument = (!by_name).then(|| secret_argument(look, near)).flatten();
    if !by_name && argument.is_none() && !follows_key_id(look, near) {
        return None;
    }
    let close = closing_quote(look, quote + 1, look.at(quote), 0);
    let value = look.part(quote + 1, close);
    let bare = bytes::rest(value, headers::scheme_len(value));
    let takes = if by_name {
        let sets = takes_all || look.before(near) != b'(' || is_setter(name);
        // Of several arguments the first need not be the password: `new_password("service", "account")`.
        let is_first = look.before(near) == b'(' && look.at(close + 1) == b',';
        does_name_take(value, name, sets && !is_first)
    } else {
        argument.map_or_else(
            || is_secret_of_id(value),
            |takes| does_call_take(takes, value, look.at(close + 1)),
        )
    };
    (takes
        && !placeholder::has_mark(value)
        && !value::is_reference(value)
        && !value::is_label(value, name)
        && !placeholder::is_placeholder(value)
        && !placeholder::is_placeholder(bare)
        && (look.judge(value) == Kind::Plain || !by_name && value::looks_chosen(value)))
    .then(|| Found::new(close - bare.len(), close, calls::CLASS))
}

/// What names the literal that stands behind `near`, or nothing if that is a call at most, and whether it takes
/// whatever stands there: `.fill("…")` and the second of a pair do.
fn namer<'a>(look: &Look<'a>, near: usize, open: usize, quote: usize) -> Option<(&'a [u8], bool)> {
    let mut takes_all = look.before(near) == b',';
    let named = match look.before(near) {
        b'(' => {
            let element = typed(look, near - 1)
                .or_else(|| defaulted(look, near - 1))
                .or_else(|| compared(look, near - 1, quote));
            takes_all = element.is_some();
            element.or_else(|| single(look, near - 1))
        }
        b',' => pair(look, near - 1).or_else(|| place(look, near - 1)),
        // `token{"…"}`
        b'{' if near == quote => name_at(look, near - 1),
        // `api_key <- "…"`
        b'-' if look.before(near - 1) == b'<' => name_at(look, trimmed(look, near - 2)),
        // `env.API_KEY || "…"`, `getenv("TOKEN") ?: "…"`
        b'|' | b'?' | b':' if matches!(look.before(near - 1), b'|' | b'?') => {
            name_at(look, trimmed(look, near - 2))
        }
        b')' if look.before(near - 1).is_ascii_digit() => line_before(look, near),
        _ if near < open && open == quote => statement(look, near),
        _ => return None,
    };
    Some((named.unwrap_or(&[]), takes_all))
}

/// Whether a literal can be the secret that its name says. A word under `token` may name a kind of token; under
/// `password` it hardly names anything.
fn does_name_take(value: &[u8], name: &[u8], sets: bool) -> bool {
    let digits = value.iter().any(u8::is_ascii_digit);
    let word = !digits && !value.iter().any(|b| b" !@#$%^&*".contains(b));
    value.len() >= 4 && (digits || sets && (!word || value::is_password_name(name)))
}

/// Whether a call puts what it is given somewhere: `setPassword`, `.with_secret`.
fn is_setter(name: &[u8]) -> bool {
    let verb = calls::SETTERS
        .iter()
        .any(|verb| name.starts_with(verb.as_bytes()));
    value::is_password_name(name) && verb
}

/// Where the identifier begins that ends at `end`, at most so far before it.
fn identifier(scope: &Scope<'_>, end: usize, most: usize) -> usize {
    let floor = scope.from.max(end.saturating_sub(most));
    run_start(scope.text, end, floor, |b| {
        b.is_ascii_alphanumeric() || b == b'_'
    })
}

/// The name of a setting in a language whose calls need no parentheses, at the start of a statement, which ends at
/// `end`: `storePassword "…"`.
fn statement<'a>(scope: &Scope<'a>, end: usize) -> Option<&'a [u8]> {
    let start = identifier(scope, end, 40);
    let name = scope.part(start, end);
    if start >= scope.from + formats::DEFINE.len()
        && scope.part(start - formats::DEFINE.len(), start) == formats::DEFINE
    {
        return Some(name);
    }
    if !name.first().is_some_and(u8::is_ascii_lowercase) {
        return None;
    }
    // A map of Clojure: `{:user "bob" :password "…"}`
    if scope.before(start) == b':' && matches!(scope.before(start - 1), b'{' | b' ' | b'\n') {
        return Some(name);
    }
    let lead = run_start(
        scope.text,
        start,
        scope.origin.max(start.saturating_sub(64)),
        is_blank,
    );
    (lead == scope.origin || matches!(before(scope.text, lead), b'\n' | b'{' | b';'))
        .then_some(name)
}

/// The end of what stands before `at`, without blanks.
fn trimmed(scope: &Scope<'_>, at: usize) -> usize {
    scope.back(at, 2, is_blank)
}

/// The last name before `end`, perhaps in quotes and brackets: `process.env.API_KEY`, `getenv("API_KEY")`.
fn name_at<'a>(scope: &Scope<'a>, end: usize) -> Option<&'a [u8]> {
    let end = scope.back(end, 3, |b| matches!(b, b')' | b']' | b'"' | b'\''));
    let start = scope.back(end, 48, is_name);
    (start < end).then(|| scope.part(start, end))
}

/// The name of the call whose only argument follows the parenthesis at `end`, unless it reads something.
fn single<'a>(scope: &Scope<'a>, end: usize) -> Option<&'a [u8]> {
    let name = scope.part(identifier(scope, end, 48), end);
    let reads = calls::READERS
        .iter()
        .any(|verb| name.starts_with(verb.as_bytes()));
    (!reads && name.len() >= 4).then_some(name)
}

/// The first part of a pair, whose comma stands at `comma`: `define('DB_PASSWORD', '…')`. A pair begins with a bracket:
/// further arguments are something else.
fn pair<'a>(scope: &Scope<'a>, comma: usize) -> Option<&'a [u8]> {
    let quote = scope.before(comma);
    let close = comma.checked_sub(1)?;
    let start = scope.back(close, 48, is_name);
    let open = start.checked_sub(1)?;
    let bracket = run_start(scope.text, open, scope.from, |b| b == b' ');
    // `{password, "…"}` of Erlang and `{:password, "…"}` of Elixir, `assert_eq!(user.password, "…")`
    let name = scope.part(start, comma);
    let is_atom = match scope.before(start) {
        b'{' => name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_'),
        b':' => matches!(scope.before(open), b'{' | b'(' | b'['),
        b'(' => {
            let end = scope.back(open, 1, |b| b == b'!');
            let call = scope.part(identifier(scope, end, 32), end);
            calls::is_definition(call)
                || memchr::memchr(b'.', name).is_some() && calls::is_assertion(call)
        }
        _ => false,
    };
    if is_atom {
        return Some(name);
    }
    let name = scope.part(start, close);
    let is_quoted = matches!(quote, b'"' | b'\'') && matches!(scope.before(start), b'"' | b'\'');
    // `["--user", "app", "--password", "…"]`, `{{"password", "…"}}` of C++
    let is_first = scope.before(bracket) == b'('
        || scope.before(bracket) == b'[' && !goes_on(scope, comma + 1)
        || name.starts_with(b"--")
        || scope.before(bracket) == b'{' && closes_pair(scope, comma + 1);
    (is_quoted && is_first).then_some(name)
}

/// Whether another literal stands behind the one behind a comma, which was not chosen: words of a list.
fn goes_on(scope: &Scope<'_>, comma: usize) -> bool {
    let open = scope.ahead(comma, 2, is_blank);
    let close = closing_quote(scope, open + 1, scope.at(open), 0);
    scope.at(close + 1) == b',' && !value::looks_chosen(scope.part(open + 1, close))
}

/// Whether a literal that was chosen, and nothing else, stands behind a comma in braces, where words of a set may stand.
fn closes_pair(scope: &Scope<'_>, comma: usize) -> bool {
    let open = scope.ahead(comma, 2, is_blank);
    let close = closing_quote(scope, open + 1, scope.at(open), 0);
    value::looks_chosen(scope.part(open + 1, close)) && scope.at(close + 1) == b'}'
}

/// What a test expects the literal at `quote` to be: `assertEquals("…", user.getPassword())`. The parenthesis of the
/// call stands at `open`.
fn compared<'a>(scope: &Scope<'a>, open: usize, quote: usize) -> Option<&'a [u8]> {
    let call = scope.back(open, 1, |b| b == b'!');
    if !calls::is_assertion(scope.part(identifier(scope, call, 32), call)) {
        return None;
    }
    let close = closing_quote(scope, quote + 1, scope.at(quote), 0);
    let from = scope.ahead(close + 1, 3, |b| matches!(b, b',' | b' '));
    let to = scope.ahead(from, 64, is_name);
    let name = scope.part(identifier(scope, to, 48), to);
    let name = calls::GETTERS
        .iter()
        .find_map(|verb| name.strip_prefix(verb.as_bytes()))
        .unwrap_or(name);
    (from > close + 1 && !name.is_empty()).then_some(name)
}

/// What the line above says where lines are numbered, as the client of Redis prints them: `1) "requirepass"`, `2) "…"`.
/// The number ends at `end`.
fn line_before<'a>(scope: &Scope<'a>, end: usize) -> Option<&'a [u8]> {
    let number = scope.back(end - 1, 3, |b| b.is_ascii_digit());
    let line = number
        .checked_sub(1)
        .filter(|_| scope.before(number) == b'\n')?;
    let close = line.checked_sub(1).filter(|_| scope.before(line) == b'"')?;
    let name = scope.back(close, 48, is_name);
    scope
        .last(name, 3)
        .ends_with(b") \"")
        .then(|| scope.part(name, close))
}

/// What `.unwrap_or(`, whose parenthesis stands at `open`, gives a default to: `var("API_KEY").unwrap_or("…")`.
fn defaulted<'a>(scope: &Scope<'a>, open: usize) -> Option<&'a [u8]> {
    let start = identifier(scope, open, 24);
    (calls::is_default(scope.part(start, open)) && scope.before(start) == b'.')
        .then(|| name_at(scope, start - 1))
        .flatten()
}

/// What `.fill(`, whose parenthesis stands at `open`, types into: `getByLabel("Password").fill("…")`.
fn typed<'a>(scope: &Scope<'a>, open: usize) -> Option<&'a [u8]> {
    let start = identifier(scope, open, 24);
    calls::TYPERS
        .iter()
        .any(|typer| scope.part(start, open) == typer.as_bytes())
        .then(|| {
            place(
                scope,
                start
                    .checked_sub(1)
                    .filter(|_| scope.before(start) == b'.')?,
            )
        })
        .flatten()
}

/// The name of the element that a selector in quotes before `end` finds: `fill('#password', `, `$('#password')`.
pub(crate) fn place<'a>(scope: &Scope<'a>, end: usize) -> Option<&'a [u8]> {
    // `getByRole('textbox', { name: 'Password' })`
    let close = scope.back(end, 4, |b| matches!(b, b')' | b'}' | b' '));
    let quote = scope.before(close);
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let floor = scope.from.max(close.saturating_sub(96));
    let open = floor + memchr::memrchr(quote, scope.part(floor, close - 1))?;
    let selector = scope.part(open + 1, close - 1);
    let typed = close < end && scope.at(end) == b'.';
    let is_selector = matches!(selector.first(), Some(b'#' | b'[' | b'.' | b'/')) || typed;
    is_selector.then(|| {
        let end = run_start(selector, selector.len(), 0, |b| {
            matches!(b, b']' | b'"' | b'\'' | b'\\')
        });
        let start = run_start(selector, end, 0, is_name);
        bytes::part(selector, start, end)
    })
}

/// Whether the literal before the comma at `near` is the id of a key whose secret is the next one: `"AKIA…", "…"`.
fn follows_key_id(look: &Look<'_>, near: usize) -> bool {
    if look.before(near) != b',' || !matches!(look.before(near - 1), b'"' | b'\'') {
        return false;
    }
    let close = look.back(near - 2, 1, |b| b == b'\\');
    // The id is a finding by now, and the look begins behind it.
    let floor = look.origin.max(close.saturating_sub(keys::MAX_ID));
    let id = run_start(look.text, close, floor, |b| {
        b.is_ascii_alphanumeric() || b == b'-'
    });
    keys::has_secret(look.part(id, close))
}

/// Whether a literal, which `next` stands behind, can be the secret that a call takes there.
fn does_call_take(takes: Takes, value: &[u8], next: u8) -> bool {
    match takes {
        Takes::Any => value.len() >= 4,
        Takes::Chosen => value::looks_chosen(value),
        Takes::Last => value.len() >= 4 && next != b',',
    }
}

/// Whether a value can be the secret of a key: one run of base64, made at random.
fn is_secret_of_id(value: &[u8]) -> bool {
    let is_of_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    value.len() >= keys::MIN_SECRET
        && value.iter().all(is_of_base64)
        && is_random(value, Tail::Strong)
}

/// Which argument the call takes as a secret where the one behind `near` stands, if it does.
fn secret_argument(look: &Look<'_>, near: usize) -> Option<Takes> {
    if !matches!(look.before(near), b',' | b'(') {
        return None;
    }
    // An argument before it may have been found.
    let floor = look.origin.max(near.saturating_sub(MAX_CALL));
    memchr::memrchr(b'(', look.part(floor, near))?;
    // Back to the parenthesis that is open here.
    let (mut open, mut depth, mut index) = (near, 0, 0);
    loop {
        if open == floor {
            return None;
        }
        open -= 1;
        match at(look.text, open) {
            b')' => depth += 1,
            b'(' if depth > 0 => depth -= 1,
            b'(' => break,
            b',' if depth == 0 => index += 1,
            _ => {}
        }
    }
    let start = run_start(look.text, open, floor, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'=' | b'-' | b'>')
    });
    calls::takes_secret(look.part(start, open), index)
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, marked, redacts};

    #[test]
    fn the_words_of_a_list_are_no_pair() {
        leaves(&["credentials: [\"password\", \"webauthn\", \"magic_link\"]"]);
        marked(&[
            "x = [\"password\", \"{}\"]",
            "x = [\"password\", \"{}\", \"x\"]",
        ]);
    }

    #[test]
    fn a_literal_goes_that_a_call_takes_as_a_secret() {
        for (text, redacted) in [
            (
                r#"client.basic_auth("bob", "tangerine moon")"#,
                r#"client.basic_auth("bob", "[REDACTED_FIELD]")"#,
            ),
            (
                r#"builder.with_password("tangerine")"#,
                r#"builder.with_password("[REDACTED_FIELD]")"#,
            ),
            (
                r#"define('DB_PASSWORD', 'tangerine')"#,
                r#"define('DB_PASSWORD', '[REDACTED_FIELD]')"#,
            ),
            (
                r#"let key = env.API_KEY || "sk7Qm2xV9pL4""#,
                r#"let key = env.API_KEY || "[REDACTED_FIELD]""#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        marked(&[
            "define( 'NONCE_SALT',       '{}' );",
            "{:user \"bob\" :password \"{}\"}",
            "await page.fill('#pass', '{}');",
            "page.getByRole('textbox', { name: 'Password' }).fill('{}');",
            "1) \"requirepass\"\n2) \"{}\"\n3) \"maxmemory\"",
            "std::string token{\"{}\"};",
            "{password, \"{}\"},",
            "{password, <<\"{}\">>}",
            "-define(DB_PASSWORD, \"{}\").",
            "[{\"authorization\", \"Bearer {}\"}]",
            "put(password, \"{}\")",
            "headers = {{\"x-api-key\", \"{}\"}}",
            "{:db_password, \"{}\"}",
            "assert_eq!(config.password, \"{}\");",
            "self.assertEqual(user.password, '{}')",
            "assertEquals(\"{}\", config.getPassword());",
            "new NetworkCredential(\"svc\", @\"{}\", \"CORP\")",
            "env::var(\"DB_PASSWORD\").unwrap_or(\"{}\".into())",
            "env::var(\"DB_PASSWORD\").unwrap_or_else(|_| \"{}\".into())",
        ]);
        for text in [
            r#"new_password("service", "account")"#,
            r#"get_password("database")"#,
            r#"assertEquals(user.name, "harbour12")"#,
            r#"hash(user.password, "sha512")"#,
            r#"{"password", "address"}"#,
            r#"-define(TIMEOUT, "harbour12")."#,
            r#"x << "password" << "harbour""#,
            r#"var("HOME").unwrap_or("harbour12")"#,
            "items.iter().any(|_| \"harbour12\")",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }

    #[test]
    fn the_secret_of_a_key_goes_behind_its_id() {
        let secret = ["an89PH/BmVgM9+DIJbiD", "kRKaD0QQJ7LLebD1m9hW"].concat();
        let id = ["AKIA", "7Q2ZX9LW4BR8SN5C"].concat();
        let text = |next: &str| format!("s3('https://b1.example.com', '{id}', '{next}', 'CSV')");
        let redacted = |next: &str| text(next).replace(&id, "[REDACTED_KEY]");
        redacts(&[(&text(&secret), &redacted("[REDACTED_FIELD]"))]);
        for other in [
            "eu-west-1",
            "2024-05-01",
            "harbour-lantern-7",
            "Active",
            "s3://bucket7/a/b/c/d/e/f/g/h/i/j/k/l",
            "b-2024-05-01T12:33:01Z-7f3a-backup-node",
        ] {
            redacts(&[(&text(other), &redacted(other))]);
        }
        let other = text(&secret).replace(&id, "CSV7");
        leaves(&[&other]);
        let id = ["ALTAK-", "kT7vq2mZx9Lw4bR8sN5c"].concat();
        let secret = ["f4a7c9d1e2b38f60", "a5d4c7b9e1f20a3d"].concat();
        redacts(&[(
            &format!("c('{id}', '{secret}')"),
            "c('[REDACTED_KEY]', '[REDACTED_FIELD]')",
        )]);
    }

    #[test]
    fn an_argument_that_may_be_something_else_goes_if_it_looks_chosen() {
        leaves(&[
            "git.remote('a','b','c','d','upstream')",
            "ks.load('config', 'defaults.json')",
            "page.keyStore.load('settings', 'dark-mode')",
            "BoundedVec::new_from_slice(b\"abcdefgh\")",
            "AES.encrypt('hello', 'utf-8')",
            "pgp_sym_encrypt(ssn, 'compress-algo=1')",
            "new UsernamePasswordAuthenticationToken(user, \"ROLE_ADMIN\")",
            "hash_hmac(\"sha256\", $data, \"prefix-\" . $k)",
        ]);
        marked(&[
            "remote('a','b','c','d','{}')",
            "ks.load(stream, \"{}\")",
            "AES.encrypt('hello', '{}')",
            "FTP(\"ftp.example.org\",\"ada\",\"{}\")",
            "redis.auth(\"default\", \"{}\")",
            "redis.auth(\"{}\")",
        ]);
        redacts(&[(
            r#"FTP("ftp.example.org", "anonymous", "ada@example.com")"#,
            r#"FTP("ftp.example.org", "anonymous", "[REDACTED_EMAIL]")"#,
        )]);
    }

    #[test]
    fn a_call_takes_its_secret_in_a_trace_and_behind_an_address() {
        marked(&[
            "#0 db.php(12): PDO->__construct('mysql:host=db', 'forge', '{}', Array)",
            "\\mysqli::__construct('localhost', 'root', '{}')",
            "() => login(\"bob\", \"{}\")",
            "() =>login(\"bob\", \"{}\")",
        ]);
        redacts(&[(
            r#"smtp.PlainAuth("", "bob@shop.example.io", "harbour12lantern", "smtp.example.io")"#,
            r#"smtp.PlainAuth("", "[REDACTED_EMAIL]", "[REDACTED_FIELD]", "smtp.example.io")"#,
        )]);
        leaves(&[
            "PDO->__construct('mysql:host=db', 'harbour12')",
            "Task->__construct('queue', 'harbour12', 'lantern34')",
        ]);
    }
}
