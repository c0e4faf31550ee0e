//! Tables in text: a line of column names, and lines of values below it.

use crate::redact::catalogue::{formats, labels, names, words};
use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::find::phone;
use crate::redact::judge::{id, random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, has_word_at, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// A longer first line is no line of column names.
const MAX_HEADER: usize = 1024;
/// As many words and no other cell make a column one of words.
const MIN_WORDS: u8 = 3;
/// Columns beyond these are not told apart.
const MAX_COLUMNS: usize = 64;

/// Adds the cells of sensitive columns, of CSV and of the tables of Markdown.
pub(crate) fn columns(look: &mut Look<'_>) {
    let mut first = look.from;
    if look.at(first) == b'#' {
        commented(look);
    }
    let line_end = |from: usize| {
        memchr::memchr(b'\n', look.part(from, look.to.min(from + MAX_HEADER))).map(|n| from + n)
    };
    let Some(mut end) = line_end(first) else {
        return;
    };
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
        if labels::heads_keys_and_values(header) {
            aligned_rows(look, end + 1);
        } else {
            aligned(look, first, end);
        }
        return;
    };
    let Some(mut sensitive) = sensitive(look, header, delimiter) else {
        return;
    };
    let count = header.split(|b| *b == delimiter).count();
    sensitive_cells(look, (end + 1, look.to), delimiter, &mut sensitive, count);
}

/// So many comments may stand above a file of fields, and so long is the one that names them.
const MAX_COMMENTS: usize = 8;
const MAX_COMMENT: usize = 160;

/// Adds the secrets of a file whose first comments name its fields: `# client server secret`, `# host:port:password`.
fn commented(look: &mut Look<'_>) {
    let mut line = look.from;
    let mut named = None;
    for _ in 0..MAX_COMMENTS {
        if look.at(line) != b'#' {
            break;
        }
        let end = look.line_end(line);
        let names = look
            .part(line + 1, end.min(line + MAX_COMMENT))
            .trim_ascii();
        let joined = memchr::memchr(b' ', names).is_none() && memchr::memchr(b':', names).is_some();
        let mut fields = names
            .split(|b| is_between(*b, joined))
            .filter(|name| !name.is_empty());
        // The path of the file names no field.
        let is_sentence = fields.clone().any(words::is_of_sentences)
            || fields.clone().any(|name| name.starts_with(b"/"));
        if let Some(field) = fields.position(|name| look.judge(name) == Kind::Secret)
            && !is_sentence
        {
            named = Some((field, joined));
        }
        line = end + 1;
    }
    let Some((field, joined)) = named else {
        return;
    };
    while line < look.to {
        let end = look.line_end(line);
        let mut from = line;
        for number in 0..=field {
            from = run_end(look.text, from, end, |b| {
                is_between(b, joined) && (!joined || number > 0)
            });
            let to = run_end(look.text, from, end, |b| !is_between(b, joined));
            if number == field && look.at(line) != b'#' {
                let quote = |b: u8| b == b'"';
                let from = run_end(look.text, from, to, quote);
                let to = run_start(look.text, to, from, quote);
                let value = look.part(from, to);
                if value::looks_chosen(value) && is_secret(look, value) {
                    look.hide(from, to, Class::Field);
                }
            }
            from = to;
        }
        line = end + 1;
    }
}

/// Whether a byte stands between the fields of a line.
fn is_between(byte: u8, joined: bool) -> bool {
    if joined {
        byte == b':'
    } else {
        byte.is_ascii_whitespace()
    }
}

/// Adds the cells of a table within a text, whose names stand at `first..end` above the rule that ends at `rule`.
pub(crate) fn under_rule(look: &mut Look<'_>, first: usize, end: usize, rule: usize) {
    let header = look.part(first, end);
    if header.len() > MAX_HEADER || memchr::memchr(b'|', header).is_none() {
        return;
    }
    if let Some(mut sensitive) = sensitive(look, header, b'|') {
        let count = header.split(|b| *b == b'|').count();
        let to = rows_end(look, rule + 1, count);
        sensitive_cells(look, (rule + 1, to), b'|', &mut sensitive, count);
    }
}

