//! Names that are values themselves: attributes of XML and HTML, parts of forms, lists of variables, elements.

use crate::redact::catalogue::{formats, labels};
use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::find::{context, phrase};
use crate::redact::judge::{random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, has_word_at, run_end, run_start};
use crate::redact::read::lex::{MAX_WORD, Name, closing_quote, is_name};
use crate::redact::read::scope::{Found, Scope};

/// So far above a cell the head of its column is looked for.
const MAX_TABLE: usize = 2048;

/// A longer line is none of a snapshot, and so many of them stand between a heading and what it names.
const MAX_ITEM: usize = 160;
const MAX_ABOVE: usize = 4;

/// Something like `name="DB_PASSWORD"`, whose value begins at `value`: what belongs to that name is hidden.
pub(crate) fn named(look: &mut Look<'_>, name: &[u8], value: usize, sign: u8) {
    if name.eq_ignore_ascii_case(formats::PUTTY.0.as_bytes()) {
        look.report(putty(look, value));
        return;
    }
    if name == formats::TERRAFORM.0 {
        look.report(variable(look, value));
        return;
    }
    if sign == b':' && formats::is_data(name) {
        kubernetes(look, value);
        return;
    }
    if !labels::is_label(name) {
        return;
    }
    let open = look.ahead(value, 2, |b| b == b'\\');
    let quote = look.at(open);
    let (from, to) = if matches!(quote, b'"' | b'\'') {
        (
            open + 1,
            look.ahead(open + 1, 97, |b| is_name(b) || b == b' '),
        )
    } else {
        (value, look.ahead(value, 98, is_name))
    };
    let kind = context::kind_of_label(look.part(from, to), |name| look.judge(name));
    if to == from || !kind.hides() && kind != Kind::Opaque {
        return;
    }
    let mut pos = to;
    if matches!(quote, b'"' | b'\'') {
        pos = look.ahead(pos, 2, |b| b == b'\\' || b == quote);
    }
    let found = ahead(look, from)
        .or_else(|| updated(look, from))
        .or_else(|| beside(look, pos, matches!(quote, b'"' | b'\'')))
        .filter(|found| kind.hides() || value::fits(look.part(found.start, found.end), kind));
    look.report(found);
}

/// Whether a name is that of an element in the snapshot of a page: `- textbox [ref=e12]: …`.
pub(crate) fn is_of_snapshot(scope: &Scope<'_>, name: &Name<'_>) -> bool {
    name.text.ends_with(b"]") && scope.before(name.start) == b'=' || labels::holds_text(name.text)
}

/// The text of an element in the snapshot of a page, which is the rest of the line from `value` on, where its own name or
/// a heading above it says that it is a secret, or a line of text does.
pub(crate) fn of_snapshot(look: &Look<'_>, name: usize, value: usize) -> Option<Found> {
    let from = look.ahead(value, 1, |b| b == b'"');
    let to = look.ahead(from, MAX_WORD, |b| !b.is_ascii_whitespace() && b != b'"');
    let end = look.ahead(to, 1, |b| b == b'"');
    let mut line = look.back(name, MAX_ITEM, |b| b != b'\n');
    let own = item(look.part(line, name))?;
    if !matches!(look.at(end), 0 | b'\n' | b'\r') || !value::looks_chosen(look.part(from, to)) {
        return None;
    }
    if names(look, title(own).unwrap_or_default()) {
        return hidden(look, from, to);
    }
    for _ in 0..MAX_ABOVE {
        let close = line.checked_sub(1).filter(|close| *close > look.origin)?;
        line = look.back(close, MAX_ITEM, |b| b != b'\n');
        let above = item(look.part(line, close))?;
        let text = bytes::rest(above, memchr::memchr(b':', above).map_or(0, |n| n + 1));
        if names(look, title(above).unwrap_or(text.trim_ascii())) {
            return random::is_opaque(look.part(from, to))
                .then(|| hidden(look, from, to))
                .flatten();
        }
        if labels::heads(above) {
            break;
        }
    }
    None
}

/// What stands on a line of a list behind its sign.
fn item(line: &[u8]) -> Option<&[u8]> {
    line.trim_ascii_start().strip_prefix(b"- ")
}

