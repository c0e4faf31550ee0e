//! Command lines: the options and places where tools take a secret.
//!
//! A long option says what it takes by its name, `--db-password x`. What a short option or the third argument is,
//! only who knows the tool can say: the rows of the catalogue do.

use crate::redact::catalogue::tools::{
    self, PRINTERS, Place, SWITCHES, TOOLS, Tool, WRITERS, is_one_of,
};
use crate::redact::catalogue::{speech, words};
use crate::redact::find::look::Look;
use crate::redact::find::sentence;
use crate::redact::find::value::value_at;
use crate::redact::judge::style::{Given, Style};
use crate::redact::judge::{placeholder, random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, is_token};
use crate::redact::read::command::{Command, MAX_COMMAND, name_of};
use crate::redact::read::lex::{MAX_NAME, MAX_WORD, closing_quote, is_blank};
use crate::redact::read::scope::{Found, Scope};

/// Fewer characters are no secret of a command's.
const MIN_SECRET: usize = 3;

/// Fewer are none that is attached to an option: other options are written so.
const MIN_ATTACHED: usize = 4;

/// So many words of a prompt may stand before a command that prints a secret, and `sudo`.
const MAX_BEFORE: usize = 4;

/// So many words of small letters behind an option are a sentence.
const MAX_SAID: usize = 4;

/// Whether a word is several short options, this one among them: `-nb`.
fn has_switch(pattern: &str, word: &[u8]) -> bool {
    matches!(pattern.as_bytes(), [b'-', letter] if word.len() <= 5
        && matches!(word, [b'-', letters @ ..] if letters.contains(letter) && letters.iter().all(u8::is_ascii_alphabetic)))
}

/// The words behind those of a row's command, if the command begins with the first of `words`.
fn behind<'w, 'a>(row: &Tool, words: &'w [&'a [u8]]) -> Option<&'w [&'a [u8]]> {
    let (first, mut left) = words.split_first()?;
    let mut patterns = row.command.split(' ');
    if !is_one_of(patterns.next()?, name_of(first)) {
        return None;
    }
    for pattern in patterns {
        let next = left
            .iter()
            .position(|word| is_one_of(pattern, word) || has_switch(pattern, word))?;
        left = left.get(next + 1..)?;
    }
    Some(left)
}

/// The rows that fit whose command these words begin, each with the words behind it. Whether a row fits is asked first,
/// since it costs less than to compare the words.
fn rows<'w, 'a, F: Fn(&Tool) -> bool + Copy>(
    words: &'w [&'a [u8]],
    fits: F,
) -> impl Iterator<Item = (&'static Tool, &'w [&'a [u8]])> + use<'w, 'a, F> {
    rows_from(words, fits, |_| true)
}

/// The same, of the words that may begin a command where they stand.
fn rows_from<'w, 'a, F: Fn(&Tool) -> bool + Copy>(
    words: &'w [&'a [u8]],
    fits: F,
    begins: impl Fn(usize) -> bool,
) -> impl Iterator<Item = (&'static Tool, &'w [&'a [u8]])> {
    let is_value = |index: usize| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        before.is_some_and(|before| tools::takes_name(before))
    };
    (0..words.len())
        .filter(move |index| {
            words
                .get(*index)
                .is_some_and(|word| tools::is_first(name_of(word)))
                && !is_value(*index)
                && begins(*index)
        })
        .flat_map(move |index| {
            let words = words.get(index..).unwrap_or(&[]);
            let first = words.first().map_or(&b""[..], |word| name_of(word));
            tools::begun_by(first)
                .filter(move |row| fits(row))
                .filter_map(move |row| Some((row, behind(row, words)?)))
                .filter(|(row, behind)| !behind.iter().any(|word| is_one_of(row.until, word)))
        })
}

/// Whether the element of an array with this number is the command, or what another command runs, or a command of it.
fn is_run(elements: &[&[u8]], index: usize) -> bool {
    let element = |index: usize| elements.get(index).map_or(&b""[..], |word| name_of(word));
    index == 0 || tools::is_runner(element(0)) || index == 1 && tools::is_subcommand(element(1))
}

