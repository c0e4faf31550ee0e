//! Where a value begins and ends: a quoted literal, a line of a file, a query, a block of YAML.
//!
//! That is the hard part of an assignment, and depends on what the text is.

use crate::redact::catalogue::{calls, formats, headers, names, words};
use crate::redact::class::MARK_START;
use crate::redact::find::{account, bare_word};
use crate::redact::judge::style::{Given, Style};
use crate::redact::judge::{code, name, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, has_word_at, is_token};
use crate::redact::read::lex::{
    MAX_JUDGED, MAX_WORD, closes, closing_quote, is_assignment, is_blank, is_name, line_end,
    typographic,
};
use crate::redact::read::scope::{Found, Scope};

/// The value of a name, if it is one to hide.
pub(crate) fn value_at(given: &Given<'_>) -> Option<Found> {
    let (scope, start, name) = (&given.scope, given.start, given.name);
    let (kind, style) = (given.kind, given.style);
    let mut open = step_into_literal(scope, start);
    let escapes = scope.run(open, |b| b == b'\\') - open;
    open += escapes;
    let quote = scope.at(open);
    if matches!(quote, b'"' | b'\'') || escapes == 0 && quote == b'`' {
        let (from, to) = quoted(given, open, escapes)?;
        return literal(scope, from, to, kind, name);
    }
    if escapes > 0 || style.literal_only {
        return None;
    }
    if let Some((from, to)) = typographic(scope, open).or_else(|| bracketed(scope, open)) {
        return literal(scope, from, to, kind, name);
    }
    let grouped = || account::grouped_end(scope, open).filter(|_| kind.hides());
    if let Some(end) = grouped().or_else(|| bare_word::end(given)) {
        return Some(Found::new(start, end, names::CLASS));
    }
    if matches!(quote, b'|' | b'>') && style.own_line {
        return block(given, open);
    }
    in_braces(scope, open, style).or_else(|| unquoted(given))
}

/// What a value in the brackets of a language, the first of which may stand at `open`, is between them.
fn bracketed(scope: &Scope<'_>, open: usize) -> Option<(usize, usize)> {
    if !matches!(scope.at(open), b'q' | b'[') {
        return None;
    }
    let text = scope.part(open, open + MAX_WORD);
    // The mark of a pass before, in a list that Go has printed: `password:[[REDACTED_FIELD]]`.
    if bytes::rest(text, 1).starts_with(MARK_START) {
        return None;
    }
    let (opener, closer) = formats::BRACKETS
        .iter()
        .find(|(opener, _)| text.starts_with(opener.as_bytes()))?;
    let value = bytes::rest(text, opener.len());
    let value = bytes::part(
        value,
        0,
        memchr::memchr(b'\n', value).unwrap_or(value.len()),
    );
    let from = open + opener.len();
    bytes::find(value, closer.as_bytes()).map(|end| (from, from + end))
}

/// Connection strings may have braces around what may hold a semicolon.
fn in_braces(scope: &Scope<'_>, open: usize, style: Style) -> Option<Found> {
    if scope.at(open) != b'{' || !style.equals || style.spaced {
        return None;
    }
    let close = open + memchr::memchr(b'}', scope.part(open, open + MAX_JUDGED))?;
    let value = scope.part(open + 1, close);
    let behind = scope.at(close + 1);
    let is_part =
        behind == b';' || scope.before(style.name) == b';' || memchr::memchr(b';', value).is_some();
    (is_part
        && matches!(behind, b';' | 0 | b'"' | b'\n')
        && value::looks_chosen(value)
        && value::is_real(value))
    .then(|| Found::new(open + 1, close, names::CLASS))
}

/// What stands between the quotes that open at `open`, behind so many backslashes, if they open a value.
fn quoted(given: &Given<'_>, open: usize, escapes: usize) -> Option<(usize, usize)> {
    let scope = &given.scope;
    let quote = scope.at(open);
    if scope.part(open, open + 3) == [quote; 3] {
        let until = memchr::memmem::find(scope.part(open + 3, scope.to), &[quote; 3])
            .map_or(scope.to, |n| open + 3 + n);
        return Some((open + 3, until));
    }
    // The quote of `"Authorization: "` closes what began before the name, and so does the apostrophe of
    // `'no cookie:', error`.
    let closes_other = escapes == 0
        && (quote == b'"' && closes(scope, given.start)
            || quote == b'\''
                && given.start == open
                && (!given.style.spaced || given.style.quote == quote)
                && matches!(scope.at(open + 1), b',' | b')' | b';' | b' '));
    // `""` in a quoted cell of a CSV file, or nothing at all.
    let is_empty = escapes == 0 && scope.at(open + 1) == quote;
    (!closes_other && !is_empty).then(|| (open + 1, closing_quote(scope, open + 1, quote, escapes)))
}

