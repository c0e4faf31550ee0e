//! What a rule is given: the part of a text, what the redactor's own rules say of names, and where findings go.

use std::cell::Cell;
use std::ops::Deref;

use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::redact::catalogue::tools;
use crate::redact::class::Class;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{among, each_byte, part};
use crate::redact::read::command::{MAX_COMMAND, program};
use crate::redact::read::scope::{Found, Scope};
use crate::redact::rule_set::RuleSet;

/// Where a known tool was named last. No rule for command lines is tried on a text that names none, and every byte is
/// read once for that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tools {
    read: usize,
    named: Option<usize>,
}

/// What a byte is to the words of a command.
#[derive(Clone, Copy)]
enum Role {
    Word,
    /// The name of a tool begins behind it.
    Path,
    /// A word ends before it.
    Gap,
}

impl Role {
    #[inline(always)]
    fn of(byte: u8) -> Self {
        static PARTS: [Role; 256] = each_byte!(|byte| match byte {
            b' ' | b'\t' | b'"' | b'\'' | b'\n' | b'|' | b';' | b'&' | b'(' | b'`' => Role::Gap,
            b'/' | b'\\' | b'>' => Role::Path,
            _ => Role::Word,
        });
        PARTS.get(usize::from(byte)).copied().unwrap_or(Self::Word)
    }
}

/// A bit for each of sixteen bytes that may end a word or a part of its path, the first byte's lowest.
#[inline(always)]
fn signs(sixteen: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*sixteen);
    let low = bytes.min(u8x16::splat(b'/')).cmp_eq(bytes);
    let high =
        among(bytes, b';' ^ b'>', b'?') | among(bytes, b'\\' ^ b'|', b'|') | among(bytes, 0, b'`');
    (low | high).move_mask() as u32
}

impl Tools {
    /// Whether a tool stands near before `to`, where a word begins.
    fn are_near(&mut self, scope: &Scope<'_>, to: usize) -> bool {
        let at = self
            .read
            .max(to.saturating_sub(MAX_COMMAND))
            .max(scope.origin);
        let words = scope.part(at, to);
        let mut name = 0;
        let mut see = |name: usize, end: usize| {
            if tools::is_first(program(part(words, name, end))) {
                self.named = Some(at + end);
            }
        };
        // Every byte of a text is read here, sixteen at a time: a third of what one look at each costs.
        let (whole, rest) = words.as_chunks::<16>();
        let last = sixteen_of(rest).to_le_bytes();
        let all = whole.iter().chain([&last]);
        for (index, sixteen) in all.take(words.len().div_ceil(16)).enumerate() {
            let mut signs = signs(sixteen);
            while signs != 0 {
                let place = 16 * index + signs.trailing_zeros() as usize;
                signs &= signs - 1;
                match words.get(place).map(|byte| Role::of(*byte)) {
                    Some(Role::Word) => {}
                    Some(Role::Path) => name = place + 1,
                    Some(Role::Gap) => {
                        if name < place {
                            see(name, place);
                        }
                        name = place + 1;
                    }
                    // Zeros behind the words.
                    None => break,
                }
            }
        }
        if name < words.len() {
            see(name, words.len());
        }
        self.read = self.read.max(to);
        self.named
            .is_some_and(|end| end <= to && to - end < MAX_COMMAND)
    }
}

/// A scope, and the redactor that looks at it.
pub(crate) struct Look<'a> {
    scope: Scope<'a>,
    rules: &'a RuleSet,
    tools: &'a Cell<Tools>,
    hidden: &'a mut Vec<Found>,
}

impl<'a> Deref for Look<'a> {
    type Target = Scope<'a>;

    #[inline(always)]
    fn deref(&self) -> &Scope<'a> {
        &self.scope
    }
}

impl<'a> Look<'a> {
    #[inline]
    pub(crate) fn new(
        scope: Scope<'a>,
        rules: &'a RuleSet,
        tools: &'a Cell<Tools>,
        hidden: &'a mut Vec<Found>,
    ) -> Self {
        Self {
            scope,
            rules,
            tools,
            hidden,
        }
    }

    /// What a field name says about its value.
    pub(crate) fn judge(&self, name: &[u8]) -> Kind {
        self.rules.judge(name)
    }

    /// Whether the singular of a name says that its value is a secret: `service_tokens`, which may also be a number.
    pub(crate) fn judge_plural(&self, name: &[u8]) -> bool {
        let one = name.strip_suffix(b"s").or_else(|| name.strip_suffix(b"S"));
        one.is_some_and(|one| self.judge(one).hides())
    }

    /// Whether a tool that takes a password is named near before `to`, where a word begins.
    #[inline]
    pub(crate) fn is_near_tool(&self, to: usize) -> bool {
        // Nothing stands before the first word of a text, and hardly a short text has another.
        to > self.origin && self.has_tool_before(to)
    }

    fn has_tool_before(&self, to: usize) -> bool {
        let mut tools = self.tools.get();
        let near = tools.are_near(&self.scope, to);
        self.tools.set(tools);
        near
    }

    /// Reports that bytes `from..to` are a secret of this class. For rules that find several at one place.
    pub(crate) fn hide(&mut self, from: usize, to: usize, class: Class) {
        self.hidden.push(Found::new(from, to, class));
    }

    /// Reports what another rule found, if anything.
    pub(crate) fn report(&mut self, found: impl Into<Option<Found>>) {
        self.hidden.extend(found.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::tests::with_look;

    #[test]
    fn a_tool_is_near_where_its_command_can_still_go_on() {
        for (text, to, near) in [
            ("curl -u bob", 8, true),
            ("/usr/bin/curl -u bob", 17, true),
            ("walk -u bob", 8, false),
            ("a curl", 2, false),
        ] {
            with_look(text, |look| {
                assert_eq!(look.is_near_tool(to), near, "{text}")
            });
        }
    }

    #[test]
    fn a_tool_that_was_seen_is_soon_far() {
        let far = format!("curl {}", "x ".repeat(MAX_COMMAND));
        with_look(&far, |look| {
            assert!(look.is_near_tool(5) && look.is_near_tool(MAX_COMMAND));
            assert!(!look.is_near_tool(far.len()));
        });
    }

    #[test]
    fn a_plural_is_judged_by_its_singular() {
        with_look("", |look| {
            assert!(look.judge_plural(b"service_tokens") && look.judge_plural(b"TOKENS"));
            assert!(!look.judge_plural(b"service_token") && !look.judge_plural(b"colours"));
        });
    }

    #[test]
    fn what_a_rule_reports_is_kept_in_order() {
        with_look("a b", |look| {
            look.hide(0, 1, Class::Key);
            look.report(None);
            look.report(Found::new(2, 3, Class::Field));
            let ends: Vec<usize> = look.hidden.iter().map(|found| found.end).collect();
            assert_eq!(ends, [1, 3]);
        });
    }
}
