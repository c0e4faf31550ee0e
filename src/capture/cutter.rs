//! Cuts texts that are too long, so that no secret is cut in two.

use super::buffer::JsonBuffer;
use crate::base::text::cut_at_char;
use crate::limits;
use crate::redact::{Counts, Redactor, RuleFailed};

/// How every mark of the redactor begins.
const MARK_START: &str = "[REDACTED_";

/// Cuts texts that are too long, and remembers what the redactor found in them.
#[derive(Debug)]
pub(crate) struct Cutter<'r> {
    redactor: &'r Redactor,
    /// `None` until a long text was redacted: most events have none.
    pub(super) counts: Option<Counts>,
    /// A rule failed, so the event must not be sent.
    pub(super) failed: bool,
}

impl<'r> Cutter<'r> {
    pub(super) fn new(redactor: &'r Redactor) -> Self {
        Self {
            redactor,
            counts: None,
            failed: false,
        }
    }

    /// Writes `text` as a JSON string of at most `most` characters.
    #[inline]
    pub(super) fn write(&mut self, out: &mut JsonBuffer, text: &str, most: usize) {
        // A character has one byte or more.
        if text.len() <= most {
            out.string(text);
        } else {
            self.write_long(out, text, most);
        }
    }

    /// Writes a text that is not redacted as a JSON string of at most `most` characters.
    #[inline]
    pub(super) fn write_exact(out: &mut JsonBuffer, text: &str, most: usize) {
        match cut_at(text, most) {
            None => out.string(text),
            Some(cut) => write_with_dots(out, text.get(..cut).unwrap_or_default()),
        }
    }

    #[cold]
    pub(super) fn write_long(&mut self, out: &mut JsonBuffer, text: &str, most: usize) {
        match cut_at(text, most) {
            None => out.string(text),
            Some(cut) => self.write_cut(out, text, cut, most),
        }
    }

    /// As [`write`](Self::write), for a text whose limit the receiver checks. The marks count
    /// against the limit too, and may be longer than what they hide. Returns whether the text was
    /// redacted here.
    pub(super) fn write_fitting(&mut self, out: &mut JsonBuffer, text: &str, most: usize) -> bool {
        /// The longest mark, of a class with a name of 40 characters, may hide a single one.
        const GROWTH: usize = 56;
        let cut = cut_at(text, most).or((text.len() > most / GROWTH).then_some(text.len()));
        match cut {
            Some(cut) => self.write_cut(out, text, cut, most),
            None => out.string(text),
        }
        cut.is_some()
    }

    /// Writes `text` up to `cut`. It is redacted with what stands behind the cut in view, so that a
    /// secret which the cut would halve is found whole.
    fn write_cut(&mut self, out: &mut JsonBuffer, text: &str, cut: usize, most: usize) {
        let window = cut_at_char(text, cut + limits::CUT_MARGIN_BYTES);
        let counts = self.counts.get_or_insert_default();
        match self.redactor.redact_cut(window, cut, counts) {
            Ok(redacted) if cut < text.len() || cut_at(&redacted, most).is_some() => {
                write_with_dots(out, shortened(&redacted, most));
            }
            Ok(redacted) => out.string(&redacted),
            Err(RuleFailed) => {
                self.failed = true;
                out.string("");
            }
        }
    }
}

fn write_with_dots(out: &mut JsonBuffer, text: &str) {
    out.string(text);
    out.truncate(out.len() - 1);
    out.raw(b"...\"");
}

/// The beginning of `text` that leaves room for three dots. A mark at its end that would be halved
/// is left out.
fn shortened(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most.saturating_sub(3)) else {
        return text;
    };
    let kept = text.get(..end).unwrap_or(text);
    match kept.rfind(MARK_START) {
        Some(mark) if !kept.get(mark..).unwrap_or_default().contains(']') => {
            kept.get(..mark).unwrap_or(kept)
        }
        _ => kept,
    }
}

/// Returns where to cut `text` so that three dots make up `most` characters, if it has more.
pub(crate) fn cut_at(text: &str, most: usize) -> Option<usize> {
    if text.len() <= most {
        return None;
    }
    let keep = most.saturating_sub(3);
    if text.as_bytes().get(..=most).is_some_and(<[u8]>::is_ascii) {
        return Some(keep);
    }
    let mut starts = text.char_indices().map(|(at, _)| at);
    let cut = starts.nth(keep)?;
    starts.nth(most - keep - 1).map(|_| cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str, most: usize) -> String {
        let redactor = Redactor::off();
        let mut out = JsonBuffer::default();
        Cutter::new(&redactor).write(&mut out, text, most);
        serde_json::from_slice(out.as_bytes()).unwrap()
    }

    #[test]
    fn a_text_is_cut_to_its_limit_with_three_dots() {
        for (text, most, expected) in [
            ("", 16, ""),
            ("0123456789abcdef", 16, "0123456789abcdef"),
            ("0123456789abcdefg", 16, "0123456789abc..."),
            ("éééééééééééééééé", 16, "éééééééééééééééé"),
            ("ééééééééééééééééé", 16, "ééééééééééééé..."),
            (
                "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀x",
                16,
                "😀😀😀😀😀😀😀😀😀😀😀😀😀...",
            ),
        ] {
            assert_eq!(written(text, most), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_at_the_cut_is_replaced_whole() {
        let redactor = Redactor::default();
        let key = format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for before in 0..120 {
            let text = format!("{} {key} {}", "w".repeat(before), "tail ".repeat(100));
            let mut out = JsonBuffer::default();
            let mut cutter = Cutter::new(&redactor);
            cutter.write(&mut out, &text, 100);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(!sent.contains("ghp"), "{before}: {sent}");
            assert!(sent.chars().count() <= 100, "{before}: {sent}");
            assert!(sent.ends_with("..."), "{before}: {sent}");
        }
    }

    #[test]
    fn marks_count_against_the_limit_and_are_never_halved() {
        let redactor = Redactor::default();
        // Fewer are left to the pass over the whole event: they cannot outgrow the limit.
        for count in [5, 20, 100, 1_000] {
            let mut out = JsonBuffer::default();
            let text = "a@b.co ".repeat(count);
            Cutter::new(&redactor).write_fitting(&mut out, &text, 200);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(sent.chars().count() <= 200, "{count}: {sent}");
            assert!(!sent.contains("a@b"), "{count}: {sent}");
            let marks = sent.matches("[REDACTED").count();
            assert_eq!(
                marks,
                sent.matches("[REDACTED_EMAIL]").count(),
                "a mark is never halved"
            );
        }
    }

    proptest! {
        #[test]
        fn a_cut_keeps_the_beginning_and_obeys_the_limit(text in "\\PC{0,300}", most in 16_usize..200) {
            let sent = written(&text, most);
            let (sent_chars, chars) = (sent.chars().count(), text.chars().count());
            if chars <= most {
                prop_assert_eq!(sent, text);
            } else {
                prop_assert_eq!(sent_chars, most);
                let kept = sent.strip_suffix("...").unwrap();
                prop_assert!(text.starts_with(kept));
            }
        }
    }
}