/// A value without quotes: a word, or the line where lines are what values are.
fn unquoted(given: &Given<'_>) -> Option<Found> {
    let (scope, start, style) = (&given.scope, given.start, given.style);
    let near = Scope {
        to: scope.to.min(start + MAX_JUDGED),
        ..*scope
    };
    let mut end = unquoted_end(&near, start, style);
    if let Some(line) = phrase(given, end) {
        return Some(Found::new(start, line, names::CLASS));
    }
    if !value::is_unquoted_secret(given, end) {
        return None;
    }
    if end == near.to {
        end = unquoted_end(scope, end, style);
    }
    Some(Found::new(start, end, names::CLASS))
}

/// Where the words of a password end whose first one ends at `end`, on a line among others that assign:
/// `password: correct horse battery`.
fn phrase(given: &Given<'_>, end: usize) -> Option<usize> {
    let (scope, start, name) = (&given.scope, given.start, given.name);
    // Most values are no first word of a line, whose end is far.
    if !given.style.own_line
        || scope.at(end) != b' '
        || matches!(given.kind, Kind::Maybe | Kind::Handle)
    {
        return None;
    }
    let line = line_end(scope, end);
    let value = scope.part(start, line);
    let is_listed = is_environment(given, line);
    if !is_listed && (!value::is_password_name(name) || names::is_secret(name)) {
        return None;
    }
    let is_code = value.iter().any(|b| b"({<[=\"';".contains(b));
    let is_said = value
        .split(|b| !b.is_ascii_alphabetic())
        .any(words::is_of_sentences);
    let takes = line > end
        && is_line_assigned(scope, line)
        && !is_code
        && (is_listed || !is_said)
        && value::is_real(value)
        && value::is_real(scope.part(start, end))
        && !value::is_label(value, name);
    takes.then_some(line)
}

/// Whether a line that ends at `end` is one of a list of variables and their values, words alone, as `printenv` prints
/// it: no command stands behind them.
fn is_environment(given: &Given<'_>, end: usize) -> bool {
    let (scope, start, name) = (&given.scope, given.start, given.style.name);
    let is_shouted = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let next = scope.run(end, |b| matches!(b, b'\r' | b'\n'));
    let sign = scope.ahead(next, 40, |b| is_shouted(&b));
    name + given.name.len() + 1 == start
        && given.name.iter().all(is_shouted)
        && (name == scope.origin || scope.before(name) == b'\n')
        && scope
            .part(start, end)
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b' ')
        && sign > next
        && scope.at(sign) == b'='
}

/// Whether the line behind `end` assigns something as well.
fn is_line_assigned(scope: &Scope<'_>, end: usize) -> bool {
    let next = scope.ahead(end, MAX_WORD, |b| b != b'\n');
    let name = scope.ahead(next, MAX_WORD, |b| b.is_ascii_whitespace() || b == b'-');
    let sign = scope.ahead(name, 40, is_name);
    is_assignment(scope, name) && scope.at(sign + 1) != b'/'
}

/// A block of YAML, whose sign stands at `open`: the lines below that are indented further.
fn block(given: &Given<'_>, open: usize) -> Option<Found> {
    let (scope, name) = (&given.scope, given.style.name);
    // Behind `- ` the other names of a list stand as far in as this one.
    let indent = name - scope.back(name, 256, |b| b != b'\n');
    let mut pos = scope.run(open + 1, |b| matches!(b, b'-' | b'+' | b'0'..=b'9'));
    pos = scope.run(pos, |b| b == b' ' || b == b'\r');
    let mut found: Option<(usize, usize)> = None;
    while scope.at(pos) == b'\n' {
        let content = scope.run(pos + 1, is_blank);
        let end = scope.run(content, |b| !matches!(b, b'\n' | b'\r'));
        if end > content {
            if content - pos - 1 <= indent {
                break;
            }
            found = Some((found.map_or(content, |(first, _)| first), end));
        }
        pos = scope.run(end, |b| b == b'\r');
    }
    let (first, end) = found?;
    let value = scope.part(first, end);
    let takes = given.kind != Kind::Secrets && value::fits(value, given.kind);
    (takes && value::is_real(value)).then(|| Found::new(first, end, names::CLASS))
}

