//! What is put where: the findings of a text in order, and the text with them applied.

use crate::redact::class::{COUNTS, Class, Counts, Label, Tag};
use crate::redact::read::bytes;

/// One range of bytes that something else takes the place of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) with: With,
}

/// What takes the place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum With {
    /// The mark of a class.
    Mark {
        tag: Tag,
        /// Whether the mark needs quotes of its own, because it replaces a JSON value that had none; and how many
        /// times these are escaped, because the JSON stands inside strings of JSON.
        quotes: Option<u8>,
        /// Tells redacted keys of objects apart, so that none swallows another. 0 and 1 are not written.
        number: u32,
    },
    /// Bytes of the side buffer: what a user's closure or a pseudonym made of it.
    Text { tag: Tag, from: usize, to: usize },
    /// The counts by class.
    Counts,
}

impl Edit {
    pub(crate) fn mark(start: usize, end: usize, tag: Tag) -> Self {
        Self {
            start,
            end,
            with: With::Mark {
                tag,
                quotes: None,
                number: 0,
            },
        }
    }

    pub(crate) fn value(start: usize, end: usize, tag: Tag) -> Self {
        Self {
            start,
            end,
            with: With::Mark {
                tag,
                quotes: Some(0),
                number: 0,
            },
        }
    }

    pub(crate) fn tag(&self) -> Option<Tag> {
        match self.with {
            With::Mark { tag, .. } | With::Text { tag, .. } => Some(tag),
            With::Counts => None,
        }
    }
}

/// Adds an edit behind the others; what it covers of them is swallowed, what it touches becomes one with it.
pub(crate) fn push(edits: &mut Vec<Edit>, floor: usize, mut edit: Edit) {
    while edits.len() > floor {
        let Some(last) = edits.last() else { break };
        if last.start >= edit.start {
            // A later, wider finding: a whole value whose name came after it, an address around a number.
            edit.end = edit.end.max(last.end);
            edits.pop();
        } else if last.end > edit.start {
            let wide = Edit {
                end: edit.end.max(last.end),
                ..*last
            };
            edits.pop();
            edits.push(wide);
            return;
        } else {
            break;
        }
    }
    edits.push(edit);
}

/// Puts the edits from `floor` on in order and makes one of those that overlap; the first of them names it.
pub(crate) fn merge(edits: &mut Vec<Edit>, floor: usize) {
    let Some(found) = edits.get_mut(floor..) else {
        return;
    };
    if found.len() < 2 {
        return;
    }
    found.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let mut kept = floor;
    for index in floor + 1..edits.len() {
        let Some(&next) = edits.get(index) else {
            return;
        };
        let Some(last) = edits.get_mut(kept) else {
            return;
        };
        if next.start < last.end {
            last.end = last.end.max(next.end);
        } else {
            kept += 1;
            if let Some(slot) = edits.get_mut(kept) {
                *slot = next;
            }
        }
    }
    edits.truncate(kept + 1);
}

/// How a text with edits is written.
pub(crate) struct Writer<'a> {
    pub(crate) labels: &'a [Label],
    pub(crate) side: &'a [u8],
    pub(crate) counts: &'a Counts,
}

