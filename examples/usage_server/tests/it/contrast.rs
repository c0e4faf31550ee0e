//! Whether everybody can tell the colours of the pages from their grounds, in both schemes: WCAG 2.2, level AA. And how
//! large the picture of them is.

use std::collections::{BTreeMap, BTreeSet};

const STYLE: &str = include_str!("../../assets/style.css");

/// What texts stand on.
const GROUNDS: [&str; 5] = ["bg", "surface", "raised", "hover", "accent-bg"];
/// Texts, which have 4.5 on each ground, whatever their size.
const TEXTS: [&str; 9] = [
    "ink", "ink-2", "ink-3", "accent", "ok", "wait", "stop", "fail", "good",
];
/// Texts on a ground of their own.
const PAIRS: [(&str, &str); 6] = [
    ("q-ink", "q1"),
    ("q-ink", "q2"),
    ("q-ink", "q3"),
    ("q-ink", "q4"),
    ("q-inv", "q5"),
    ("surface", "accent"),
];
/// Borders of controls, the outline of what has the focus, and what a chart says: 3 on each ground that they stand on.
const SHAPES: [&str; 7] = [
    "field", "accent", "ok-bar", "stop-bar", "fail-bar", "good", "wait",
];
const GROUNDS_OF_SHAPES: [&str; 3] = ["bg", "surface", "raised"];
/// What no text and no border of a control has: lines between things, and the dot in a line of words.
const DECORATION: [&str; 1] = ["line-2"];

#[test]
fn the_picture_in_the_readme_is_small() {
    let picture = include_bytes!("../../overview.png");
    assert!(picture.len() < 200_000, "{} bytes", picture.len());
}

type Colour = [f64; 3];

/// Each token as `light-dark(…)` has it.
fn tokens() -> BTreeMap<&'static str, [Colour; 2]> {
    let lines = STYLE.lines().filter_map(|line| {
        let (name, value) = line
            .trim()
            .strip_prefix("--")?
            .split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some((name, [colour(light), colour(dark)]))
    });
    lines.collect()
}

/// `#rgb` or `#rrggbb`.
fn colour(text: &str) -> Colour {
    let digits = text.strip_prefix('#').unwrap();
    let digits: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => digits.to_owned(),
    };
    assert_eq!(digits.len(), 6, "{text}");
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0)
}

/// Relative luminance, as WCAG defines it.
fn luminance(colour: Colour) -> f64 {
    let [red, green, blue] = colour.map(|part| match part <= 0.04045 {
        true => part / 12.92,
        false => ((part + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_ratio_is_that_of_wcag() {
    assert!((contrast(colour("#000"), colour("#ffffff")) - 21.0).abs() < 1e-9);
    // The grey that is known to be the palest on white.
    assert!((contrast(colour("#767676"), colour("#fff")) - 4.54).abs() < 0.005);
    assert!(contrast(colour("#777"), colour("#fff")) < 4.5);
}

#[test]
fn every_text_and_every_control_can_be_seen_in_both_schemes() {
    let tokens = tokens();
    let on_each = |names: &[&'static str], grounds: &[&'static str]| -> Vec<_> {
        let on = |name: &'static str| grounds.iter().map(move |ground| (name, *ground));
        names.iter().flat_map(|name| on(name)).collect()
    };
    let texts = [on_each(&TEXTS, &GROUNDS), PAIRS.to_vec()].concat();
    let shapes = on_each(&SHAPES, &GROUNDS_OF_SHAPES);
    let mut pale = Vec::new();
    for (pairs, least) in [(texts, 4.5), (shapes, 3.0)] {
        for (name, ground) in pairs {
            for (n, scheme) in ["light", "dark"].into_iter().enumerate() {
                let ratio = contrast(tokens[name][n], tokens[ground][n]);
                if ratio < least {
                    pale.push(format!(
                        "{name} on {ground}, {scheme}: {ratio:.2} < {least}"
                    ));
                }
            }
        }
    }
    assert!(pale.is_empty(), "{pale:#?}");
}

#[test]
fn every_control_has_a_border_that_can_be_seen() {
    let mut seen = 0;
    for line in STYLE.lines() {
        let Some((selectors, rule)) = line.split_once(" { ") else {
            continue;
        };
        let is_control = |selector: &str| {
            let last = selector.trim().rsplit(' ').next().unwrap();
            let name = last.split([':', '[']).next().unwrap();
            ["input", "select", "textarea", ".btn", ".field"].contains(&name)
        };
        let Some((_, border)) = rule.split_once("border: 1px solid var(--") else {
            continue;
        };
        if selectors.split(',').any(is_control) {
            let token = border.split(')').next().unwrap();
            assert!(SHAPES.contains(&token), "{line}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

/// So that a new colour does not come without its ratio.
#[test]
fn no_other_colour_is_a_texts() {
    let of = |property: &str| -> BTreeSet<&str> {
        let uses = STYLE.match_indices(property).filter(|(at, _)| {
            let before = STYLE.get(..*at).unwrap().chars().next_back().unwrap();
            !before.is_alphanumeric() && before != '-'
        });
        uses.map(|(at, _)| {
            let rest = STYLE.get(at + property.len()..).unwrap();
            rest.split(')').next().unwrap()
        })
        .collect()
    };
    let known = TEXTS.into_iter().chain(PAIRS.map(|(text, _)| text));
    let known: BTreeSet<_> = known.chain(DECORATION).collect();
    let others: Vec<_> = of("color: var(--").difference(&known).copied().collect();
    assert!(others.is_empty(), "{others:?}");
    // Nor is a colour written anywhere but as a token.
    let rules = STYLE.split("\n}\n").skip(1).collect::<String>();
    for line in rules.lines() {
        let bare = line.split(": #").nth(1).or(line.split(" #").nth(1));
        let is_colour = |text: &str| {
            let digits = text.chars().take_while(char::is_ascii_hexdigit).count();
            matches!(digits, 3 | 6 | 8)
                && !text.chars().nth(digits).is_some_and(char::is_alphanumeric)
        };
        assert!(!bare.is_some_and(is_colour), "{line}");
    }
}
