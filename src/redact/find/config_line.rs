//! Settings whose name and value are words side by side on a line: `requirepass …`, `machine … password …`.

use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::judge::{placeholder, value};
use crate::redact::read::bytes::{at, has_word_at, part, rest, run_end, run_start};
use crate::redact::read::lex::is_blank;
use crate::redact::read::scope::{Found, Scope};

/// A longer line is none of a file of settings.
const MAX_LINE: usize = 256;
/// An entry of a netrc file has fewer words.
const MAX_ENTRY: usize = 12;

/// Whether the first line could be such a setting; so a text of one line is not looked at in vain.
pub(crate) fn may_begin(text: &[u8], from: usize) -> bool {
    [
        &b"machine "[..],
        b"AUTH ",
        b"ACL ",
        b"::",
        b"requirepass ",
        b"masterauth ",
        b"ENV ",
        b"setx ",
    ]
    .iter()
    .any(|word| rest(text, from).starts_with(word))
}

/// Adds the values of such settings.
pub(crate) fn settings(look: &mut Look<'_>) {
    let mut line = look.from;
    let mut above: &[u8] = &[];
    while line < look.to {
        let end = memchr::memchr(b'\n', look.part(line, look.to)).map_or(look.to, |n| line + n);
        let start = run_end(look.text, line, end, is_blank);
        let near = look.part(start, end.min(start + MAX_LINE));
        setting(look, start, near.trim_ascii_end(), above);
        above = near;
        line = end + 1;
    }
}

fn setting(look: &mut Look<'_>, start: usize, line: &[u8], above: &[u8]) {
    // What GitHub's runners are told in their logs.
    if let Some(command) = line.strip_prefix(b"::") {
        look.report(runner(look, start + 2, command));
        return;
    }
    // `127.0.0.1:6379> AUTH …`
    let prompt = memchr::memmem::find(part(line, 0, 64), b"> ")
        .filter(|end| {
            part(line, 0, *end).iter().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'_' | b'(' | b')')
            })
        })
        .map_or(0, |n| n + 2);
    let (start, line) = (start + prompt, rest(line, prompt));
    let word = line
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        .count();
    if !is_blank(at(line, word)) {
        return;
    }
    let name = part(line, 0, word);
    let first = run_end(line, word, line.len(), is_blank);
    let last = run_start(line, line.len(), first, |b| !is_blank(b));
    let value = |from: usize, to: usize, sure: bool| {
        let value = part(line, from, to);
        let takes = !value.is_empty()
            && !placeholder::has_mark(value)
            && !placeholder::is_placeholder(value)
            && (sure || value::is_literal(value, name));
        takes.then(|| Found::new(start + from, start + to, Class::Field))
    };
    match name {
        b"machine" | b"default" => look.report(netrc(look, start)),
        b"requirepass" | b"masterauth" | b"bindpw" | b"rootpw" if last == first => {
            let quote = usize::from(matches!(at(line, first), b'"' | b'\''));
            look.report(value(first + quote, line.len() - quote, true));
        }
        b"enable"
            if matches!(
                part(line, first, last).trim_ascii(),
                b"password" | b"secret"
            ) =>
        {
            look.report(value(last, line.len(), false));
        }
        b"PASS" if last == first && has_word_at(above, 0, b"user ") => {
            look.report(value(first, line.len(), false));
        }
        b"AUTH" => {
            let user = part(line, first, last).trim_ascii();
            let mechanism = |word: &[u8]| {
                matches!(
                    word,
                    b"PLAIN"
                        | b"LOGIN"
                        | b"TLS"
                        | b"SSL"
                        | b"NTLM"
                        | b"GSSAPI"
                        | b"XOAUTH2"
                        | b"CRAM-MD5"
                )
            };
            // Words alone are a heading, unless a client asked for them.
            let chosen = prompt > 0
                || part(line, last, line.len())
                    .iter()
                    .any(|b| b.is_ascii_digit() || b"!@#$%^&*_".contains(b));
            if chosen
                && memchr::memchr(b' ', user).is_none()
                && !mechanism(user)
                && !mechanism(rest(line, last))
            {
                look.report(value(last, line.len(), false));
            }
        }
        b"ACL" | b"user"
            if has_word_at(line, first, b"setuser ")
                || name == b"user" && memchr::memmem::find(line, b" on ").is_some() =>
        {
            let mut from = first;
            while let Some(sign) = memchr::memmem::find(rest(line, from), b" >").map(|n| from + n) {
                let to = run_end(line, sign + 2, line.len(), |b| !is_blank(b));
                look.report(value(sign + 2, to, true));
                from = to;
            }
        }
        // `ENV DB_PASSWORD tangerine`
        b"ENV" | b"setx" => {
            let name = part(
                line,
                first,
                run_end(line, first, line.len(), |b| !is_blank(b)),
            );
            // `ENV NAME=value OTHER=value` are assignments.
            if memchr::memchr(b'=', name).is_some() {
                return;
            }
            let begin = run_end(line, first + name.len(), line.len(), is_blank);
            let quote = at(line, begin);
            let quoted = matches!(quote, b'"' | b'\'') && line.last() == Some(&quote);
            if quoted && look.judge(name).hides() {
                look.report(value(begin + 1, line.len() - 1, false));
            } else if begin == last
                && begin > first + name.len()
                && look.judge(name).hides()
                && !matches!(at(line, last), b'"' | b'\'')
            {
                look.report(value(last, line.len(), false));
            }
        }
        // `smtp_password tangerine`
        _ if last == first
            && memchr::memchr(b'_', name).is_some()
            && value::is_password_name(name)
            && !matches!(at(line, first), b'*' | b'&' | b'=' | b':' | b'(' | b'{')
            && !matches!(line.last(), Some(b',' | b';' | b')' | b'{' | b'('))
            && look.judge(name).hides() =>
        {
            look.report(value(first, line.len(), false));
        }
        _ => {}
    }
}

/// `add-mask::…` and `set-output name=token::…`, which stand at `start`.
fn runner(look: &Look<'_>, start: usize, command: &[u8]) -> Option<Found> {
    let value = memchr::memmem::find(command, b"::")? + 2;
    let names = part(command, 0, value - 2);
    let named = || {
        let name = memchr::memmem::find(names, b"name=").map(|n| rest(names, n + 5));
        name.is_some_and(|name| look.judge(name).hides())
    };
    let secret = rest(command, value);
    ((names == b"add-mask" || named())
        && !secret.is_empty()
        && !placeholder::has_mark(secret)
        && !placeholder::is_placeholder(secret))
    .then(|| Found::new(start + value, start + command.len(), Class::Field))
}

/// The password of an entry of a netrc file, whose first word stands at `start`.
fn netrc(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let limit = scope.to.min(start + 2 * MAX_LINE);
    let mut pos = start;
    let (mut key, mut login): (&[u8], bool) = (&[], false);
    for step in 0..MAX_ENTRY {
        let end = run_end(scope.text, pos, limit, |b| !b.is_ascii_whitespace());
        let word = scope.part(pos, end);
        if word.is_empty() || step > 0 && word == b"machine" {
            return None;
        }
        if key == b"password" {
            let quote = usize::from(matches!(at(word, 0), b'"' | b'\''));
            let (pos, end) = (pos + quote, end - quote);
            let word = scope.part(pos, end);
            let takes = login && !placeholder::has_mark(word) && !placeholder::is_placeholder(word);
            return takes.then(|| Found::new(pos, end, Class::Field));
        }
        login |= key == b"login";
        key = word;
        pos = run_end(scope.text, end, limit, |b| b.is_ascii_whitespace());
    }
    None
}