/// Whether `value` is the secret behind this option of a command in an array.
pub(crate) fn takes_secret(command: &Command<'_>, option: &[u8], value: &[u8]) -> bool {
    let words = command.words();
    let takes = |row: &Tool| {
        row.behind.is_empty()
            && matches!(row.place, Place::Option(names) if is_one_of(names, option))
            && (!row.chosen || value::looks_chosen(value))
    };
    rows_from(words, takes, |index| is_run(words, index))
        .next()
        .is_some()
}

/// The secret in an element of an array that is an option of a command: `-pS3cret`. A word of small letters alone may
/// be anything.
pub(crate) fn attached_in(command: &Command<'_>, element: &Scope<'_>) -> Option<Found> {
    let (from, to) = (element.from, element.to);
    let option = element.part(from, to);
    let first = command
        .words()
        .first()
        .map_or(&b""[..], |word| name_of(word));
    let is_led = tools::is_runner(first);
    let found = |row: &Tool| match row.place {
        Place::Attached(begins)
            if row.behind.is_empty() && option.starts_with(begins.as_bytes()) =>
        {
            let value = bytes::rest(option, begins.len());
            // A number behind what another command runs is a port of that.
            let is_port = is_led && value.iter().all(u8::is_ascii_digit);
            (!is_port && !value.iter().all(u8::is_ascii_lowercase))
                .then(|| attached_to(element, row, (from, from + begins.len(), to)))
                .flatten()
        }
        _ => None,
    };
    let words = command.words();
    let takes = |row: &Tool| found(row).is_some();
    rows_from(words, takes, |index| is_run(words, index)).find_map(|(row, _)| found(row))
}

/// The secret from `from` to `to` that is attached to an option, which begins at `start`; no ports, `3306:3306`, and no
/// option of a longer name, `-print`.
fn attached_to(
    scope: &Scope<'_>,
    row: &Tool,
    (start, from, to): (usize, usize, usize),
) -> Option<Found> {
    let value = scope.part(from, to);
    (value.len() >= MIN_ATTACHED
        && at(value, 0) != b'='
        && !is_ports(value)
        && !tools::is_long_option(scope.part(start, to)))
    .then(|| secret(scope, row, from, to))
    .flatten()
}

/// Whether a word maps ports to each other, perhaps those of an address: `127.0.0.1:8080:80`, `8080-8090:80-90`.
fn is_ports(word: &[u8]) -> bool {
    let is_port = |port: &[u8]| {
        let number = str::from_utf8(port)
            .ok()
            .and_then(|port| port.parse::<u16>().ok());
        number.is_some() && at(port, 0) != b'0'
    };
    let is_range = |range: &[u8]| range.split(|b| *b == b'-').all(is_port);
    let mut fields = word.rsplit(|b| *b == b':');
    let are_two = fields
        .by_ref()
        .take(2)
        .filter(|field| is_range(field))
        .count()
        == 2;
    are_two && fields.all(|address| address.contains(&b'.'))
}

/// The secret in a word of a command, if there is one in it.
fn secret(scope: &Scope<'_>, row: &Tool, from: usize, to: usize) -> Option<Found> {
    let word = scope.part(from, to);
    let (mut start, mut end) = (from, to);
    if !row.behind.is_empty() {
        let sign = bytes::find(word, row.behind.as_bytes())?;
        start += sign + row.behind.len();
        let user = bytes::part(word, 0, sign);
        let is_template = matches!(at(user, 0), b'<' | b'[' | b'{');
        if is_template || words::is_documented(user, scope.part(start, end)) {
            return None;
        }
        if row.behind == "/" {
            // The service follows: `user/password@//host:1521/service`.
            let is_user = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#');
            if !at(user, 0).is_ascii_alphabetic() || !user.iter().all(is_user) {
                return None;
            }
            end = memchr::memrchr(b'@', word).map_or(end, |at| from + at);
        }
    }
    let value = scope.part(start, end);
    let takes = value.len() >= MIN_SECRET
        && !matches!(at(value, 0), b'-' | b'>' | b'<' | b'&')
        && !value.starts_with(b"2>")
        && value::is_real(value)
        && (row.behind != ":" || !value.iter().all(u8::is_ascii_digit))
        && (row.behind != "=" || value::looks_chosen(value));
    takes.then(|| Found::new(start, end, tools::CLASS))
}

