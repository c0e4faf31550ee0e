//! The words of a command line.

use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::redact::catalogue::formats;
use crate::redact::read::bytes::{self, among};
use crate::redact::read::scope::Scope;

/// So far back a command begins.
pub(crate) const MAX_COMMAND: usize = 200;
/// More words are not looked at.
const MAX_WORDS: usize = 24;

/// The words of a command, as far as they are looked at.
pub(crate) struct Command<'a> {
    words: [&'a [u8]; MAX_WORDS],
    count: usize,
}

impl<'a> Command<'a> {
    /// The words before `to`, back to where the command begins.
    pub(crate) fn before(scope: &Scope<'a>, to: usize) -> Self {
        let floor = scope.origin.max(to.saturating_sub(MAX_COMMAND));
        let line = scope.part(floor, to);
        let start = memchr::memrchr3(b'\n', b'|', b';', line).map_or(0, |n| n + 1);
        let line = bytes::rest(line, start);
        let start = memchr::memrchr3(b'&', b'(', b'`', line).map_or(0, |n| n + 1);
        Self::of(bytes::rest(line, start))
    }

    /// The words of a line, with blanks and quotes between them. Sixteen bytes are looked at at a time, since each option
    /// of a tool asks for the command before it: a fifth of what one look at each costs.
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let mut command = Self::new();
        command.fill(line, |_| true);
        command
    }

    /// The words of an array of arguments: its first element, where `elements` begins further behind, and what stands
    /// in these.
    pub(crate) fn of_elements(first: Option<&'a [u8]>, elements: &'a [u8]) -> Self {
        let mut command = Self::new();
        command.add(first.unwrap_or(&[]));
        let is_word = |word: &[u8]| !word.iter().all(|b| b",\r\n".contains(b));
        command.fill(elements, is_word);
        command
    }

    fn new() -> Self {
        Self {
            words: [&[]; MAX_WORDS],
            count: 0,
        }
    }

    fn fill(&mut self, line: &'a [u8], is_word: impl Fn(&[u8]) -> bool) {
        let mut start = 0;
        let mut add = |word: &'a [u8]| {
            if is_word(word) {
                self.add(word);
            }
        };
        for (index, sixteen) in line.chunks(16).enumerate() {
            let mut gaps = gaps(sixteen_of(sixteen));
            while gaps != 0 {
                let end = 16 * index + gaps.trailing_zeros() as usize;
                gaps &= gaps - 1;
                add(bytes::part(line, start, end));
                start = end + 1;
            }
        }
        add(bytes::rest(line, start));
    }

    fn add(&mut self, word: &'a [u8]) {
        if !word.is_empty()
            && let Some(slot) = self.words.get_mut(self.count)
        {
            *slot = word;
            self.count += 1;
        }
    }

    pub(crate) fn words(&self) -> &[&'a [u8]] {
        self.words.get(..self.count).unwrap_or(&[])
    }
}

/// A bit for each of sixteen bytes that stands between words.
fn gaps(sixteen: u128) -> u32 {
    let bytes = u8x16::new(sixteen.to_le_bytes());
    let gaps = among(bytes, b' ' ^ b'"', b'"') | among(bytes, 0, b'\t') | among(bytes, 0, b'\'');
    gaps.move_mask() as u32
}

/// The name of a tool without its path, and without an element of XML that begins right before it.
pub(crate) fn name_of(word: &[u8]) -> &[u8] {
    let is_path = |b: &u8| matches!(b, b'/' | b'\\' | b'>');
    let name = word.iter().rposition(is_path).map_or(0, |n| n + 1);
    program(bytes::rest(word, name))
}

/// The name of a tool without the ending of a program.
#[inline]
pub(crate) fn program(name: &[u8]) -> &[u8] {
    name.strip_suffix(formats::PROGRAM).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Command, MAX_WORDS, name_of};
    use crate::redact::read::scope::Scope;

    #[test]
    fn a_command_begins_behind_a_pipe_a_bracket_or_a_line() {
        let text = b"ls | sudo 'mysql' -u root; (echo a";
        let scope = Scope {
            text,
            from: 0,
            to: text.len(),
            origin: 0,
        };
        assert_eq!(
            Command::before(&scope, 25).words(),
            [&b"sudo"[..], b"mysql", b"-u", b"root"]
        );
        assert_eq!(
            Command::before(&scope, text.len()).words(),
            [&b"echo"[..], b"a"]
        );
    }

    #[test]
    fn a_command_has_the_words_between_blanks_and_quotes_up_to_a_number_of_them() {
        let line = "mysql\t--user='bob' \"-p x\"  ".repeat(9);
        for end in 0..line.len() {
            let line = &line.as_bytes()[..end];
            let wanted: Vec<&[u8]> = line
                .split(|b| matches!(b, b' ' | b'\t' | b'"' | b'\''))
                .filter(|word| !word.is_empty())
                .take(MAX_WORDS)
                .collect();
            assert_eq!(Command::of(line).words(), wanted);
        }
    }

    #[test]
    fn a_tool_is_named_without_its_path() {
        assert_eq!(name_of(b"/usr/bin/mysql"), b"mysql");
        assert_eq!(name_of(b"<command>mysql"), b"mysql");
        assert_eq!(name_of(br"C:\tools\plink.exe"), b"plink");
    }
}
