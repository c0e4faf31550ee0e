//! Command lines: the options and places where tools take a password.
//!
//! A long option says what it takes by its name, `--db-password x`. What a short option or the third argument is,
//! only who knows the tool can say; so this knows the tools.

use crate::redact::catalogue::words;
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::look::Look;
use crate::redact::find::tools::{Command, MAX_COMMAND, OPTIONS, ORACLE};
use crate::redact::find::value::value_at;
use crate::redact::judge::style::Style;
use crate::redact::judge::{placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, run_end, run_start};
use crate::redact::read::lex::{MAX_NAME, MAX_WORD, closing_quote, is_blank};
use crate::redact::read::scope::{Found, Scope};

/// A password among the arguments of a command: `-pS3cret`, `-p s3cret`, `rabbitmqctl add_user bob s3cret`. `start` is
/// where a word with a digit begins.
pub(crate) fn argument(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let text = scope.text;
    let open = run_start(text, start, scope.from.max(start.saturating_sub(1)), |b| {
        matches!(b, b'"' | b'\'')
    });
    let gap = run_start(text, open, scope.from.max(open.saturating_sub(3)), |b| {
        b == b' '
    });
    let limit = scope.to.min(start + MAX_WORD);
    let quote = scope.at(open);
    let end = run_end(text, start, limit, |b| {
        if open < start {
            b != quote && b != b'\n'
        } else {
            !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b';' | b'|')
        }
    });
    let word = scope.part(start, end);
    if word.len() < 4 || placeholder::has_mark(word) || placeholder::is_placeholder(word) {
        return None;
    }
    let found = |from: usize| Some(Found::new(from, end, Class::Field));
    if open == start && matches!(at(word, 0), b'-' | b'/') || at(text, gap) != b' ' {
        return attached(scope, start, word, end);
    }
    let flag = run_start(text, gap, scope.from.max(gap.saturating_sub(8)), |b| {
        b.is_ascii_alphabetic() || b == b'-'
    });
    let option = scope.part(flag, gap);
    if at(option, 0) == b'-' && !matches!(option, b"-n" | b"-b" | b"-cb" | b"-bc" | b"-s") {
        return None;
    }
    let command = Command::before(scope, start);
    // `gh auth login --with-token <<< s3cret`
    if scope.part(gap.saturating_sub(3), gap) == b"<<<"
        && command.has(&[
            "login",
            "secret",
            "secrets",
            "chpasswd",
            "passwd",
            "kinit",
            "htpasswd",
            "--with-token",
            "--password-stdin",
            "sudo",
        ])
    {
        let user = memchr::memchr(b':', word).filter(|_| command.has(&["chpasswd"]));
        return found(start + user.map_or(0, |colon| colon + 1));
    }
    if let Some(found) = piped(scope, &command, start, end) {
        return Some(found);
    }
    let quoted = open < start && value::is_literal(word, b"");
    if !quoted && !value::looks_chosen(word) {
        return None;
    }
    // Where the password stands among the arguments.
    let takes =
        |tool: &str, place: fn(&[&[u8]]) -> bool| command.from(tool.as_bytes()).is_some_and(place);
    let is = takes("rabbitmqctl", |words| {
        words.len() == 3
            && matches!(
                words.get(1),
                Some(&(b"add_user" | b"change_password" | b"authenticate_user"))
            )
    }) || takes("htpasswd", |words| {
        words.len() >= 3
            && words
                .iter()
                .any(|w| w.starts_with(b"-") && w.contains(&b'b'))
    }) || takes("radtest", |words| words.len() == 2)
        || takes("wpa_passphrase", |words| words.len() == 2)
        || takes("mc", |words| {
            words.len() >= 5 && matches!(words.get(1), Some(&(b"alias" | b"config")))
        })
        || ["poetry", "composer"].iter().any(|tool| {
            takes(tool, |words| {
                words
                    .iter()
                    .any(|w| w.starts_with(b"http-basic.") || w.starts_with(b"pypi-token."))
            })
        })
        || takes("net", |words| match words.get(1) {
            Some(&b"use") => words.iter().any(|w| {
                w.starts_with(b"/user:") || w.starts_with(b"/USER:") || w.starts_with(b"\\\\")
            }),
            Some(&b"user") => words.len() == 3,
            _ => false,
        })
        || [
            "vault",
            "cargo",
            "wandb",
            "bw",
            "snyk",
            "ngrok",
            "doppler",
            "infisical",
            "oc",
            "trunk",
            "comet",
        ]
        .iter()
        .any(|tool| {
            takes(tool, |words| {
                matches!(
                    words.last(),
                    Some(&(b"login" | b"auth" | b"authtoken" | b"unlock" | b"add-authtoken"))
                )
            })
        })
        || takes("mysqladmin", |words| {
            words.last() == Some(&&b"password"[..])
        })
        || takes("rclone", |words| words.last() == Some(&&b"obscure"[..]))
        || takes("ConvertTo-SecureString", |words| words.len() == 1)
        || takes("dscl", |words| words.contains(&&b"-passwd"[..]));
    if is {
        return found(start);
    }
    if command.has(ORACLE) {
        let slash = memchr::memchr(b'/', word)?;
        let user = bytes::part(word, 0, slash);
        let is_user = slash > 0
            && user
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#'));
        // The service follows: `user/password@//host:1521/service`.
        let end = memchr::memrchr(b'@', word).map_or(end, |at| start + at);
        return (is_user && end > start + slash)
            .then(|| Found::new(start + slash + 1, end, Class::Field));
    }
    None
}