/// What stands in quotes on a line.
fn title(line: &[u8]) -> Option<&[u8]> {
    let quote = |b: &u8| *b == b'"';
    let open = line.iter().position(quote)?;
    line.get(open + 1..line.iter().rposition(quote)?)
}

/// Whether a title names a secret: `API key`, `API key created`.
fn names(look: &Look<'_>, title: &[u8]) -> bool {
    look.judge(phrase::without_given(title)).hides()
}

/// The value of a tag that stands before its name: `<input value="…" name="token">`.
fn ahead(scope: &Scope<'_>, name: usize) -> Option<Found> {
    let floor = scope.from.max(name.saturating_sub(256));
    let tag = floor + memchr::memrchr2(b'<', b'>', scope.part(floor, name))?;
    if scope.at(tag) != b'<' {
        return None;
    }
    let sign = formats::VALUE_OF_TAG;
    let open = tag + bytes::find(scope.part(tag, name), sign)? + sign.len();
    let escapes = usize::from(scope.at(open) == b'\\');
    let quote = scope.at(open + escapes);
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let from = open + escapes + 1;
    hidden(scope, from, closing_quote(scope, from, quote, escapes))
}

/// What a statement of SQL sets where a setting has the name at `name`: `SET value = '…' WHERE name = 'smtp_password'`.
fn updated(scope: &Scope<'_>, name: usize) -> Option<Found> {
    let before = scope.last(name, 256);
    let close = formats::WHERE
        .iter()
        .find_map(|word| memchr::memmem::rfind(before, word))?;
    let set = bytes::part(before, 0, close);
    let open = memchr::memrchr(b'\'', set)?;
    let first = name - before.len();
    bytes::part(set, 0, open)
        .trim_ascii_end()
        .ends_with(b"=")
        .then(|| hidden(scope, first + open + 1, first + close))
        .flatten()
}

/// What a variable of Terraform with a sensitive name is by default; the literal begins at `value`.
fn variable(look: &Look<'_>, value: usize) -> Option<Found> {
    if look.at(value) != b'"' {
        return None;
    }
    let floor = look.from.max(value.saturating_sub(400));
    let block = look.part(floor, value);
    let open = floor + memchr::memrchr(b'{', block)?;
    let name = run_start(look.text, open, floor, |b| b == b' ');
    let name = (name > floor && look.before(name) == b'"').then_some(name - 1)?;
    let start = run_start(look.text, name, floor, is_name);
    let declared = look.part(start.saturating_sub(10).max(floor), start);
    if declared != formats::TERRAFORM.1 || !look.judge(look.part(start, name)).hides() {
        return None;
    }
    hidden(look, value + 1, closing_quote(look, value + 1, b'"', 0))
}

/// The value that belongs to a name which ends at `pos`.
fn beside(scope: &Scope<'_>, pos: usize, quoted: bool) -> Option<Found> {
    let text = scope.text;
    // A part of a form: an empty line, then the value.
    let lines = scope.ahead(pos, 4, |b| matches!(b, b'\r' | b'\n'));
    if lines >= pos + 2 && memchr::memchr_iter(b'\n', scope.part(pos, lines)).count() >= 2 {
        let end = memchr::memchr2(b'\r', b'\n', scope.part(lines, scope.to))
            .map_or(scope.to, |n| lines + n);
        return hidden(scope, lines, end);
    }
    let limit = scope.to.min(pos + 256);
    let mut at = pos;
    while at < limit {
        let byte = scope.at(at);
        if byte == b'>' {
            if !quoted || is_of_empty_element(scope, at) {
                return None;
            }
            let end =
                memchr::memchr(b'<', scope.part(at + 1, scope.to)).map_or(scope.to, |n| at + 1 + n);
            return hidden(scope, at + 1, end);
        }
        // The next of a list: `- name: …`.
        if byte == b'\n' {
            let item = scope.ahead(at + 1, 64, |b| b == b' ');
            if scope.at(item) == b'-' && scope.at(item + 1) == b' ' {
                return None;
            }
        }
        if byte == b'<' || byte == b'{' || byte == b'}' && scope.at(at + 1) != b',' {
            return None;
        }
        if (byte | 32) == b'v'
            && has_word_at(text, at, formats::VALUE)
            && !scope.before(at).is_ascii_alphanumeric()
        {
            return attribute(scope, at + formats::VALUE.len(), limit);
        }
        at += 1;
    }
    None
}

