//! Tables in text: a line of column names, and lines of values below it.

use crate::redact::class::Class;
use crate::redact::judge::{placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, has_word_at, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// A longer first line is no line of column names.
const MAX_HEADER: usize = 1024;
/// Columns beyond these are not told apart.
const MAX_COLUMNS: usize = 64;

/// Adds the cells of sensitive columns, of CSV and of the tables of Markdown.
pub(crate) fn columns(
    scope: &Scope<'_>,
    judge: &dyn Fn(&[u8]) -> Kind,
    add: &mut dyn FnMut(Found),
) {
    let line_end = |from: usize| {
        memchr::memchr(b'\n', scope.part(from, scope.to.min(from + MAX_HEADER))).map(|n| from + n)
    };
    let Some(mut end) = line_end(scope.from) else {
        return;
    };
    let mut first = scope.from;
    // What psql prints of a wide row: a name and a value on each line.
    if scope.part(first, end).starts_with(b"-[ RECORD") {
        return named_rows(scope, end + 1, b'|', (0, 1), 2, judge, add);
    }
    // The line above the names, where a table has one.
    if is_rule(scope.part(first, end)) {
        first = end + 1;
        match line_end(first) {
            Some(next) => end = next,
            None => return,
        }
    }
    let header = scope.part(first, end);
    let Some(delimiter) = [b',', b'\t', b'|', b';']
        .into_iter()
        .find(|d| memchr::memchr(*d, header).is_some())
    else {
        return aligned(scope, first, end, judge, add);
    };
    let mut sensitive = 0u64;
    let (mut label, mut value) = (None, None);
    for (index, cell) in header
        .split(|b| *b == delimiter)
        .take(MAX_COLUMNS)
        .enumerate()
    {
        let cell = trimmed(cell);
        if cell.len() > 40
            || cell.iter().any(|b| {
                !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.')) && *b < 0x80
            })
        {
            return;
        }
        if judge(cell).hides() {
            sensitive |= 1 << index;
        }
        let is = |names: &[&str]| {
            names
                .iter()
                .any(|name| cell.eq_ignore_ascii_case(name.as_bytes()))
        };
        label = label.or(is(LABELS).then_some(index));
        value = value.or(is(&["value", "wert", "valeur", "valor"]).then_some(index));
    }
    let count = header.split(|b| *b == delimiter).count();
    if let (Some(label), Some(value)) = (label, value)
        && label < value
    {
        return named_rows(scope, end + 1, delimiter, (label, value), count, judge, add);
    }
    if sensitive == 0 {
        return;
    }
    let mut line = end + 1;
    while line < scope.to {
        let end = memchr::memchr(b'\n', scope.part(line, scope.to)).map_or(scope.to, |n| line + n);
        if cells(scope, line, end, delimiter) != count {
            // The table ends where a line has another number of cells.
            if line < end && !is_rule(scope.part(line, end)) {
                return;
            }
        } else {
            each_cell(scope, line, end, delimiter, &mut |index, from, to| {
                if index < MAX_COLUMNS && sensitive >> index & 1 == 1 {
                    let from = run_end(scope.text, from, to, |b| matches!(b, b' ' | b'"' | b'\r'));
                    let to = run_start(scope.text, to, from, |b| matches!(b, b' ' | b'"' | b'\r'));
                    let value = scope.part(from, to);
                    let rule = value.iter().all(|b| matches!(b, b'-' | b':' | b'='));
                    if !value.is_empty()
                        && !rule
                        && !placeholder::has_mark(value)
                        && !placeholder::is_placeholder(value)
                        && (!judge(value).hides() || value.iter().any(u8::is_ascii_digit))
                    {
                        add(Found::new(from, to, Class::Field));
                    }
                }
            });
        }
        line = end + 1;
    }
}

/// The heads of columns that name what stands in the next one.
const LABELS: &[&str] = &[
    "field",
    "name",
    "key",
    "setting",
    "parameter",
    "property",
    "variable",
    "option",
    "attribute",
    "item",
    "env",
    "feld",
];

/// Adds the values of rows that are named in another of their cells.
fn named_rows(
    scope: &Scope<'_>,
    mut line: usize,
    delimiter: u8,
    (label, value): (usize, usize),
    count: usize,
    judge: &dyn Fn(&[u8]) -> Kind,
    add: &mut dyn FnMut(Found),
) {
    while line < scope.to {
        let end = memchr::memchr(b'\n', scope.part(line, scope.to)).map_or(scope.to, |n| line + n);
        if cells(scope, line, end, delimiter) == count {
            let mut name: &[u8] = &[];
            each_cell(scope, line, end, delimiter, &mut |index, from, to| {
                if index == label {
                    name = trimmed(scope.part(from, to));
                    name = name
                        .strip_prefix(b"`")
                        .and_then(|name| name.strip_suffix(b"`"))
                        .unwrap_or(name);
                } else if index == value && judge(name).hides() {
                    let from = run_end(scope.text, from, to, |b| matches!(b, b' ' | b'"' | b'`'));
                    let to = run_start(scope.text, to, from, |b| {
                        matches!(b, b' ' | b'"' | b'`' | b'\r')
                    });
                    let value = scope.part(from, to);
                    let prose = memchr::memchr(b' ', value).is_some()
                        && (at_prose(value) || !value.iter().any(u8::is_ascii_digit));
                    if !prose && value::is_literal(value, name) {
                        add(Found::new(from, to, Class::Field));
                    }
                }
            });
        }
        line = end + 1;
    }
}

/// Whether a cell begins like a remark: `(string) min 8`, `see 1Password`.
fn at_prose(value: &[u8]) -> bool {
    value.starts_with(b"(")
        || [&b"see "[..], b"ask "]
            .iter()
            .any(|word| has_word_at(value, 0, word))
}

/// Adds the cells of sensitive columns that are aligned by spaces; the line of their names stands at `first..end`.
fn aligned(
    scope: &Scope<'_>,
    first: usize,
    end: usize,
    judge: &dyn Fn(&[u8]) -> Kind,
    add: &mut dyn FnMut(Found),
) {
    let header = scope.part(first, end);
    if memchr::memmem::find(header, b"  ").is_none() {
        return;
    }
    let mut pos = 0;
    while pos < header.len() {
        let start = run_end(header, pos, header.len(), |b| b == b' ');
        let to = memchr::memmem::find(bytes::rest(header, start), b"  ")
            .map_or(header.len(), |n| start + n);
        let name = bytes::part(header, start, to).trim_ascii();
        pos = to.max(start + 1);
        let named = name.len() <= 40
            && name
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' '));
        if !named || !judge(name).hides() {
            continue;
        }
        let mut line = end + 1;
        while line < scope.to {
            let end =
                memchr::memchr(b'\n', scope.part(line, scope.to)).map_or(scope.to, |n| line + n);
            let from = line + start;
            if line == end {
                break;
            }
            if from < end && (start == 0 || scope.part(from - 1, from) == b" ") {
                let to = run_end(scope.text, from, end, |b| !b.is_ascii_whitespace());
                let value = scope.part(from, to);
                // `db-secret-v1` is the name of one.
                let resource = memchr::memchr(b'-', value).is_some()
                    && value
                        .iter()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
                    && value.iter().filter(|b| b.is_ascii_digit()).count() <= 3;
                if value::looks_chosen(value)
                    && !resource
                    && !placeholder::has_mark(value)
                    && !placeholder::is_placeholder(value)
                {
                    add(Found::new(from, to, Class::Field));
                }
            }
            line = end + 1;
        }
        // A second such column would be read from the start again.
        return;
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

fn cells(scope: &Scope<'_>, from: usize, to: usize, delimiter: u8) -> usize {
    let mut count = 0;
    each_cell(scope, from, to, delimiter, &mut |_, _, _| count += 1);
    count
}

/// Calls `f` with each cell; delimiters in quotes do not count.
fn each_cell(
    scope: &Scope<'_>,
    from: usize,
    to: usize,
    delimiter: u8,
    f: &mut dyn FnMut(usize, usize, usize),
) {
    let (mut start, mut index, mut quoted) = (from, 0, false);
    for pos in from..to {
        match scope.at(pos) {
            b'"' => quoted = !quoted,
            byte if byte == delimiter && !quoted => {
                f(index, start, pos);
                index += 1;
                start = pos + 1;
            }
            _ => {}
        }
    }
    f(index, start, to);
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
    start < table && word < start && word >= from + 4 && has_word_at(text, word - 4, b"into")
}

/// Adds the values of sensitive columns of `INSERT INTO t (a, b) VALUES ('x', 'y')`; `open` is where the names of the
/// first statement begin.
pub(crate) fn inserted(
    scope: &Scope<'_>,
    mut open: usize,
    judge: &dyn Fn(&[u8]) -> Kind,
    add: &mut dyn FnMut(Found),
) {
    loop {
        let mut pos = open + 1;
        let head = scope.part(pos, pos + MAX_HEADER);
        if let Some(close) = memchr::memchr(b')', head) {
            let mut sensitive = 0u64;
            for (index, name) in bytes::part(head, 0, close)
                .split(|b| *b == b',')
                .take(MAX_COLUMNS)
                .enumerate()
            {
                if judge(name.trim_ascii()).hides() {
                    sensitive |= 1 << index;
                }
            }
            if sensitive != 0 {
                pos = rows(scope, pos + close + 1, sensitive, add);
            }
        }
        let next = memchr::memchr_iter(b'(', scope.part(pos, scope.to))
            .map(|n| pos + n)
            .find(|next| follows_into(scope.text, scope.from, *next));
        match next {
            Some(next) => open = next,
            None => return,
        }
    }
}

/// Every row in parentheses, up to the end of the statement.
fn rows(scope: &Scope<'_>, mut pos: usize, sensitive: u64, add: &mut dyn FnMut(Found)) -> usize {
    loop {
        pos = run_end(scope.text, pos, scope.to, |b| {
            !matches!(b, b'(' | b';' | b'\'')
        });
        if scope.at(pos) != b'(' {
            return pos;
        }
        pos = row(scope, pos + 1, sensitive, add);
    }
}

/// The values of one row, which begins at `pos`; returns its end.
fn row(scope: &Scope<'_>, mut pos: usize, sensitive: u64, add: &mut dyn FnMut(Found)) -> usize {
    let mut index = 0;
    while pos < scope.to && scope.at(pos) != b')' {
        let start = run_end(scope.text, pos, scope.to, |b| {
            b.is_ascii_whitespace() || matches!(b, b'N' | b'E')
        });
        let quoted = scope.at(start) == b'\'';
        let (from, to) = if quoted {
            let mut end = start + 1;
            loop {
                end = run_end(scope.text, end, scope.to, |b| b != b'\'');
                if scope.at(end + 1) != b'\'' {
                    break;
                }
                end += 2;
            }
            (start + 1, end)
        } else {
            (
                start,
                run_end(scope.text, start, scope.to, |b| !matches!(b, b',' | b')')),
            )
        };
        let value = scope.part(from, to);
        let hides = index < MAX_COLUMNS && sensitive >> index & 1 == 1 && quoted;
        if hides
            && !value.is_empty()
            && !placeholder::has_mark(value)
            && !placeholder::is_placeholder(value)
        {
            add(Found::new(from, to, Class::Field));
        }
        pos = run_end(scope.text, to + usize::from(quoted), scope.to, |b| {
            !matches!(b, b',' | b')')
        });
        if scope.at(pos) == b',' {
            pos += 1;
        }
        index += 1;
    }
    (pos + 1).min(scope.to)
}