/// Where the word of a command ends that begins at `start`, and the quote that is open around it.
fn word_end(scope: &Scope<'_>, start: usize, quote: u8) -> usize {
    // Most bytes are letters and digits, which end nothing.
    let is_inside = |b: u8| {
        is_token(b)
            || if quote != 0 {
                b != quote && b != b'\n'
            } else {
                !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b';' | b'|')
            }
    };
    let mut end = scope.ahead(start, MAX_WORD, is_inside);
    // `CORP\bob`, in which no escape stands.
    while quote == 0
        && scope.at(end) == b'\\'
        && !matches!(
            scope.at(end + 1),
            0 | b'\n' | b'"' | b'\'' | b'n' | b't' | b'r'
        )
        && end - start < MAX_WORD
    {
        end = scope.ahead(end + 2, MAX_WORD, is_inside);
    }
    end
}

/// A secret among the arguments of a command: `-pS3cret`, `-p s3cret`, `rabbitmqctl add_user bob s3cret`. `start` is
/// where a word with a digit begins, or the content of a literal.
pub(crate) fn argument(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let open = start - usize::from(matches!(scope.before(start), b'"' | b'\''));
    let quote = if open < start { scope.at(open) } else { 0 };
    let mut end = word_end(scope, start, quote);
    if quote != 0 {
        end = start + value::typed(scope.part(start, end)).len();
    }
    // Hardly any word is one that a command takes, and what stands for a secret is asked of these alone.
    (end >= start + 4)
        .then(|| taken(scope, open, (start, end)))
        .flatten()
        .filter(|_| value::is_real(scope.part(start, end)))
}

/// What a command takes for a secret in the word from `start` to `end`, or behind the quote at `open`.
fn taken(scope: &Scope<'_>, open: usize, (start, end): (usize, usize)) -> Option<Found> {
    let quote = if open < start { scope.at(open) } else { 0 };
    let word = scope.part(start, end);
    if quote == 0 && matches!(at(word, 0), b'-' | b'/') {
        return attached(scope, start);
    }
    if scope.before(open) == b'=' {
        return assigned(scope, open - 1, (start, end));
    }
    let gap = scope.back(open, 3, |b| b == b' ');
    let is_given = scope.part(gap.saturating_sub(3), gap) == b"<<<";
    if gap == open && !is_given {
        // `/p:'s3cret'`
        let lead = scope.back(open, 6, |b| {
            b.is_ascii_alphabetic() || matches!(b, b'/' | b':')
        });
        return (quote != 0 && scope.at(lead) == b'/')
            .then(|| attached(scope, lead))
            .flatten();
    }
    let command = Command::before(scope, start);
    if is_given {
        return stdin(scope, command.words(), (start, end));
    }
    let option = command.words().last().copied().unwrap_or(&[]);
    let switch = SWITCHES.iter().any(|switch| switch.as_bytes() == option);
    let is_option = at(option, 0) == b'-'
        && !switch
        && !option.iter().any(|b| *b == b'=' || b.is_ascii_digit());
    let is_chosen = quote != 0 && value::is_literal(word, b"") || value::looks_chosen(word);
    let fits = |row: &Tool| is_chosen || !row.chosen || !row.behind.is_empty();
    let found = rows(command.words(), fits).find_map(|(row, words)| {
        takes(row, words, is_option)
            .then(|| secret(scope, row, start, end))
            .flatten()
    });
    found.or_else(|| piped(scope, command.words(), (start, end)))
}

