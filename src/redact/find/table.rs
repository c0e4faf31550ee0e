//! Tables in text: a line of column names, and lines of values below it.

use crate::redact::catalogue::formats;
use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::judge::value;
use crate::redact::read::bytes::{self, has_word_at, run_end, run_start};
use crate::redact::read::scope::Scope;

/// A longer first line is no line of column names.
const MAX_HEADER: usize = 1024;
/// Columns beyond these are not told apart.
const MAX_COLUMNS: usize = 64;

/// Adds the cells of sensitive columns, of CSV and of the tables of Markdown.
pub(crate) fn columns(look: &mut Look<'_>) {
    let line_end = |from: usize| {
        memchr::memchr(b'\n', look.part(from, look.to.min(from + MAX_HEADER))).map(|n| from + n)
    };
    let Some(mut end) = line_end(look.from) else {
        return;
    };
    let mut first = look.from;
    // The line above the names, where a table has one.
    if is_rule(look.part(first, end)) {
        first = end + 1;
        match line_end(first) {
            Some(next) => end = next,
            None => return,
        }
    }
    let header = look.part(first, end);
    let Some(delimiter) = [b',', b'\t', b'|', b';']
        .into_iter()
        .find(|d| memchr::memchr(*d, header).is_some())
    else {
        return;
    };
    let Some(sensitive) = sensitive(look, header, delimiter) else {
        return;
    };
    let count = header.split(|b| *b == delimiter).count();
    sensitive_cells(look, end + 1, delimiter, sensitive, count);
}

/// A bit for each column whose values are secrets, if the names can be those of columns and there is one.
fn sensitive(look: &Look<'_>, header: &[u8], delimiter: u8) -> Option<u64> {
    let mut sensitive = 0;
    for (index, cell) in header
        .split(|b| *b == delimiter)
        .take(MAX_COLUMNS)
        .enumerate()
    {
        let cell = trimmed(cell);
        let is_named = |b: &u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.') || *b >= 0x80
        };
        if cell.len() > 40 || !cell.iter().all(is_named) {
            return None;
        }
        sensitive |= u64::from(look.judge(cell).hides()) << index;
    }
    (sensitive != 0).then_some(sensitive)
}

/// Adds the cells of sensitive columns from `line` on, up to the end of the table.
fn sensitive_cells(
    look: &mut Look<'_>,
    mut line: usize,
    delimiter: u8,
    sensitive: u64,
    count: usize,
) {
    while line < look.to {
        let end = memchr::memchr(b'\n', look.part(line, look.to)).map_or(look.to, |n| line + n);
        if cells(look, line, end, delimiter).count() != count {
            // The table ends where a line has another number of cells.
            if line < end && !is_rule(look.part(line, end)) {
                return;
            }
        } else {
            for (index, from, to) in cells(look, line, end, delimiter) {
                if index < MAX_COLUMNS && sensitive >> index & 1 == 1 {
                    let from = run_end(look.text, from, to, |b| matches!(b, b' ' | b'"' | b'\r'));
                    let to = run_start(look.text, to, from, |b| matches!(b, b' ' | b'"' | b'\r'));
                    let value = look.part(from, to);
                    let rule = value.iter().all(|b| matches!(b, b'-' | b':' | b'='));
                    if !value.is_empty()
                        && !rule
                        && value::is_real(value)
                        && (!look.judge(value).hides() || value.iter().any(u8::is_ascii_digit))
                    {
                        look.hide(from, to, Class::Field);
                    }
                }
            }
        }
        line = end + 1;
    }
}

/// Whether a line only draws: `+------+`, `---+---`.
fn is_rule(line: &[u8]) -> bool {
    line.len() >= 3
        && line
            .iter()
            .all(|b| matches!(b, b'-' | b'+' | b'|' | b':' | b'=' | b' ' | b'\r'))
}

fn trimmed(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    cell.strip_prefix(b"\"")
        .and_then(|cell| cell.strip_suffix(b"\""))
        .unwrap_or(cell)
}

/// The cells of a line: number, start and end of each. Delimiters in quotes do not count.
fn cells<'a>(
    scope: &Scope<'a>,
    from: usize,
    to: usize,
    delimiter: u8,
) -> impl Iterator<Item = (usize, usize, usize)> + use<'a> {
    let text = scope.part(from, to);
    let mut next = Some(0);
    let starts = std::iter::from_fn(move || {
        let start = next?;
        let mut quoted = false;
        let end = run_end(text, start, text.len(), |b| {
            quoted ^= b == b'"';
            b != delimiter || quoted
        });
        next = (end < text.len()).then_some(end + 1);
        Some((start, end))
    });
    starts
        .enumerate()
        .map(move |(index, (start, end))| (index, from + start, from + end))
}