/// The value of an attribute whose name ends at `pos`.
fn attribute(scope: &Scope<'_>, pos: usize, limit: usize) -> Option<Found> {
    let is_around = |b: u8| matches!(b, b'"' | b'\'' | b' ' | b'\\');
    let sign = run_end(scope.text, pos, limit, is_around);
    if !matches!(scope.at(sign), b'=' | b':') {
        return None;
    }
    let open = run_end(scope.text, sign + 1, limit, |b| b == b' ' || b == b'\\');
    match scope.at(open) {
        quote @ (b'"' | b'\'') => {
            let escapes = usize::from(scope.before(open) == b'\\');
            let close = closing_quote(scope, open + 1, quote, escapes);
            hidden(scope, open + 1, close)
        }
        // `value={props.password}`
        b'{' => None,
        _ => {
            let end = scope.run(open, |b| {
                !b.is_ascii_whitespace() && !matches!(b, b',' | b'>' | b'}')
            });
            hidden(scope, open, end)
        }
    }
}

/// Whether the tag that ends at `end` is one of an element that holds nothing.
fn is_of_empty_element(scope: &Scope<'_>, end: usize) -> bool {
    let tag = scope.last(end, 256);
    let name = memchr::memrchr(b'<', tag).map_or(&b""[..], |open| bytes::rest(tag, open + 1));
    let length = name.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    labels::is_empty(bytes::part(name, 0, length))
}

/// The lines of a private key of PuTTY, whose number stands at `value`.
fn putty(scope: &Scope<'_>, value: usize) -> Option<Found> {
    let line = |b: u8| !matches!(b, b'\n' | b'\r' | b'\\');
    let first = scope.run(scope.run(value, line), |b| {
        matches!(b, b'\n' | b'\r' | b'\\' | b'n' | b'r')
    });
    let end = memchr::memmem::find(scope.part(first, scope.to), formats::PUTTY.1.as_bytes())
        .map_or(scope.to, |n| first + n);
    let found = hidden(scope, first, end)?;
    Some(Found::new(found.start, found.end, Class::PrivateKey))
}

fn hidden(scope: &Scope<'_>, from: usize, to: usize) -> Option<Found> {
    let from = run_end(scope.text, from, to, |b| b.is_ascii_whitespace());
    let to = run_start(scope.text, to, from, |b| b.is_ascii_whitespace());
    let value = scope.part(from, to);
    (value::is_real(value) && !value::is_label(value, b""))
        .then(|| Found::new(from, to, Class::Field))
}

/// The lines below `data:` of a Kubernetes secret.
fn kubernetes(look: &mut Look<'_>, value: usize) {
    if !matches!(look.at(value), b'\n' | b'\r') {
        return;
    }
    let near = look.part(value.saturating_sub(512).max(look.from), value + 512);
    if memchr::memmem::find(near, formats::KUBERNETES).is_none() {
        return;
    }
    let mut line = value;
    loop {
        let begin = look.run(line, |b| matches!(b, b'\n' | b'\r'));
        let name = look.run(begin, |b| b == b' ');
        let end = look.run(name, is_name);
        if name == begin || end == name || look.at(end) != b':' {
            return;
        }
        let from = look.run(end + 1, |b| b == b' ');
        let to = look.run(from, |b| !matches!(b, b'\n' | b'\r'));
        look.report(hidden(look, from, to));
        line = to;
        if line >= look.to {
            return;
        }
    }
}