/// Whether a row's command takes its secret behind these words of it, the last of which may be an option.
fn takes(row: &Tool, words: &[&[u8]], is_option: bool) -> bool {
    let count = || words.iter().filter(|word| at(word, 0) != b'-').count();
    match row.place {
        Place::Option(names) => words.last().is_some_and(|word| is_one_of(names, word)),
        _ if is_option => false,
        Place::Argument(place) => count() == place,
        Place::From(place) => count() >= place,
        Place::Attached(_) | Place::Stdin | Place::Printed => false,
    }
}

/// What the command on the line above printed, at the start of a line: one word, and the only one there.
pub(crate) fn printed(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let end = scope.ahead(start, MAX_WORD, |b| !b.is_ascii_whitespace());
    if !matches!(scope.at(end), 0 | b'\r' | b'\n') {
        return None;
    }
    // Others may stand above it.
    let first = sentence::first_item(scope, start);
    let floor = scope.origin.max(first.saturating_sub(MAX_COMMAND));
    let line = bytes::part(scope.text, floor, first - 1);
    let line = bytes::last_line(line);
    let mut parts = line.split(|b| *b == b'|');
    let command = Command::of(parts.next()?.trim_ascii_end());
    let words = command.words();
    let prints = (0..words.len().min(MAX_BEFORE)).any(|first| {
        let words = words.get(first..).unwrap_or(&[]);
        words
            .first()
            .is_some_and(|word| tools::may_print(name_of(word)))
            && PRINTERS.iter().any(|row| behind(row, words).is_some())
    });
    let is_filter = |part: &[u8]| {
        let filter = Command::of(part);
        tools::is_filter(filter.words().first().copied().unwrap_or(&[]))
    };
    let word = scope.part(start, end);
    let takes = prints
        && !words.iter().any(|word| tools::is_output(word))
        && parts.all(is_filter)
        && value::is_real(word)
        && (value::looks_chosen(word) || random::is_key_in_base64(word));
    takes.then(|| Found::new(start, end, tools::CLASS))
}

/// The secret behind the `=` at `sign` in a word of a command, if it is one: `secrets set NAME=s3cret`.
fn assigned(scope: &Scope<'_>, sign: usize, (start, end): (usize, usize)) -> Option<Found> {
    let name = scope.back(sign, MAX_NAME, |b| {
        bytes::is_token(b) || matches!(b, b'.' | b'/')
    });
    let is_word = is_blank(scope.before(scope.back(name, 1, |b| matches!(b, b'"' | b'\''))));
    let value = scope.part(start, end);
    (name < sign && is_word && value::looks_chosen(value))
        .then(|| {
            rows(Command::before(scope, name).words(), |row| {
                row.behind == "="
            })
            .any(|(row, words)| takes(row, words, false))
        })?
        .then(|| Found::new(start, end, tools::CLASS))
}

/// A secret that is an argument in quotes, the first of which stands at `open`.
pub(crate) fn literal(look: &Look<'_>, open: usize) -> Option<Found> {
    (look.before(open) == b' ' && look.is_near_tool(open))
        .then(|| argument(look, open + 1))
        .flatten()
}

/// What a command is given to read, which is a word between `start` and `end`.
fn stdin(scope: &Scope<'_>, words: &[&[u8]], (start, end): (usize, usize)) -> Option<Found> {
    TOOLS
        .iter()
        .filter(|row| row.place == Place::Stdin)
        .filter(|row| {
            (0..words.len()).any(|first| behind(row, words.get(first..).unwrap_or(&[])).is_some())
        })
        .find_map(|row| secret(scope, row, start, end))
}

/// What is piped into a tool that reads a secret: `echo s3cret | docker login --password-stdin`.
fn piped(scope: &Scope<'_>, writer: &[&[u8]], word: (usize, usize)) -> Option<Found> {
    let is_writer = |word: &&[u8]| {
        WRITERS
            .iter()
            .any(|known| known.as_bytes() == name_of(word))
    };
    if !writer.iter().any(is_writer) {
        return None;
    }
    let line = scope.part(word.1, word.1 + MAX_COMMAND);
    let line = bytes::part(line, 0, memchr::memchr(b'\n', line).unwrap_or(line.len()));
    let pipe = memchr::memchr(b'|', line)?;
    let reader = Command::of(bytes::rest(line, pipe + 1));
    stdin(scope, reader.words(), word)
}