/// Whether the parenthesis at `open` is that of `INSERT INTO t (`: column names follow.
pub(crate) fn follows_into(text: &[u8], from: usize, open: usize) -> bool {
    let blank = |b: u8| b == b' ' || b == b'\n';
    let near = |at: usize, most: usize| from.max(at.saturating_sub(most));
    let table = run_start(text, open, near(open, 2), blank);
    let start = run_start(text, table, near(table, 96), |b| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'.' | b'$' | b'"' | b'`' | b'[' | b']' | b'-')
    });
    let word = run_start(text, start, near(start, 2), blank);
    start < table
        && word < start
        && word >= from + formats::INTO.len()
        && has_word_at(text, word - formats::INTO.len(), formats::INTO)
}

/// Adds the values of sensitive columns of `INSERT INTO t (a, b) VALUES ('x', 'y')`; `open` is where the names of the
/// first statement begin.
pub(crate) fn inserted(look: &mut Look<'_>, mut open: usize) {
    loop {
        let mut pos = open + 1;
        let head = look.part(pos, pos + MAX_HEADER);
        if let Some(close) = memchr::memchr(b')', head) {
            let mut sensitive = 0u64;
            for (index, name) in bytes::part(head, 0, close)
                .split(|b| *b == b',')
                .take(MAX_COLUMNS)
                .enumerate()
            {
                if look.judge(name.trim_ascii()).hides() {
                    sensitive |= 1 << index;
                }
            }
            if sensitive != 0 {
                pos = rows(look, pos + close + 1, sensitive);
            }
        }
        let next = memchr::memchr_iter(b'(', look.part(pos, look.to))
            .map(|n| pos + n)
            .find(|next| follows_into(look.text, look.from, *next));
        match next {
            Some(next) => open = next,
            None => return,
        }
    }
}

/// Every row in parentheses, up to the end of the statement.
fn rows(look: &mut Look<'_>, mut pos: usize, sensitive: u64) -> usize {
    loop {
        pos = look.run(pos, |b| !matches!(b, b'(' | b';' | b'\''));
        if look.at(pos) != b'(' {
            return pos;
        }
        pos = row(look, pos + 1, sensitive);
    }
}

/// The values of one row, which begins at `pos`; returns its end.
fn row(look: &mut Look<'_>, mut pos: usize, sensitive: u64) -> usize {
    let mut index = 0;
    while pos < look.to && look.at(pos) != b')' {
        let start = look.run(pos, |b| b.is_ascii_whitespace() || matches!(b, b'N' | b'E'));
        let quoted = look.at(start) == b'\'';
        let (from, to) = if quoted {
            let mut end = start + 1;
            loop {
                end = look.run(end, |b| b != b'\'');
                if look.at(end + 1) != b'\'' {
                    break;
                }
                end += 2;
            }
            (start + 1, end)
        } else {
            (start, look.run(start, |b| !matches!(b, b',' | b')')))
        };
        let value = look.part(from, to);
        let hides = index < MAX_COLUMNS && sensitive >> index & 1 == 1 && quoted;
        if hides && value::is_real(value) {
            look.hide(from, to, Class::Field);
        }
        pos = look.run(to + usize::from(quoted), |b| !matches!(b, b',' | b')'));
        if look.at(pos) == b',' {
            pos += 1;
        }
        index += 1;
    }
    (pos + 1).min(look.to)
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn cells_of_sensitive_columns_go() {
        for (text, redacted) in [
            (
                r#"name,password,city
ann,tangerine,oslo
"#,
                r#"name,password,city
ann,[REDACTED_FIELD],oslo
"#,
            ),
            (
                r#"| setting | value |
|---|---|
| api_token | tangerine7 |
"#,
                r#"| setting | value |
|---|---|
| api_token | [REDACTED_FIELD] |
"#,
            ),
            (
                r#"INSERT INTO users (name, password) VALUES ('ann', 'tangerine');"#,
                r#"INSERT INTO users (name, password) VALUES ('ann', '[REDACTED_FIELD]');"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        let text = "name,city\nann,oslo\nbob,rome\n";
        assert_eq!(redact_str(text), text);
    }
}