/// A password without a space before it: `-pS3cret`, `/p:s3cret`.
fn attached(scope: &Scope<'_>, start: usize, word: &[u8], end: usize) -> Option<Found> {
    let found = |length: usize| Some(Found::new(start + length, end, Class::Field));
    if word.starts_with(b"-p") && word.len() >= 6 && !word.starts_with(b"-p=") {
        return Command::before(scope, start)
            .has(&[
                "mysql",
                "mysqldump",
                "mysqladmin",
                "mysqlimport",
                "mysqlcheck",
                "mysqlsh",
                "mariadb",
                "mariadb-dump",
                "sshpass",
                "plink",
                "7z",
                "7za",
                "7zz",
                "rar",
                "unrar",
                "rdesktop",
            ])
            .then(|| found(2))
            .flatten();
    }
    let colon = memchr::memchr(b':', word).filter(|_| at(word, 0) == b'/')?;
    if matches!(bytes::part(word, 0, colon), b"/p" | b"/rp" | b"/pass") && word.len() > colon + 4 {
        return found(colon + 1);
    }
    None
}

/// What is piped into a tool that reads a password: `echo s3cret | docker login --password-stdin`.
fn piped(scope: &Scope<'_>, command: &Command<'_>, start: usize, end: usize) -> Option<Found> {
    if !command.has(&["echo", "printf", "Write-Output"]) {
        return None;
    }
    let line = scope.part(end, end + MAX_COMMAND);
    let line = bytes::part(line, 0, memchr::memchr(b'\n', line).unwrap_or(line.len()));
    let pipe = memchr::memchr(b'|', line)?;
    let reader = bytes::rest(line, pipe + 1);
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|word| bytes::find(reader, word.as_bytes()).is_some())
    };
    if is(&["chpasswd"]) {
        let colon = memchr::memchr(b':', scope.part(start, end))?;
        return Some(Found::new(start + colon + 1, end, Class::Field));
    }
    is(&[
        "password-stdin",
        "passphrase",
        "passwd",
        "sudo -S",
        " login",
        "--with-token",
        "--token",
        "/dev/stdin",
        "-pass",
        "secret",
        "cryptsetup",
        "htpasswd",
        "vault login",
        "kinit",
    ])
    .then(|| Found::new(start, end, Class::Field))
}

/// `curl -u user:password`, where the colon stands at `sign`.
pub(crate) fn user_and_password(scope: &Scope<'_>, user: usize, sign: usize) -> Option<Found> {
    let text = scope.text;
    let open = run_start(text, user, scope.from.max(user.saturating_sub(1)), |b| {
        matches!(b, b'"' | b'\'')
    });
    let gap = run_start(text, open, scope.from.max(open.saturating_sub(2)), |b| {
        matches!(b, b' ' | b'=')
    });
    let flag = run_start(text, gap, scope.from.max(gap.saturating_sub(12)), |b| {
        b.is_ascii_alphabetic() || b == b'-'
    });
    if gap == open
        || !matches!(
            scope.part(flag, gap),
            b"-u"
                | b"--user"
                | b"-U"
                | b"--proxy-user"
                | b"--http-user"
                | b"--basic-auth"
                | b"-a"
                | b"--auth"
        )
    {
        return None;
    }
    let start = sign + 1;
    let quote = scope.at(open);
    let end = if open < user {
        run_end(text, start, scope.to, |b| b != quote && b != b'\n')
    } else {
        run_end(text, start, scope.to, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'\\')
        })
    };
    let value = scope.part(start, end);
    let command = scope.part(flag.saturating_sub(200).max(scope.from), flag);
    let fetches = [&b"curl"[..], b"http", b"wget", b"ab ", b"siege"]
        .iter()
        .any(|tool| memchr::memmem::find(command, tool).is_some());
    let ids = value.iter().all(|b| b.is_ascii_digit());
    let chosen = fetches
        || value
            .iter()
            .any(|b| b.is_ascii_digit() || b"!@#$%^&*".contains(b));
    (value.len() >= 3
        && !ids
        && chosen
        && !words::is_documented(scope.part(user, sign), value)
        && !value.starts_with(MARK_START)
        && !placeholder::is_placeholder(value))
    .then(|| Found::new(start, end, Class::Field))
}

