//! The words of a command line.

use crate::redact::catalogue::formats;
use crate::redact::read::bytes;
use crate::redact::read::lex::is_blank;
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

    /// The words of a line.
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let mut command = Self {
            words: [&[]; MAX_WORDS],
            count: 0,
        };
        let words = line.split(|b| is_blank(*b) || matches!(b, b'"' | b'\''));
        for (slot, word) in command
            .words
            .iter_mut()
            .zip(words.filter(|word| !word.is_empty()))
        {
            *slot = word;
            command.count += 1;
        }
        command
    }

    pub(crate) fn words(&self) -> &[&'a [u8]] {
        self.words.get(..self.count).unwrap_or(&[])
    }
}

/// The name of a tool without its path, and without an element of XML that begins right before it.
pub(crate) fn name_of(word: &[u8]) -> &[u8] {
    let name = word
        .rsplit(|b| matches!(b, b'/' | b'\\' | b'>'))
        .next()
        .unwrap_or(word);
    program(name)
}

/// The name of a tool without the ending of a program.
#[inline]
pub(crate) fn program(name: &[u8]) -> &[u8] {
    name.strip_suffix(formats::PROGRAM).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Command, name_of};
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
    fn a_tool_is_named_without_its_path() {
        assert_eq!(name_of(b"/usr/bin/mysql"), b"mysql");
        assert_eq!(name_of(b"<command>mysql"), b"mysql");
        assert_eq!(name_of(br"C:\tools\plink.exe"), b"plink");
    }
}
