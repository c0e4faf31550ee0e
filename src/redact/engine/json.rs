//! A walk through a JSON text: which names stand over which values.
//!
//! The walk keeps its own stack, so that no depth can overflow the thread's, and takes cut texts as they are.

use crate::redact::catalogue::roles;
use crate::redact::class::MARK_START;
use crate::redact::engine::frame::{Frame, Shape, Start};
use crate::redact::engine::inside::Inside;
use crate::redact::engine::visit::{container, key, said, string};
use crate::redact::engine::walk::{Looks, NotJson, Walk, is_blank, past_blanks, skip, string_end};
use crate::redact::read::bytes::{self, at, part, run_end};
use crate::redact::read::masks::Masks;

/// Walks through `text[from..to]` and adds what it finds to the edits.
pub(crate) fn walk<'r>(
    inside: &mut impl Inside<'r>,
    text: &[u8],
    masks: &Masks<'_>,
    (from, to): (usize, usize),
    start: Start,
    depth: u8,
) -> Result<(), NotJson> {
    if u32::try_from(text.len()).is_err() {
        return Err(NotJson);
    }
    let findings = inside.findings();
    let mut walk = Walk {
        text,
        looks: Looks::Whole(masks),
        to,
        base: findings.frames.len(),
        floor: findings.edits.len(),
        depth,
        key_numbers: 0,
        users: findings.rules.is_users(),
        top: Frame {
            root: Some(start),
            start: from.saturating_sub(1),
            ..Frame::default()
        },
    };
    let outcome = steps(inside, &mut walk, masks, from, start == Start::Members);
    inside.findings().frames.truncate(walk.base);
    outcome
}

/// From member to member and value to value; `named`: the next is a member, with its name.
fn steps<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    masks: &Masks<'_>,
    from: usize,
    mut named: bool,
) -> Result<(), NotJson> {
    let mut pos = from;
    loop {
        if named {
            pos = member(inside, walk, masks, pos)?;
        }
        pos = past_blanks(walk.text, pos, walk.to);
        if pos >= walk.to {
            return Ok(());
        }
        let (end, begun) = any(inside, walk, masks, pos)?;
        pos = end;
        named = match begun {
            Some(is_object) => is_object,
            None => match behind(inside, walk, &mut pos)? {
                Some(is_member) => is_member,
                None => return Ok(()),
            },
        };
    }
}

/// The name of a member; returns where its value may begin.
#[inline(always)]
fn member<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    masks: &Masks<'_>,
    from: usize,
) -> Result<usize, NotJson> {
    let (text, to) = (walk.text, walk.to);
    let open = past_blanks(text, from, to);
    if open >= to {
        return Ok(to);
    }
    if at(text, open) != b'"' {
        return Err(NotJson);
    }
    let (end, escaped) = string_end(text, masks, open + 1, to);
    let place = (open + 1, end);
    let said = if escaped {
        None
    } else {
        said(inside.findings(), walk, place)
    };
    key(inside, walk, place, escaped, said);
    let colon = past_blanks(text, end + 1, to);
    if colon < to && at(text, colon) != b':' {
        return Err(NotJson);
    }
    Ok(colon + 1)
}

/// Any value; returns where it ends, or where the first in it begins and whether that is a member, with its name.
#[inline(always)]
fn any<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    masks: &Masks<'_>,
    start: usize,
) -> Result<(usize, Option<bool>), NotJson> {
    let (text, to) = (walk.text, walk.to);
    let kind = inside.findings().kind_of_value(walk);
    match at(text, start) {
        b'"' => {
            let (end, escaped) = string_end(text, masks, start + 1, to);
            string(inside, walk, (start + 1, end), escaped, kind);
            inside
                .findings()
                .done(walk, (start + 1, end), Shape::String);
            Ok((end + 1, None))
        }
        // A mark without quotes, of a text that was no JSON before.
        b'[' if part(text, start, start + 10) == MARK_START => Err(NotJson),
        byte @ (b'{' | b'[') => {
            let whole = || skip(text, masks, start, to);
            if let Some(end) = container(inside, walk, start, kind, whole) {
                return Ok((end, None));
            }
            let is_object = byte == b'{';
            let first = past_blanks(text, start + 1, to);
            let is_empty = at(text, first) == if is_object { b'}' } else { b']' };
            Ok((first, (!is_empty).then_some(is_object)))
        }
        b'-' | b'0'..=b'9' => {
            let end = run_end(text, start, to, |b| {
                b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')
            });
            inside.findings().number(walk, start, end, kind);
            inside.findings().done(walk, (start, end), Shape::Number);
            Ok((end, None))
        }
        b't' | b'f' | b'n' => {
            let end = run_end(text, start, to, |b| b.is_ascii_lowercase());
            if !roles::is_word(part(text, start, end)) && end < to {
                return Err(NotJson);
            }
            inside.findings().done(walk, (start, end), Shape::Word);
            Ok((end, None))
        }
        _ => Err(NotJson),
    }
}

