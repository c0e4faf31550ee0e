//! The rows of `src`: which file may use what, held by reading the source.
//!
//! A file may use only what stands in a lower row or in its own room: a folder of `src` with the file of its name. An
//! arrow is a path outside of `#[cfg(test)]` that leads to an item in another file, wherever the path goes through an
//! alias, a re-export, a glob or the tokens of a macro. `mod`, and `pub use` of one's own children, are no arrows; a
//! call of a method is none either, since its path is not written. No arrow may lead upward, between two rooms of one
//! row, from a child to what stands in its parent's file, or round a ring of files.
//!
//! Fails with one paragraph for each fault: file, line, the path as written, and what it leads to.
//!
//! More is held here: the words that the redactor knows stand in its catalogue, and its code has none; few of its functions
//! are long, and few of its files have no tests beside them.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests are not `#[test]` functions, which clippy.toml relaxes"
)]

#[path = "layers/arrows.rs"]
mod arrows;
#[path = "layers/blocks.rs"]
mod blocks;
#[path = "layers/functions.rs"]
mod functions;
#[path = "layers/literals.rs"]
mod literals;
#[path = "layers/made_up.rs"]
mod made_up;
#[path = "layers/resolve.rs"]
mod resolve;
#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/tokens.rs"]
mod tokens;
#[path = "layers/tree.rs"]
mod tree;

use std::fs;
use std::path::Path;

use crate::arrows::Crate;
use crate::rules::{Rows, check, check_rings, report};
use crate::tree::Sources;

/// The rooms of `src`, from the lowest row to the highest.
const ROWS: Rows<'_> = &[
    &["base", "ledger", "limits", "pseudonym"],
    &["redact", "error"],
    &["capture", "queue", "hooks"],
    &["event", "spool", "transport"],
    &["wire", "testing"],
    &["delivery", "mcp"],
    &["config"],
    &["logger"],
    &["observe"],
    &[
        "lib", "doctor", "rmcp", "stdio", "tower", "fuzzing", "guide",
    ],
];

#[test]
fn every_arrow_of_the_crate_leads_down() {
    let code = read("src", "src/lib.rs");
    let faults = check(&code, ROWS);
    assert!(faults.is_empty(), "{}", report(&faults));
}

#[test]
fn the_benches_beside_others_have_no_ring() {
    let code = read("benches/peers/src", "benches/peers/src/main.rs");
    let faults = check_rings(&code);
    assert!(faults.is_empty(), "{}", report(&faults));
}

/// Files of the redactor whose words are what it says: marks, the names of classes and types, errors.
const SAYING: &[&str] = &[
    "src/redact/builder.rs",
    "src/redact/class.rs",
    "src/redact/redactor.rs",
    "src/redact/rule_set.rs",
    "src/redact/seal.rs",
];

#[test]
fn words_that_the_redactor_knows_stand_in_its_catalogue() {
    let mut faults = Vec::new();
    let mut code = redactor();
    code.retain(|file, _| !file.starts_with("src/redact/catalogue"));
    for (file, source) in &code {
        let words = literals::words(source).into_iter();
        let words: Vec<_> = words
            .map(|(line, word)| format!("{file}:{line}: {word:?}"))
            .collect();
        let says = SAYING.contains(&file.as_str());
        assert!(!says || !words.is_empty(), "{file} says nothing");
        faults.extend(words.into_iter().filter(|_| !says));
    }
    assert!(
        code.len() > 40 && faults.is_empty(),
        "{}",
        faults.join("\n")
    );
}

/// A longer function of the redactor counts as long.
const LONG: usize = 60;

#[test]
fn few_functions_of_the_redactor_are_long() {
    let long: Vec<_> = redactor()
        .iter()
        .flat_map(|(file, source)| {
            let functions = functions::lengths(source).into_iter();
            functions
                .filter(|(_, lines)| *lines > LONG)
                .map(move |(name, lines)| format!("{file}: {name} has {lines} lines"))
        })
        .collect();
    assert!(long.len() <= 5, "{}", long.join("\n"));
}

#[test]
fn nearly_all_files_of_the_redactor_have_tests_beside_them() {
    let mut without = redactor();
    without.retain(|_, source| !source.contains("#[cfg(test)]\nmod tests"));
    let without: Vec<_> = without.into_keys().collect();
    assert!(without.len() <= 5, "{}", without.join("\n"));
}

/// The files of the redactor, without those that are for tests alone.
fn redactor() -> Sources {
    let mut sources = Sources::new();
    read_files("src/redact", &mut sources);
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/redact.rs"));
    sources.insert("src/redact.rs".to_owned(), root.unwrap());
    sources.retain(|file, _| !file.ends_with("/tests.rs") && !file.contains("/tests/"));
    sources
}

/// Reads a crate of this repository; paths are those from its root.
fn read(dir: &str, root: &str) -> Crate {
    let mut sources = Sources::new();
    read_files(dir, &mut sources);
    Crate::read(&sources, root)
}

fn read_files(dir: &str, sources: &mut Sources) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(repository.join(dir)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{dir}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_files(&name, sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}