/// Where the rows end that begin at `line`: at a rule, or where a line has another number of cells.
fn rows_end(scope: &Scope<'_>, mut line: usize, count: usize) -> usize {
    while line < scope.to {
        let end = scope.line_end(line);
        if is_rule(scope.part(line, end)) || cells(scope, line, end, b'|').count() != count {
            return line;
        }
        line = end + 1;
    }
    scope.to
}

/// Adds the cells of a table of a wiki, whose names stand at `first..end` between double strokes:
/// `||Host||Password||`, `|web1|hunter2|`.
pub(crate) fn under_strokes(look: &mut Look<'_>, first: usize, end: usize) {
    let header = look.part(first, end.min(first + MAX_HEADER)).trim_ascii();
    let Some(names) = header
        .strip_prefix(b"||")
        .and_then(|names| names.strip_suffix(b"||"))
    else {
        return;
    };
    let mut sensitive = Columns::default();
    let mut count = 2;
    let mut from = 0;
    while from <= names.len() && count < MAX_COLUMNS {
        let to =
            memchr::memmem::find(bytes::rest(names, from), b"||").map_or(names.len(), |n| from + n);
        let name = bytes::part(names, from, to).trim_ascii();
        if name.len() <= 40 {
            sensitive.name(count - 1, look.judge(name));
        }
        count += 1;
        from = to + 2;
    }
    if sensitive.any {
        let to = rows_end(look, end + 1, count);
        sensitive_cells(look, (end + 1, to), b'|', &mut sensitive, count);
    }
}

/// Adds the values of lines of a name and a value with spaces between, from `line` on.
fn aligned_rows(look: &mut Look<'_>, mut line: usize) {
    while line < look.to {
        let end = look.line_end(line);
        let name_end = run_end(look.text, line, end, |b| !b.is_ascii_whitespace());
        let from = run_end(look.text, name_end, end, |b| b == b' ');
        let to = run_start(look.text, end, from, |b| b.is_ascii_whitespace());
        let (name, value) = (look.part(line, name_end), look.part(from, to));
        if from > name_end + 1 && look.judge(name).hides() && is_secret(look, value) {
            look.hide(from, to, Class::Field);
        }
        line = end + 1;
    }
}

/// Adds the cells that look chosen of the first sensitive column of a table whose columns spaces align; their names
/// stand at `first..end`.
fn aligned(look: &mut Look<'_>, first: usize, end: usize) {
    let header = look.part(first, end).trim_ascii_end();
    let is_named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ');
    if !header.iter().all(is_named) {
        return;
    }
    let mut start = 0;
    while start < header.len() {
        let name_end = memchr::memmem::find(bytes::rest(header, start), b"  ")
            .map_or(header.len(), |n| start + n);
        // A line of one name alone is no table.
        let name = bytes::part(header, start, name_end);
        if name.len() < header.len() && name.len() <= 40 && look.judge(name).hides() {
            break;
        }
        start = run_end(header, name_end, header.len(), |b| b == b' ');
    }
    let mut line = end + 1;
    while start < header.len() && line < look.to && look.at(line) != b'\n' {
        let end = look.line_end(line);
        let from = end.min(line + start);
        if start == 0 || look.at(from - 1) == b' ' {
            let to = run_end(look.text, from, end, |b| !b.is_ascii_whitespace());
            let value = look.part(from, to);
            let is_chosen = value::looks_chosen(value) || random::is_strong(value);
            if is_chosen && !id::is_resource(value) && is_secret(look, value) {
                look.hide(from, to, Class::Field);
            }
        }
        line = end + 1;
    }
}