/// A secret without a space before it: `-pS3cret`, `/p:s3cret`. The word begins at `start`.
fn attached(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let rest = scope.part(start, start + MAX_WORD);
    if !tools::may_be_attached(rest) {
        return None;
    }
    let begins = |row: &Tool| match row.place {
        Place::Attached(option) => {
            let option = option.as_bytes();
            let head = bytes::part(rest, 0, option.len());
            head == option || at(option, 0) == b'/' && head.eq_ignore_ascii_case(option)
        }
        _ => false,
    };
    let found = |row: &Tool| {
        let Place::Attached(option) = row.place else {
            return None;
        };
        let quote = scope.at(start + option.len());
        let quote = if matches!(quote, b'"' | b'\'') {
            quote
        } else {
            0
        };
        let from = start + option.len() + usize::from(quote != 0);
        let to = word_end(scope, from, quote);
        attached_to(scope, row, (start, from, to))
    };
    // The command is read only if an option has a secret: lines of options are twice as fast.
    let mut is_one = false;
    for row in tools::attached(rest).filter(|row| begins(row)) {
        if row.command.is_empty() {
            return found(row);
        }
        is_one = is_one || found(row).is_some();
    }
    if !is_one {
        return None;
    }
    rows(Command::before(scope, start).words(), begins).find_map(|(row, _)| found(row))
}

/// `-u user:password` of any command, where the user begins at `user` and the colon stands at `sign`.
pub(crate) fn user_option(scope: &Scope<'_>, user: usize, sign: usize) -> Option<Found> {
    let open = user - usize::from(matches!(scope.before(user), b'"' | b'\''));
    let gap = scope.back(open, 2, |b| matches!(b, b' ' | b'='));
    if gap == open {
        return None;
    }
    let option = scope.back(gap, 8, |b| b.is_ascii_alphabetic() || b == b'-');
    if !tools::is_user_option(scope.part(option, gap)) {
        return None;
    }
    let quote = if open < user { scope.at(open) } else { 0 };
    let end = word_end(scope, sign + 1, quote);
    let value = scope.part(sign + 1, end);
    (value::looks_chosen(value) && value::is_real(value))
        .then(|| Found::new(sign + 1, end, tools::CLASS))
}

/// `-a value` of a tool that is known to take a secret there, where the dash stands at `pos`; and what a long name
/// behind one dash says, `-storepass value`.
pub(crate) fn option(look: &Look<'_>, pos: usize) -> Option<Found> {
    let end = look.ahead(pos + 1, 23, |b| b.is_ascii_alphabetic() || b == b'-');
    if !look.is_near_tool(pos) {
        return None;
    }
    let found = attached(look, pos);
    if found.is_some() || !is_blank(look.at(end)) {
        return found;
    }
    let name = look.part(pos, end);
    let open = look.ahead(end, 4, is_blank);
    let quote = look.at(open);
    let (start, close) = if matches!(quote, b'"' | b'\'') {
        (open + 1, closing_quote(look, open + 1, quote, 0))
    } else {
        (open, word_end(look, open, 0))
    };
    // A second pass has one for each finding of the first.
    if placeholder::is_mark(look.part(start, close)) {
        return None;
    }
    let command = Command::before(look, pos);
    let takes = |row: &Tool| matches!(row.place, Place::Option(names) if is_one_of(names, name));
    let mut rows = rows(command.words(), takes).peekable();
    if rows.peek().is_none() {
        // Behind two dashes it was asked before.
        return (look.at(pos + 1) != b'-')
            .then(|| flag(look, pos))
            .flatten();
    }
    if is_in_sentence(look, pos, open) {
        return None;
    }
    rows.find_map(|(row, _)| {
        let found = secret(look, row, start, close)?;
        let chosen = !row.chosen || value::looks_chosen(look.part(found.start, found.end));
        chosen.then_some(found)
    })
}