/// The content of a tag of HTML, whose name ends at `end`, behind what a person reads: `<dt>API key</dt><dd>…`,
/// `Password: <b>…`.
fn labelled(look: &Look<'_>, pos: usize, end: usize) -> Option<Found> {
    let close = end + memchr::memchr(b'>', look.part(end, end + 64))? + 1;
    let until = close + memchr::memchr(b'<', look.part(close, close + 256))?;
    if !value::looks_chosen(look.part(close, until)) {
        return None;
    }
    if heads_cell(look, pos) {
        return hidden(look, close, until);
    }
    let floor = look.from.max(pos.saturating_sub(72));
    let mut label = look.part(floor, pos).trim_ascii();
    // Closing and opening tags between the label and its value.
    for _ in 0..2 {
        if label.ends_with(b">") {
            label = bytes::part(label, 0, memchr::memrchr(b'<', label)?).trim_ascii();
        }
    }
    let label = label.strip_suffix(b":").unwrap_or(label);
    let label = bytes::rest(
        label,
        memchr::memrchr2(b'>', b'\n', label).map_or(0, |n| n + 1),
    );
    let label = label.trim_ascii();
    (label.len() <= 40 && look.judge(label).hides())
        .then(|| hidden(look, close, until))
        .flatten()
}

/// Whether the cell at `pos` stands below one of the first row of its table that has a sensitive name.
fn heads_cell(look: &Look<'_>, pos: usize) -> bool {
    let (row, header, cell) = labels::CELLS;
    let before = bytes::part(
        look.text,
        look.origin.max(pos.saturating_sub(MAX_TABLE)),
        pos,
    );
    let Some(begin) = memchr::memmem::rfind(before, row) else {
        return false;
    };
    let column = memchr::memmem::find_iter(bytes::rest(before, begin), cell).count();
    let mut heads = memchr::memmem::find_iter(bytes::part(before, 0, begin), header);
    let head = heads.nth(column).map(|head| bytes::rest(before, head));
    head.and_then(|head| {
        let open = memchr::memchr(b'>', bytes::part(head, 0, 64))? + 1;
        let end = memchr::memchr(b'<', bytes::part(head, open, open + 48))? + open;
        Some(
            look.judge(bytes::part(head, open, end).trim_ascii())
                .hides(),
        )
    })
    .unwrap_or_default()
}

/// The element behind one that holds a name, of a property list or a configuration of Hadoop; the name begins at
/// `start`.
fn next_element(look: &Look<'_>, start: usize) -> Option<Found> {
    let until = memchr::memchr(b'<', look.part(start, start + 97))? + start;
    if !look.judge(look.part(start, until)).hides() {
        return None;
    }
    let near = look.part(until, until + 64);
    let string = labels::NEXT
        .iter()
        .find_map(|tag| bytes::find(near, tag.as_bytes()).map(|n| until + n + tag.len()))?;
    // `<Value ProtectInMemory="True">`
    let string = string + memchr::memchr(b'>', look.part(string, string + 48))? + 1;
    let close = memchr::memchr(b'<', look.part(string, look.to)).map_or(look.to, |n| string + n);
    hidden(look, string, close)
}