/// A quoted value between its quotes.
pub(crate) fn literal(
    scope: &Scope<'_>,
    from: usize,
    to: usize,
    kind: Kind,
    name: &[u8],
) -> Option<Found> {
    let value = scope.part(from, to);
    if !value::fits(value, kind)
        || value.len() < 2
        || !value::is_real(value)
        || value::is_label(value, name)
        || value::is_token_of_other_kind(value, name)
        || value::is_reference(value)
        || value::is_plain_address(value)
        // `cookie = "sid"`
        || kind == Kind::Secret
            && value.len() < 4
            && value.iter().all(u8::is_ascii_alphabetic)
            && !value::is_password_name(name)
        // `STORAGE_KEY = "access_token_2"`
        || !value::is_password_name(name) && code::is_snake(value, 2) && name::judge(value).hides()
    {
        return None;
    }
    // A scheme stays.
    let scheme = headers::scheme_len(value);
    let from = from + scheme;
    if !value::is_real(scope.part(from, to)) {
        return None;
    }
    (from < to).then(|| Found::new(from, to, names::CLASS))
}

/// Steps over what may stand before a literal: `b"…"`, `String::from("…")`, `Some("…")`, `new SecureString("…")`,
/// `<<"…">>`, `string(9) "…"`.
fn step_into_literal(scope: &Scope<'_>, start: usize) -> usize {
    let near = scope.part(start, start + 10);
    if let Some(lead) = formats::LEADS
        .iter()
        .find(|lead| near.starts_with(lead.as_bytes()))
    {
        let open = start + lead.trim_end_matches('"').len();
        let inner = step_into_literal(scope, open);
        return if matches!(scope.at(inner), b'"' | b'\'') {
            inner
        } else {
            start
        };
    }
    if near.starts_with(formats::DUMPED) {
        let count = scope.ahead(start + formats::DUMPED.len(), 7, |b| b.is_ascii_digit());
        return if scope.part(count, count + 3) == b") \"" {
            count + 2
        } else {
            start
        };
    }
    let end = scope.ahead(start, 48, |b| {
        is_token(b) && b != b'-' || matches!(b, b':' | b'.' | b'#' | b'@')
    });
    let word = scope.part(start, end);
    if word.is_empty() {
        return start;
    }
    if matches!(scope.at(end), b'"' | b'\'') && word.len() <= 3 {
        return end;
    }
    // Rust prints what is nested on a line of its own.
    let open = scope.ahead(end + 1, 47, |b| b.is_ascii_whitespace());
    if scope.at(end) == b'(' && matches!(scope.at(open), b'"' | b'\'' | b'b') {
        let last = word
            .rsplit(|b| matches!(b, b':' | b'.'))
            .next()
            .unwrap_or(&[]);
        if calls::is_wrapper(last) {
            let quote = open + usize::from(scope.at(open) == b'b');
            if matches!(scope.at(quote), b'"' | b'\'') {
                return quote;
            }
        }
    }
    start
}

/// Where an unquoted value ends.
fn unquoted_end(scope: &Scope<'_>, start: usize, style: Style) -> usize {
    // No value ends before a letter or a digit, and most of it is such.
    let mut pos = scope.run(start, is_token);
    while pos < scope.to && !ends_unquoted(scope, pos, style) {
        pos = scope.run(pos + 1, is_token);
    }
    pos
}