/// Behind a value: what it is in ends, or goes on with what `pos` is moved to, and that is a member or not. Nothing
/// where the text ends.
#[inline(always)]
fn behind<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    pos: &mut usize,
) -> Result<Option<bool>, NotJson> {
    let (text, to) = (walk.text, walk.to);
    loop {
        if *pos >= to {
            return Ok(None);
        }
        let values = walk.top.root == Some(Start::Values);
        match at(text, *pos) {
            b',' if !values => {
                *pos += 1;
                return Ok(Some(!walk.top.array));
            }
            byte @ (b']' | b'}') => {
                *pos += 1;
                inside.findings().close(walk, byte == b']', *pos)?;
            }
            // One document per line.
            b'{' | b'[' if values && bytes::before(text, *pos) == b'\n' => {
                return Ok(Some(false));
            }
            byte if is_blank(byte) => *pos += 1,
            _ => return Err(NotJson),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::engine::Engine;
    use crate::redact::rule_set::RuleSet;

    /// Where the walk hides something, or nothing if the text is no JSON.
    fn walked(text: &str, start: Start) -> Option<Vec<&str>> {
        let rules = RuleSet::default();
        Engine::with(&rules, |engine, masks| {
            let all = (0, text.len());
            let masks = masks.look(text.as_bytes());
            walk(engine, text.as_bytes(), &masks, all, start, 0).ok()?;
            assert!(engine.findings.frames.is_empty(), "{text}");
            let edits = engine.findings.edits.iter();
            Some(
                edits
                    .map(|edit| text.get(edit.start..edit.end).unwrap())
                    .collect(),
            )
        })
    }

    #[test]
    fn json_is_told_from_other_texts() {
        for text in [
            "",
            " {} ",
            "[1, -2.5e+3, true, null, \"x\", {\"a\": []}]",
            "{\"a\":1}\n{\"a\":2}\n",
            // Cut anywhere.
            "{\"a\":[1,{\"b\":\"c",
            "{\"a",
            "{\"a\":",
            "[tr",
        ] {
            assert_eq!(walked(text, Start::Values), Some(vec![]), "{text}");
        }
        for text in [
            "{a:1}",
            "{\"a\" 1}",
            "[1}",
            "[1]]",
            "{\"a\":1} {\"a\":2}",
            "[truth]",
            "[1 2]",
            "[[REDACTED_FIELD]]",
        ] {
            assert_eq!(walked(text, Start::Values), None, "{text}");
        }
    }

    #[test]
    fn members_need_no_object_around_them() {
        let members = "\"a\":1,\"pin\":\"x\",\"password\":\"hunter2\"";
        assert_eq!(walked(members, Start::Members), Some(vec!["hunter2"]));
        assert_eq!(walked("1", Start::Members), None);
        assert_eq!(walked("\"a\":1}", Start::Members), None);
    }

    #[test]
    fn what_stands_under_a_sensitive_name_goes_as_it_is_written() {
        for (text, hidden) in [
            (r#"{"password":"a\"b"}"#, vec![r#"a\"b"#]),
            (r#"{"password":12345}"#, vec!["12345"]),
            (r#"{"password":["a","b"],"n":1}"#, vec![r#"["a","b"]"#]),
            (r#"{"password":{"value":[{}]}}"#, vec![r#"{"value":[{}]}"#]),
            (r#"{"passwords":["hunter2!x","no"]}"#, vec!["hunter2!x"]),
            (r#"{"p\u0061ssword":"x1","password":null}"#, vec!["x1"]),
            (r#"{"password":true,"note":"x"}"#, vec![]),
        ] {
            assert_eq!(walked(text, Start::Values), Some(hidden), "{text}");
        }
    }

    #[test]
    fn a_name_says_the_same_the_second_time() {
        let text =
            r#"[{"api_keys":["zX9kQ2mW7vB4"]},{"api_keys":["zX9kQ2mW7vB4"]},{"day_keys":["x"]}]"#;
        let hidden = walked(text, Start::Values).unwrap();
        assert_eq!(hidden.len(), 2, "{hidden:?}");
        assert_eq!(hidden[0], hidden[1]);
    }
}