/// What the names of columns say of the cells below them.
struct Columns {
    kinds: [Kind; MAX_COLUMNS],
    any: bool,
    /// A bit for each column whose cells are words unless they look like more: those of anything but passwords.
    of_words: u64,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            kinds: [Kind::Plain; MAX_COLUMNS],
            any: false,
            of_words: 0,
        }
    }
}

impl Columns {
    /// What may be any word in another table is not asked for here: a column of `session` holds ids.
    fn name(&mut self, index: usize, kind: Kind) {
        let tells = kind.hides() || matches!(kind, Kind::Pin | Kind::Phone);
        if let Some(column) = self.kinds.get_mut(index).filter(|_| tells) {
            *column = kind;
            self.any = true;
        }
    }

    /// Whether a cell of a column is a word that stays.
    fn is_word(&self, index: usize, cell: &[u8]) -> bool {
        index < MAX_COLUMNS
            && self.of_words >> index & 1 == 1
            && (is_plain_word(cell) || is_in_capitals(cell))
    }

    fn kind(&self, index: usize) -> Kind {
        self.kinds.get(index).copied().unwrap_or_default()
    }
}

/// Adds the cell at `from..to` of a column, if what the column's name says fits it.
fn hide_cell(look: &mut Look<'_>, from: usize, to: usize, kind: Kind) {
    let value = look.part(from, to);
    let cell = Scope { from, to, ..**look };
    let found = match kind {
        Kind::Secret | Kind::Secrets => {
            is_secret(look, value).then(|| Found::new(from, to, Class::Field))
        }
        Kind::Phone => phone::named_phone(&cell),
        kind => (kind != Kind::Plain && value::fits(value, kind))
            .then(|| Found::new(from, to, Class::Field)),
    };
    look.report(found);
}

/// What the columns of a table hold, if their names can be those of columns and one says something.
fn sensitive(look: &Look<'_>, header: &[u8], delimiter: u8) -> Option<Columns> {
    let mut sensitive = Columns::default();
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
        if labels::is_about_words(cell) {
            sensitive.of_words = u64::MAX;
        }
        sensitive.name(index, look.judge(cell));
        if !value::is_password_name(cell) || names::is_secret(cell) {
            sensitive.of_words |= 1 << index;
        }
    }
    sensitive.any.then_some(sensitive)
}

/// Adds the cells of sensitive columns between `line` and `to`, up to the end of the table.
fn sensitive_cells(
    look: &mut Look<'_>,
    lines: (usize, usize),
    delimiter: u8,
    sensitive: &mut Columns,
    count: usize,
) {
    // A first look tells passwords from words about them.
    let mut words = [0_u8; MAX_COLUMNS];
    each_cell(look, lines, delimiter, count, |look, index, from, to| {
        let cell = look.part(from, to);
        if let Some(word) = words.get_mut(index)
            && sensitive.kind(index).hides()
        {
            if is_plain_word(cell) {
                *word = word.saturating_add(1);
            } else if is_secret(look, cell) {
                *word = u8::MAX;
            }
        }
    });
    for (index, count) in words.into_iter().enumerate() {
        if (MIN_WORDS..u8::MAX).contains(&count) {
            sensitive.of_words |= 1 << index;
        }
    }
    each_cell(look, lines, delimiter, count, |look, index, from, to| {
        let kind = sensitive.kind(index);
        if kind != Kind::Plain && !sensitive.is_word(index, look.part(from, to)) {
            hide_cell(look, from, to, kind);
        }
    });
}