/// Whether an unquoted value ends before the byte at `pos`, by that byte and the one behind it.
fn ends_unquoted(scope: &Scope<'_>, pos: usize, style: Style) -> bool {
    let next = scope.at(pos + 1);
    let gap = matches!(next, 0 | b' ' | b'\n' | b'\r');
    match at(scope.text, pos) {
        b' ' | b'\t' | b'\n' | b'\r' | 0 | b'"' => true,
        b'\'' | b'`' => gap || b"\t,;)}]&.>\\|:/<".contains(&next),
        b'\\' => matches!(next, b'"' | b'\'' | b'n' | b'r' | b't'),
        b'&' => {
            style.equals
                && (next == 0
                    || is_assignment(scope, pos + 1)
                    || next == b'#'
                    || has_word_at(scope.text, pos, formats::AMPERSAND))
        }
        b';' | b',' => gap || matches!(next, b'"' | b'\'') || is_assignment(scope, pos + 1),
        b')' | b']' | b'}' => gap || b",;.)]}[(\"':<".contains(&next),
        b'<' => next == b'/' || next.is_ascii_alphabetic() || next == b'<',
        b'>' => gap || matches!(next, b',' | b')' | b';'),
        b'|' => matches!(next, 0 | b' '),
        b'.' | b'!' | b'?' => !style.own_line && (gap || matches!(next, b'"' | b'\'' | b')')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::marked;

    #[test]
    fn an_apostrophe_that_closes_a_text_begins_no_value() {
        crate::redact::tests::leaves(&[
            "password = ask('Password: ')\ntoken = log_in(user, password)\nraise E('wrong password')",
        ]);
    }

    #[test]
    fn a_value_ends_where_its_writing_ends() {
        for (text, redacted) in [
            (
                "password = \"hunter 2\", x",
                "password = \"[REDACTED_FIELD]\", x",
            ),
            (
                "password = \"\"\"hun\nter2\"\"\" x",
                "password = \"\"\"[REDACTED_FIELD]\"\"\" x",
            ),
            (
                "the password: hunter2. Then",
                "the password: [REDACTED_FIELD]. Then",
            ),
            ("PASSWORD={hunter;2};x=1", "PASSWORD={[REDACTED_FIELD]};x=1"),
            ("a?password=hunter2&b=1", "a?password=[REDACTED_FIELD]&b=1"),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
    }

    #[test]
    fn a_mark_between_brackets_is_no_long_string() {
        crate::redact::tests::leaves(&["map[password:[[REDACTED_FIELD]] user:[bob]]"]);
        assert_eq!(
            redact_str("password = [[hunter 2xK9]]"),
            "password = [[[REDACTED_FIELD]]]"
        );
    }

    #[test]
    fn all_words_of_a_password_go_among_lines_that_assign() {
        for text in [
            "user: bob\npassword: correct horse battery staple\nport: 80",
            "user: ada\npassword: correct horse battery\nport: 1",
            "passphrase = correct horse battery # ours\n\n- port = 1",
            "PWD=/srv/app\nSESSION_SECRET=correct horse battery\nTERM=xterm",
        ] {
            let phrase = text.replace(" staple", "");
            let redacted = phrase.replace("correct horse battery", "[REDACTED_FIELD]");
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            "password: correct horse battery",
            "password: set it in the panel\nuser: bob",
            "password: your own words\nuser: bob",
            "password: read it (twice)\nuser: bob",
            "token: correct horse battery\nuser: bob",
            "password: see our page\nhttps://example.com",
            "SESSION_SECRET = horse for it\nTERM=xterm",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }

    #[test]
    fn a_block_goes_whole() {
        for (text, redacted) in [
            (
                "password: |\n  first line\n  second line\nuser: bob",
                "password: |\n  [REDACTED_FIELD]\nuser: bob",
            ),
            (
                "secret: >-\n  zX9kQ2mW7vB4\nnext: 1",
                "secret: >-\n  [REDACTED_FIELD]\nnext: 1",
            ),
            (
                "- password: |\n    a line\n  user: bob",
                "- password: |\n    [REDACTED_FIELD]\n  user: bob",
            ),
            (
                "a:\n  token: |2\r\n    first\r\n\r\n    second\r\n  next: 1",
                "a:\n  token: |2\r\n    [REDACTED_FIELD]\r\n  next: 1",
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            "password: |\nuser: bob",
            "password: >\n  ${PASSWORD}\nuser: bob",
            "key: |\n  of many words\nuser: bob",
            "secrets: |\n  id=of,src=many\nuser: bob",
            "password: | first\n  line\nuser: bob",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }

    #[test]
    fn what_rust_prints_on_a_line_of_its_own_goes() {
        let text = "password: Some(\n        \"hunter2\",\n    ),";
        assert_eq!(
            redact_str(text),
            text.replace("hunter2", "[REDACTED_FIELD]")
        );
    }

    #[test]
    fn a_literal_goes_however_its_language_writes_it() {
        marked(&[
            "my $password = q{{}};",
            "my $password = qq({});",
            "local password = [[{}]]",
            "#{password => <<\"{}\">>, user => <<\"ops\">>}",
            "password = new SecureString(\"{}\");",
            "[\"password\"]=>\n  string(10) \"{}\"",
            "password: !!str {}",
            "password: !!str \"{}\"",
        ]);
    }

    #[test]
    fn what_is_no_value_stays() {
        for text in [
            "[\"password\"]=>\n  string(10) of",
            "password = [[hunter2xK9 of",
            "\"scripts\":{\"token:refresh\":\"node a.mjs\"}",
            "struct A {\n    pub cookie: u32,\n    pub log_passwd: __u32,\n}",
            "    IMAGE_REL_AMD64_TOKEN = 0x000D,",
            "{\"x-api-key\": key1 }",
            "type A { accessToken: String! }",
            "input A {\n  password: String!\n  otp: String\n}",
            ":placeholder=\"$t('login.password')\" password",
            "password = \"\"",
            "'no password:', error",
            "console.log('no password:', error);",
            "password: String::new()",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