/// `--password value`, where the dash or dashes stand at `pos`.
pub(crate) fn flag(look: &Look<'_>, pos: usize) -> Option<Found> {
    let end = look.ahead(pos, MAX_NAME, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
    });
    // `[--password PASSWORD]` of a usage.
    if end - pos < 5 || !is_blank(look.at(end)) || !look.judge(look.part(pos, end)).hides() {
        return None;
    }
    let start = look.ahead(end, 8, is_blank);
    // `the --token flag`, `--secret id=npm,src=…` of Docker
    let word = look.part(start, look.ahead(start, 12, |b| b.is_ascii_alphabetic()));
    if speech::is_of_usage(word) && look.at(start + word.len()) != b'='
        || speech::is_id(word) && look.at(start + word.len()) == b'='
        || is_in_sentence(look, pos, start)
    {
        return None;
    }
    // What a command prints.
    if look.at(start) == b'`'
        && look.at(look.ahead(start + 1, MAX_WORD, |b| !matches!(b, b'`' | b' '))) == b' '
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
    value_at(&Given {
        scope: **look,
        start,
        name: look.part(pos, end),
        kind: Kind::Secret,
        style,
    })
}

/// Whether a sentence about the option at `option` goes on at `start`, or the usage of a command, so that no value stands
/// there: `--password takes a value`. Behind a value of small letters stand arguments, and no small words of a sentence;
/// and no command begins with an option.
fn is_in_sentence(scope: &Scope<'_>, option: usize, start: usize) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase();
    let word_end = |from: usize| scope.ahead(from, MAX_WORD, is_word);
    let ends = |at: usize| matches!(scope.at(at), 0 | b' ' | b'\n');
    let lead = scope.back(option, 64, |b| is_blank(b) || b == b'`');
    let begins_line = (lead == scope.origin || scope.before(lead) == b'\n')
        && !matches!(
            scope.before(scope.back(lead, 2, |b| b.is_ascii_whitespace())),
            b'\\' | b'`'
        );
    let mut end = word_end(start);
    if end == start {
        // `--secret-key VALUE`
        let named = scope.ahead(start, MAX_WORD, |b| b.is_ascii_uppercase() || b == b'_');
        return begins_line && named > start && ends(named);
    }
    let before = scope.part(scope.back(lead, 16, |b| b.is_ascii_alphabetic()), lead);
    let is_small = |word: &[u8]| words::is_of_sentences(word) || speech::is_article(word);
    let is_led = is_small(before) || speech::is_of_usage(before);
    match scope.at(end) {
        // `isn't`
        b'\'' => return is_word(scope.at(end + 1)),
        b',' => return ends(end + 1),
        b'.' => return is_led && ends(end + 1),
        _ => {}
    }
    for count in 0..MAX_SAID {
        let next = end + 1;
        if scope.at(end) != b' ' || !is_word(scope.at(next)) {
            break;
        }
        end = word_end(next);
        let is_closed = matches!(scope.at(end), b'.' | b',') && ends(end + 1);
        let is_small = is_small(scope.part(next, end));
        let is_told = is_small || begins_line || is_led || count + 1 == MAX_SAID;
        if is_closed || ends(end) && is_told {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{has_switch, is_one_of};
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, marked, redacts};

    #[test]
    fn a_user_and_a_password_behind_an_option_of_any_command_go() {
        marked(&[
            "rsadmin -u ops:{} --list",
            "mytool --user 'ops:{}' status",
            "mytool --user=ops:{} status",
            "cache_peer 10.9.8.7 parent 3128 0 login=ops:{} default",
        ]);
        leaves(&[
            "docker run -u 1000:1000 app",
            "docker run --user app:staff x2",
            "mytool -x ops:hunter2xK9",
        ]);
        // It begins with a small word and is none.
        redacts(&[("curl --password or7x", "curl --password [REDACTED_FIELD]")]);
        // A shell calls nothing in brackets.
        redacts(&[(
            "echo '[hunter2xK9]' | passwd --stdin bob",
            "echo '[REDACTED_FIELD]' | passwd --stdin bob",
        )]);
    }

    #[test]
    fn what_is_attached_to_the_option_of_another_command_stays() {
        leaves(&[
            "find . -name mysql -print0",
            "find /opt/mysql -print",
            "docker run --name mysql -p3306:3306 mysql:8",
            "docker run --name mysql -p8080-8090:8080-8090 mysql:8",
            "docker run --network mysql -p8080:80 nginx",
            "sshpass -e ssh -p2222 host7",
            "gcc -o mysql -pthread",
            "mysqldump db -port3306",
        ]);
        marked(&[
            "docker exec -it mysql mysql -uroot -p{} shop",
            "sshpass -p{} ssh -p2222 host7",
            "sudo -u ops -- mysql -p{} shop",
        ]);
    }

    #[test]
    fn a_port_or_a_number_behind_an_option_stays() {
        leaves(&[
            "cbq -p 8091",
            "couchbase-cli -p 8091",
            "esxcli -p 443",
            "smbmap -p 445",
            "enum4linux -p 445 host",
            "ldapdomaindump -p 389",
            "kadmin -w 60",
            "vsql -w prompts never",
        ]);
    }

    #[test]
    fn a_sentence_about_an_option_stays_and_a_word_before_arguments_goes() {
        leaves(&[
            "Note that --password takes a value",
            "--secret overrides the file",
            "If --password isn't given, it prompts.",
            "Both --password and --token work.",
            "Don't use --password anymore, use --password-stdin",
            "the option --passphrase expects one argument",
            "docker login -p reads from the terminal",
            "--private-key specifies path",
            "  --secret-key VALUE  the key",
            "--password prompts interactively.",
            "mytool --password `pass show db1`",
        ]);
        for text in [
            "mytool --password {} --verbose",
            "mytool --password {} deploy web",
            "mytool --password {}; echo done",
            "mytool --password '{}' is",
            "mytool \\\n  --password {} deploy",
            "keytool -list -storepass {} -keystore k7.jks",
        ] {
            let with = |value: &str| text.replacen("{}", value, 1);
            redacts(&[(&with("swordfish"), &with("[REDACTED_FIELD]"))]);
        }
    }

    #[test]
    fn words_of_a_row_stand_for_words_of_a_command() {
        assert!(is_one_of("login|auth", b"auth"));
        assert!(is_one_of("http-basic.*", b"http-basic.example.com"));
        assert!(is_one_of("*uthToken", b"npmAuthToken"));
        assert!(is_one_of("*password*", b"the-password:"));
        assert!(is_one_of("/rp", b"/RP"));
        assert!(!is_one_of("login|auth", b"authors"));
        assert!(has_switch("-b", b"-nbB") && !has_switch("-b", b"-n") && !has_switch("-b", b"--b"));
    }

    #[test]
    fn a_word_without_a_digit_goes_where_only_a_secret_can_stand() {
        for line in [
            "mysql -uroot -pSchmetterling shop",
            "keytool -list -keystore k7.jks -storepass Schmetterling",
            "curl -u bob:Schmetterling https://example.com",
            "<command>lftp -u bob,Schmetterling sftp://host</command>",
            "printf 'Schmetterling' | cryptsetup open /dev/sdb1 data",
            "kinit bob <<< \"Schmetterling\"",
        ] {
            let redacted = redact_str(line);
            assert!(!redacted.contains("Schmetterling"), "{redacted}");
        }
    }

    #[test]
    fn what_a_command_does_with_no_secret_stays() {
        for line in [
            "echo 'deb https://mirror.example.com stable1' | sudo tee /etc/apt/sources.list",
            "curl -u <user:password> https://example.com",
            "docker run -u 1000:1000 -p 8080:80 app1",
            "vault token lookup -accessor acc1",
            "rabbitmqctl add_user",
        ] {
            assert_eq!(redact_str(line), line);
        }
    }
}