/// The content of an element with a sensitive name, whose `<` stands at `pos`.
pub(crate) fn element(look: &Look<'_>, pos: usize) -> Option<Found> {
    // `Option<Token>` and `x << secret` are code.
    if look.before(pos).is_ascii_alphanumeric() || matches!(look.before(pos), b'<' | b':' | b'_') {
        return None;
    }
    let end = look.ahead(pos + 1, 95, |b| is_name(b) || b == b':');
    let name = look.part(pos + 1, end);
    // `<wsse:Password Type="…">`
    let attributes = look.at(end) == b' ' && at(name, 0).is_ascii_alphabetic();
    let end = if attributes {
        look.ahead(end, 160, |b| b != b'>')
    } else {
        end
    };
    if !at(name, 0).is_ascii_alphabetic() || look.at(end) != b'>' {
        return None;
    }
    if labels::names_next(name) {
        return next_element(look, end + 1);
    }
    if labels::is_read(name) {
        return labelled(look, pos, end);
    }
    // `<Pass>`, and `<password type="…">`, which may be a part of a page.
    let kind = look.judge(name);
    let is_bare = look.at(pos + 1 + name.len()) == b'>' || memchr::memchr(b':', name).is_some();
    let is_sure = is_bare && kind.hides();
    if !kind.hides() && kind != Kind::Maybe {
        return None;
    }
    let mut from = look.run(end + 1, |b| b.is_ascii_whitespace());
    if look.part(from, from + formats::CDATA.0.len()) == formats::CDATA.0 {
        from += 9;
        let to = memchr::memmem::find(look.part(from, look.to), formats::CDATA.1)
            .map_or(look.to, |n| from + n);
        return hidden(look, from, to);
    }
    let until = memchr::memchr(b'<', look.part(from, look.to)).map_or(look.to, |n| from + n);
    // Without its end tag it is no element: `--token <TOKEN> --verbose`.
    (look.at(until + 1) == b'/' && (is_sure || value::looks_chosen(look.part(from, until))))
        .then(|| hidden(look, from, until))
        .flatten()
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, marked};

    #[test]
    fn an_element_goes_that_has_attributes_or_a_short_name_if_its_content_looks_chosen() {
        marked(&[
            "<User>bob</User><Pass>{}</Pass>",
            "<Pass encoding=\"base64\">{}</Pass>",
            "<password type=\"plain\">{}</password>",
        ]);
        leaves(&[
            "<Pass>all tests</Pass>",
            "<Password strength=\"high\">Forgotten?</Password>",
        ]);
    }

    #[test]
    fn cells_below_the_head_of_their_column_go() {
        marked(&[
            "<table>\n<tr><th>Host</th><th>Login</th><th class=\"w\">Kennwort</th></tr>\n<tr><td>nas01</td><td>root</td><td>{}</td></tr>\n<tr><td>nas02</td><td>root</td><td>{}</td></tr>\n</table>",
        ]);
        leaves(&[
            "<table><tr><th>Kennwort</th><th>Host</th></tr><tr><td>ja</td><td>web1x9k</td></tr></table>",
        ]);
    }

    #[test]
    fn what_an_element_shows_below_a_heading_goes_if_it_looks_like_a_key() {
        let key = "kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6";
        for text in [
            "- heading \"API key\" [level=2]\n- textbox [ref=e12]: {}",
            "- heading \"Client secret\" [level=3]\n- text: Shown once.\n- code: {}\n- button \"OK\"",
            "- generic [ref=e3]:\n  - text: Access token\n  - textbox \"Value\" [ref=e4]: {}\n",
        ] {
            let marked = text.replace("{}", "[REDACTED_FIELD]");
            assert_eq!(redact_str(&text.replace("{}", key)), marked);
            let created = text.replace("key\"", "key created\"");
            assert!(!redact_str(&created.replace("{}", key)).contains(key));
            leaves(&[&text.replace("{}", "Name it")]);
        }
        for text in [
            "- heading \"Commit\" [level=2]\n- code: {}",
            "- heading \"API keys\" [level=1]\n- heading \"Request\"\n- code: {}",
            "API key\ncode: {}, of the build",
        ] {
            leaves(&[&text.replace("{}", key)]);
        }
    }

    #[test]
    fn what_a_statement_sets_for_a_sensitive_name_goes() {
        marked(&[
            "UPDATE settings SET value = '{}' WHERE name = 'smtp_password'",
            "update parametres set valeur = '{}' where cle = 'smtp_mot_de_passe';",
        ]);
        leaves(&[
            "UPDATE settings SET value = 'hunter2xK9' WHERE name = 'theme'",
            "SELECT 'hunter2xK9' WHERE name = 'smtp_password'",
        ]);
    }

    #[test]
    fn a_value_goes_that_stands_beside_its_name() {
        for (text, redacted) in [
            (
                r#"<add key="DB_PASSWORD" value="tangerine" />"#,
                r#"<add key="DB_PASSWORD" value="[REDACTED_FIELD]" />"#,
            ),
            (
                r#"<input value="tangerine" name="password">"#,
                r#"<input value="[REDACTED_FIELD]" name="password">"#,
            ),
            (
                r#"<key>ApiToken</key><string>tangerine</string>"#,
                r#"<key>ApiToken</key><string>[REDACTED_FIELD]</string>"#,
            ),
            (
                r#"<password>tangerine</password>"#,
                r#"<password>[REDACTED_FIELD]</password>"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"<add key="Theme" value="tangerine" />"#,
            r#"Option<Token>"#,
            r#"<label for="password">Password</label>"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