impl Writer<'_> {
    /// Appends `text` with the edits in place of what they cover.
    pub(crate) fn write(&self, text: &[u8], edits: &[Edit], out: &mut Vec<u8>) {
        self.write_and_tell(text, edits, out, |_, _| {});
    }

    /// The same, which tells of each edit where what takes its place ends.
    pub(crate) fn write_and_tell(
        &self,
        text: &[u8],
        edits: &[Edit],
        out: &mut Vec<u8>,
        mut ends: impl FnMut(&Edit, usize),
    ) {
        let mut copied = 0;
        for edit in edits {
            out.extend_from_slice(bytes::part(text, copied, edit.start));
            self.replacement(edit, out);
            ends(edit, out.len());
            copied = edit.end;
        }
        out.extend_from_slice(bytes::rest(text, copied));
    }

    fn replacement(&self, edit: &Edit, out: &mut Vec<u8>) {
        match edit.with {
            With::Mark {
                tag,
                quotes,
                number,
            } => {
                let mark = self
                    .labels
                    .get(usize::from(tag.0))
                    .map_or(Class::Field.mark(), |label| label.mark.as_ref());
                if let Some(levels) = quotes {
                    quote(levels, out);
                }
                if number > 1 {
                    out.extend_from_slice(mark.as_bytes().strip_suffix(b"]").unwrap_or(b""));
                    out.push(b'_');
                    out.extend_from_slice(number.to_string().as_bytes());
                    out.push(b']');
                } else {
                    out.extend_from_slice(mark.as_bytes());
                }
                if let Some(levels) = quotes {
                    quote(levels, out);
                }
            }
            With::Text { from, to, .. } => out.extend_from_slice(bytes::part(self.side, from, to)),
            With::Counts => {
                out.extend_from_slice(COUNTS);
                let mut first = true;
                for (label, &count) in self.labels.iter().zip(self.counts.all()) {
                    if count == 0 {
                        continue;
                    }
                    if !first {
                        out.push(b',');
                    }
                    first = false;
                    out.push(b'"');
                    out.extend_from_slice(label.name.as_bytes());
                    out.extend_from_slice(b"\":");
                    decimal(count, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// A number without an allocation.
fn decimal(mut number: u32, out: &mut Vec<u8>) {
    let mut digits = [0u8; 10];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(bytes::rest(&digits, digits.len() - used));
}

/// A quote inside of `levels` JSON strings: `"`, `\"`, `\\\"`.
fn quote(levels: u8, out: &mut Vec<u8>) {
    let backslashes = (1usize << levels.min(8)) - 1;
    out.resize(out.len() + backslashes, b'\\');
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::class::Class;

    const FIELD: Tag = Class::Field.tag();
    const KEY: Tag = Class::Key.tag();

    fn ranges(edits: &[Edit]) -> Vec<(usize, usize, Option<Tag>)> {
        edits
            .iter()
            .map(|edit| (edit.start, edit.end, edit.tag()))
            .collect()
    }

    #[test]
    fn a_later_edit_swallows_what_it_covers_and_joins_what_it_touches() {
        for (next, wanted) in [
            ((6, 8), vec![(0, 2, KEY), (4, 6, KEY), (6, 8, FIELD)]),
            ((4, 9), vec![(0, 2, KEY), (4, 9, FIELD)]),
            ((3, 5), vec![(0, 2, KEY), (3, 6, FIELD)]),
            ((5, 9), vec![(0, 2, KEY), (4, 9, KEY)]),
            ((0, 9), vec![(0, 9, FIELD)]),
        ] {
            let mut edits = vec![Edit::mark(0, 2, KEY), Edit::mark(4, 6, KEY)];
            push(&mut edits, 0, Edit::mark(next.0, next.1, FIELD));
            let wanted: Vec<_> = wanted
                .iter()
                .map(|&(a, b, tag)| (a, b, Some(tag)))
                .collect();
            assert_eq!(ranges(&edits), wanted, "{next:?}");
        }
        let mut edits = vec![Edit::mark(0, 9, KEY)];
        push(&mut edits, 1, Edit::mark(0, 2, FIELD));
        assert_eq!(edits.len(), 2, "what stands before the floor is another's");
    }

    #[test]
    fn overlapping_edits_become_one_that_the_first_names() {
        let mut edits = vec![
            Edit::mark(9, 9, KEY),
            Edit::mark(4, 6, KEY),
            Edit::mark(0, 2, KEY),
            Edit::mark(1, 5, FIELD),
            Edit::mark(6, 7, FIELD),
        ];
        merge(&mut edits, 1);
        assert_eq!(
            ranges(&edits),
            [(9, 9, Some(KEY)), (0, 6, Some(KEY)), (6, 7, Some(FIELD))]
        );
        // Of two that begin together the longer one.
        let mut edits = vec![Edit::mark(0, 2, KEY), Edit::mark(0, 4, FIELD)];
        merge(&mut edits, 0);
        assert_eq!(ranges(&edits), [(0, 4, Some(FIELD))]);
    }

    #[test]
    fn edits_are_written_in_the_place_of_what_they_cover() {
        let labels = [Label {
            name: "mine".into(),
            mark: "[MINE]".into(),
        }];
        let mut counts = Counts::default();
        for _ in 0..120 {
            counts.add(Some(Tag(0)));
        }
        let writer = Writer {
            labels: &labels,
            side: b"a pseudonym",
            counts: &counts,
        };
        let tag = Tag(0);
        let edit = |start, end, with| Edit { start, end, with };
        let mark = |quotes, number| With::Mark {
            tag,
            quotes,
            number,
        };
        for (edits, wanted) in [
            (vec![], "0123456789"),
            (
                vec![edit(2, 4, mark(None, 0)), edit(4, 10, mark(None, 1))],
                "01[MINE][MINE]",
            ),
            (vec![edit(0, 9, mark(Some(0), 12))], r#""[MINE_12]"9"#),
            (
                vec![edit(9, 10, mark(Some(2), 0))],
                r#"012345678\\\"[MINE]\\\""#,
            ),
            (
                vec![edit(
                    1,
                    9,
                    With::Text {
                        tag,
                        from: 2,
                        to: 11,
                    },
                )],
                "0pseudonym9",
            ),
            (
                vec![edit(9, 9, With::Counts)],
                r#"012345678,"redactions":{"mine":120}9"#,
            ),
            // A class without a mark still hides.
            (vec![Edit::mark(0, 10, Tag(9))], "[REDACTED_FIELD]"),
        ] {
            let mut out = Vec::new();
            writer.write(b"0123456789", &edits, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }

    #[test]
    fn a_number_is_written_with_all_its_digits() {
        for number in [0, 7, 10, 1_203, u32::MAX] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