/// `-a value` of a tool that is known to take a password there, where the dash stands at `pos`; and what a long name
/// behind one dash says, `-storepass value`.
pub(crate) fn option(look: &Look<'_>, pos: usize) -> Option<Found> {
    let text = look.text;
    let end = run_end(text, pos + 1, look.to.min(pos + 24), |b| {
        b.is_ascii_alphabetic() || b == b'-'
    });
    if look.at(pos + 1) == b'p' && !is_blank(look.at(pos + 2)) && look.is_near_tool(pos) {
        let end = run_end(text, pos, look.to.min(pos + MAX_WORD), |b| {
            !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b';' | b'|')
        });
        let word = look.part(pos, end);
        let password = bytes::rest(word, 2);
        let found = attached(look, pos, word, end)
            .filter(|_| !placeholder::has_mark(password) && !placeholder::is_placeholder(password));
        if found.is_some() {
            return found;
        }
    }
    // `-Password "…"` of PowerShell
    if matches!(look.at(end + 1), b'"' | b'\'') && end > pos + 2 {
        let found = flag(look, pos);
        if found.is_some() {
            return found;
        }
    }
    if !is_blank(look.at(end)) || !look.is_near_tool(pos) {
        return None;
    }
    let name = look.part(pos, end);
    let Some((_, takers)) = OPTIONS.iter().find(|(known, _)| known.as_bytes() == name) else {
        return flag(look, pos);
    };
    if !Command::before(look, pos).has(takers) {
        return None;
    }
    let open = run_end(text, end, look.to.min(end + 4), is_blank);
    let quote = look.at(open);
    let (start, close) = if matches!(quote, b'"' | b'\'') {
        let start = open + 1;
        (start, closing_quote(look, start, quote, 0))
    } else {
        let close = run_end(text, open, look.to.min(open + MAX_WORD), |b| {
            !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b';' | b'|')
        });
        (open, close)
    };
    let value = look.part(start, close);
    let start = match name {
        b"-U" => start + memchr::memchr(b'%', value)? + 1,
        b"-u" => start + memchr::memchr(b',', value)? + 1,
        _ => start,
    };
    let value = look.part(start, close);
    (value.len() >= 3
        && !matches!(at(value, 0), b'-' | b'>' | b'<' | b'&')
        && !value.starts_with(b"2>")
        && !placeholder::has_mark(value)
        && !placeholder::is_placeholder(value))
    .then(|| Found::new(start, close, Class::Field))
}

/// `--password value`, where the dash or dashes stand at `pos`.
pub(crate) fn flag(look: &Look<'_>, pos: usize) -> Option<Found> {
    let end = run_end(look.text, pos, look.to.min(pos + MAX_NAME), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
    });
    // `[--password PASSWORD]` of a usage.
    if look.before(pos) == b'['
        || end - pos < 5
        || !is_blank(look.at(end))
        || !look.judge(look.part(pos, end)).hides()
    {
        return None;
    }
    let start = run_end(look.text, end, look.to.min(end + 8), is_blank);
    if look.at(start) == b'-' {
        return None;
    }
    // `the --token flag`, `--secret id=npm,src=…` of Docker
    let word = look.part(
        start,
        run_end(look.text, start, look.to.min(start + 12), |b| {
            b.is_ascii_alphabetic()
        }),
    );
    if matches!(
        word,
        b"flag"
            | b"option"
            | b"argument"
            | b"parameter"
            | b"switch"
            | b"options"
            | b"flags"
            | b"or"
            | b"and"
            | b"is"
            | b"to"
            | b"if"
            | b"can"
    ) && look.at(start + word.len()) != b'='
        || word == b"id" && look.at(start + 2) == b'='
    {
        return None;
    }
    let style = Style {
        equals: true,
        spaced: false,
        quoted_name: true,
        literal_only: false,
        own_line: false,
        quote: 0,
        name: pos,
    };
    value_at(look, start, look.part(pos, end), Kind::Secret, style)
}
