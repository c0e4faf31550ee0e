//! A walk through the tokens of a value that its writer kept, in place of one through its text.

use crate::redact::engine::frame::{Frame, Shape, Start};
use crate::redact::engine::inside::Inside;
use crate::redact::engine::tape::{Tape, Token, What};
use crate::redact::engine::visit::{container, key, string};
use crate::redact::engine::walk::{Looks, NotJson, Walk};
use crate::redact::kind::Kind;
use crate::redact::read::masks::{MaskMemory, Seen};

/// Goes through the tokens of the value at `from..to` of the text, and adds what it finds to the edits.
pub(crate) fn replay<'r>(
    inside: &mut impl Inside<'r>,
    text: &[u8],
    memory: &mut MaskMemory,
    (from, to): (usize, usize),
    tape: &Tape,
    tokens: &[Token],
) -> Result<(), NotJson> {
    let findings = inside.findings();
    let mut walk = Walk {
        text,
        looks: Looks::Each {
            memory,
            last: None,
            seen: &tape.masks,
            masks: None,
        },
        to,
        base: findings.frames.len(),
        floor: findings.edits.len(),
        depth: 0,
        key_numbers: 0,
        users: false,
        top: Frame {
            root: Some(Start::Values),
            start: from.saturating_sub(1),
            ..Frame::default()
        },
    };
    let outcome = steps(inside, &mut walk, tokens);
    inside.findings().frames.truncate(walk.base);
    outcome
}

fn steps<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    tokens: &[Token],
) -> Result<(), NotJson> {
    let mut next = 0;
    while let Some(&token) = tokens.get(next) {
        next += 1;
        let place = token.place();
        match token.what {
            What::Name { escaped } => key(inside, walk, place, escaped, token.said),
            What::String(seen) => {
                let kind = inside.findings().kind_of_value(walk);
                let is_cookie = walk.top.cookies && walk.top.array;
                if kind != Kind::Plain || seen != Seen::Quiet || is_cookie {
                    walk.looks.seen(place.0, seen);
                    string(inside, walk, place, seen == Seen::Escaped, kind);
                }
                inside.findings().done(walk, place, Shape::String);
            }
            // Its name was left out, too, so what the walk knows is about another member.
            What::Alone(masks) => {
                walk.looks.seen(place.0, Seen::Masks(masks));
                let masks = walk.looks.at(walk.text, place);
                inside.string(
                    walk.text,
                    &masks,
                    place,
                    false,
                    Kind::Plain,
                    walk.depth,
                    false,
                );
            }
            What::Number => {
                let findings = inside.findings();
                let kind = findings.kind_of_value(walk);
                findings.number(walk, place.0, place.1, kind);
                findings.done(walk, place, Shape::Number);
            }
            What::Word => {
                let findings = inside.findings();
                // A label is judged when the value comes, whatever that is.
                findings.kind_of_value(walk);
                findings.done(walk, place, Shape::Word);
            }
            What::Open { .. } => {
                let kind = inside.findings().kind_of_value(walk);
                let close = tokens.get(place.1).ok_or(NotJson)?;
                let end = close.from as usize;
                if container(inside, walk, place.0, kind, || end).is_some() {
                    next = place.1 + 1;
                }
            }
            What::Close { array } => inside.findings().close(walk, array, place.0)?,
            What::Passed => inside.findings().done(walk, place, Shape::Nested),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::engine::Engine;
    use crate::redact::read::masks::Seen;
    use crate::redact::rule_set::RuleSet;

    /// Where something of `{"to":"ann@example.com"}` is hidden by tokens that end as told.
    fn hidden(close_array: bool) -> Option<Vec<(usize, usize)>> {
        let text = br#"{"to":"ann@example.com"}"#;
        let (rules, mut tape) = (RuleSet::default(), Tape::default());
        tape.begin();
        tape.open(0, close_array);
        tape.string((7, 22), Seen::Unseen);
        tape.close(24);
        let mut tokens = tape.of(tape.begun()).unwrap().to_vec();
        tokens[0].what = What::Open { array: false };
        Engine::with(&rules, |engine, memory| {
            replay(engine, text, memory, (0, 24), &tape, &tokens).ok()?;
            let edits = engine.findings.edits.iter();
            Some(edits.map(|edit| (edit.start, edit.end)).collect())
        })
    }

    #[test]
    fn tokens_say_where_to_look_and_those_that_do_not_fit_are_refused() {
        assert_eq!(hidden(false), Some(vec![(7, 22)]));
        assert_eq!(hidden(true), None);
    }
}