/// Calls back for each cell of the table's rows with its number, start and end. The table ends where a line has another
/// number of cells.
fn each_cell(
    look: &mut Look<'_>,
    (mut line, to): (usize, usize),
    delimiter: u8,
    count: usize,
    mut cell: impl FnMut(&mut Look<'_>, usize, usize, usize),
) {
    while line < to {
        let end = look.line_end(line);
        let is_row = cells(look, line, end, delimiter).count() == count;
        let is_rule = line == end || is_rule(look.part(line, end));
        if !is_row && !is_rule {
            return;
        }
        if is_row && !is_rule {
            for (index, from, to) in cells(look, line, end, delimiter) {
                let around = |b: u8| matches!(b, b' ' | b'"' | b'`' | b'\r');
                let from = run_end(look.text, from, to, around);
                let to = run_start(look.text, to, from, around);
                cell(look, index, from, to);
            }
        }
        line = end + 1;
    }
}

/// Whether a cell is a word, or several, as dictionaries have them.
fn is_plain_word(cell: &[u8]) -> bool {
    bytes::rest(cell, 1)
        .iter()
        .all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b' ' | b'\''))
        && cell.first().is_some_and(u8::is_ascii_alphabetic)
}

/// Whether a cell is a word in capitals, as the tokens of a parser are: `INDENT`.
fn is_in_capitals(cell: &[u8]) -> bool {
    cell.len() < 16 && cell.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

/// Whether what stands in a column of secrets is one, and no answer to whether there is one: `no`, `s\u{ec}`,
/// `ask Miriam`.
fn is_secret(look: &Look<'_>, value: &[u8]) -> bool {
    let is_number = value.iter().any(u8::is_ascii_digit);
    let drawn = value.iter().all(|b| matches!(b, b'-' | b':' | b'='));
    let said = !is_number && (memchr::memchr(b' ', value).is_some() || words::is_outcome(value));
    value.len() >= 4
        && !drawn
        && !said
        && value::is_real(value)
        && (!look.judge(value).hides() || is_number)
}

/// Whether a line only draws: `+------+`, `---+---`.
pub(crate) fn is_rule(line: &[u8]) -> bool {
    line.len() >= 3
        && line
            .iter()
            .all(|b| matches!(b, b'-' | b'+' | b'|' | b':' | b'=' | b' ' | b'\r'))
}

fn trimmed(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    let cell = cell
        .strip_prefix(b"**")
        .and_then(|cell| cell.strip_suffix(b"**"))
        .unwrap_or(cell);
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
            let mut sensitive = Columns::default();
            for (index, name) in bytes::part(head, 0, close)
                .split(|b| *b == b',')
                .take(MAX_COLUMNS)
                .enumerate()
            {
                sensitive.name(index, look.judge(name.trim_ascii()));
            }
            if sensitive.any {
                pos = rows(look, pos + close + 1, &sensitive);
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
fn rows(look: &mut Look<'_>, mut pos: usize, sensitive: &Columns) -> usize {
    loop {
        pos = look.run(pos, |b| !matches!(b, b'(' | b';' | b'\''));
        if look.at(pos) != b'(' {
            return pos;
        }
        pos = row(look, pos + 1, sensitive);
    }
}

/// The values of one row, which begins at `pos`; returns its end.
fn row(look: &mut Look<'_>, mut pos: usize, sensitive: &Columns) -> usize {
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
        let kind = sensitive.kind(index);
        if quoted && kind.hides() && value::is_real(look.part(from, to)) {
            look.hide(from, to, Class::Field);
        } else if quoted && !kind.hides() {
            hide_cell(look, from, to, kind);
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
    use crate::redact::tests::redacts;
    use crate::redact::tests::{leaves, marked};

    #[test]
    fn cells_of_a_table_within_a_text_go() {
        marked(&[
            "The accounts:\n\n| Host | **Password** |\n|---|---|\n| web1 | {} |\n\nThat is all.",
            "shop=# table users;\n id | login | password\n----+-------+----------\n  1 | bob   | {}\n(1 row)",
            "mysql> select *\n+-----+------+\n| who | password |\n+-----+------+\n| bob | {} |\n+-----+------+\n",
            "h2. Access\n||Host||User||Password||\n|web1|bob|{}|\nh2. Next\n",
            "Two:\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| a | token |\n|---|---|\n| 1 | {} |\n",
        ]);
        leaves(&[
            "Rules:\n\n| Field | Password required |\n|---|---|\n| a1 | no |\n| a2 | s\u{ec} |\n",
            "Rules:\n\n| Password |\n|---|\n| ask Miriam |\n",
            "a\n---\nhunter2xK9 | b\n",
            "||Host||User||\n|web1|hunter2xK9|\n",
        ]);
    }

    #[test]
    fn fields_that_a_comment_names_go() {
        marked(&[
            "# Secrets for CHAP\n# client server secret IP addresses\nvpn1 pptpd {} 10.8.0.5\n",
            "# client\tserver\tsecret\n\"dsl1\"\t*\t\"{}\"\t*\n",
            "# hostname:port:database:username:password\ndb1:5432:crm:bob:{}\n",
        ]);
        leaves(&[
            "# device mountpoint type options dump pass\n/dev/sda1 / ext4 errors=remount-ro 0 1\n",
            "# /etc/postfix/sasl_passwd\n[smtp2.example.com]:587 bob:no\n",
            "# The secret of a good soup\nis hunter2xK9 and salt2go\n",
        ]);
    }

    #[test]
    fn words_in_a_column_of_words_stay() {
        leaves(&[
            "| token | meaning |\n|-------|---------|\n| INDENT | start of a block |\n| DEDENT | end of a block |",
            "name,secret,owner\nbilling,database,team-a\nsearch,elastic,team-b\n",
            "word | password | count\n-----+----------+------\nlogin | strength | 14\nreset | history | 9",
        ]);
        marked(&["name,secret,owner\nbilling,{},team-a\n"]);
    }

    #[test]
    fn values_beside_their_names_in_aligned_lines_go() {
        marked(&[
            "Key          Value\n---          -----\nlease        1h\npassword               {}\n",
        ]);
        leaves(&[
            "Key          Value\n---          -----\npassword     no\ntoken_ttl    768h0m0s\n",
        ]);
    }

    #[test]
    fn cells_of_columns_that_spaces_align_go() {
        marked(&[
            "NAME      TOKEN\nann       {}\n",
            "ID   SECRET KEY     AGE\n1    ask            2d\n22   {}   3d",
        ]);
        leaves(&[
            "NAME      TOKEN\nann       db-secret-v1\nbob       tangerine\n",
            "NAME      TOKEN\n\nann       hunter2xK9\n",
            "NAME      AGE\nann       hunter2xK9\n",
            "The token\n  is hunter2xK9\n",
        ]);
    }

    #[test]
    fn phones_and_pins_go_by_the_names_of_their_columns() {
        redacts(&[
            (
                "id;mobile;pin\n7;0613948827;8830\n8;;12",
                "id;mobile;pin\n7;[REDACTED_PHONE];[REDACTED_FIELD]\n8;;12",
            ),
            (
                "INSERT INTO t (name, telefone) VALUES ('ann', '11 98264 7310')",
                "INSERT INTO t (name, telefone) VALUES ('ann', '[REDACTED_PHONE]')",
            ),
        ]);
    }

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
        redacts(&[(
            "token,count\nfunction,12\nhunter2xK9,1\n",
            "token,count\nfunction,12\n[REDACTED_FIELD],1\n",
        )]);
        redacts(&[(
            "who,password\nann,tangerine\nbob,Tr0ub4dor\neve,swordfish\nmo,letmein\n",
            "who,password\nann,[REDACTED_FIELD]\nbob,[REDACTED_FIELD]\neve,[REDACTED_FIELD]\nmo,[REDACTED_FIELD]\n",
        )]);
        leaves(&[
            "name,city\nann,oslo\nbob,rome\n",
            "token,count\nfunction,12\nreturn,9\n",
            "| who | password |\n|---|---|\n| ann | changed |\n| bob | n/a |\n| eve | renewed |\n| mo | chosen |\n",
        ]);
    }
}
