//! The walk over all rows of the catalogue that have an example: its secret goes and the rest stays, what comes near
//! stays, and a second pass changes nothing.

use crate::redact::catalogue::places::PLACES;
use crate::redact::catalogue::shaped::{Alphabet, Part, SHAPES};
use crate::redact::catalogue::tools::{Place, TOOLS};
use crate::redact::redact_str;

/// Made up, and of the kind that a generator makes.
const SECRET: &str = "kT7vq2mZx9Lw4b";

/// What is wrong with a row, if anything.
fn fault(example: &str, secret: &str, near_miss: &str) -> Option<String> {
    let text = example.replacen("{}", secret, 1);
    let redacted = redact_str(&text);
    let (before, after) = example.split_once("{}")?;
    let left = redacted
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    let is_mark = left.is_some_and(|mark| mark.starts_with("[REDACTED_") && mark.ends_with(']'));
    if !is_mark {
        return Some(format!("{text}\n  becomes {redacted}"));
    }
    if redact_str(&redacted) != redacted {
        return Some(format!("{redacted}\n  changes again"));
    }
    (redact_str(near_miss) != near_miss)
        .then(|| format!("{near_miss}\n  becomes {}", redact_str(near_miss)))
}

#[test]
fn each_command_loses_its_secret_and_nothing_else() {
    let mut faults = Vec::new();
    for tool in TOOLS {
        // Each of the tools that a row names takes its secret so.
        let first = tool.command.split(' ').next().unwrap();
        let shown = first
            .split('|')
            .find(|name| tool.example.split(' ').any(|word| word == *name))
            .unwrap_or_default();
        let names = first.split('|').filter(|name| !name.contains('*'));
        for name in names.chain([shown]) {
            let example = if shown.is_empty() || tool.place == Place::Stdin {
                tool.example.to_owned()
            } else {
                tool.example.replacen(shown, name, 1)
            };
            faults.extend(fault(&example, SECRET, tool.near_miss));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A part of a key, made of the bytes that it may have.
fn made(part: Part, seed: usize) -> String {
    let from = |letters: &str, length: usize| {
        (0..length)
            .map(|index| {
                char::from(letters.as_bytes()[(index * 7 + seed * 3 + index / 5) % letters.len()])
            })
            .collect()
    };
    match part {
        Part::Is(text) => text.to_owned(),
        Part::Of(letters) => letters[..1].to_owned(),
        Part::Run(Alphabet::Digit, least, _) => from("7093182456", least),
        Part::Run(Alphabet::Hex, least, _) => from("3f9a0c7158b24d6e", least),
        // A UUID.
        Part::Run(Alphabet::HexDash, ..) => "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a".to_owned(),
        Part::Run(Alphabet::Upper, least, _) => from("QWZ3RT9KL7M", least),
        Part::Run(Alphabet::Lower, least, _) => from("production", least),
        Part::Run(_, least, most) => {
            from("Zk3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0", least.max(12).min(most))
        }
    }
}

#[test]
fn each_key_of_a_shape_goes_whole() {
    let mut faults = Vec::new();
    for shape in SHAPES {
        let parts = shape.parts.iter().enumerate();
        let key: String = parts.map(|(seed, part)| made(*part, seed)).collect();
        for text in [
            "{}",
            "use {} until Friday",
            "export V={}; ./run",
            "{\"a\": \"{}\"}",
        ] {
            faults.extend(fault(text, &key, "").map(|fault| format!("{}: {fault}", shape.whose)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_place_loses_its_secret_and_nothing_else() {
    let faults: Vec<_> = PLACES
        .iter()
        .filter_map(|place| fault(place.example, SECRET, place.near_miss))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
