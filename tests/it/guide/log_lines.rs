//! Each line of the log has a row in the page of troubleshooting, and each row is a line that is logged.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::support::files;

const PAGE: &str = include_str!("../../../src/guide/troubleshooting.md");

/// The texts that `src` hands to its log, with `…` in the place of what is filled in.
fn logged() -> Vec<String> {
    let call = Regex::new(r"\b(?:log|lines)::(?:error|warn|info)\b").unwrap();
    let text = Regex::new(r#"^[\s,(]*format_args!\(\s*"((?:[^"\\]|\\[\s\S])*)""#).unwrap();
    let break_of_line = Regex::new(r"\\\s+").unwrap();
    let value = Regex::new(r"\{[^}]*\}").unwrap();
    let mut texts = Vec::new();
    for path in sources() {
        let source = fs::read_to_string(&path).unwrap();
        for at in call.find_iter(&source) {
            let found = text.captures(&source[at.end()..]);
            let found = found.unwrap_or_else(|| panic!("{}: no text", path.display()));
            let line = break_of_line.replace_all(&found[1], "");
            texts.push(value.replace_all(&line, "…").into_owned());
        }
    }
    texts
}

/// The files of code in `src`.
fn sources() -> impl Iterator<Item = PathBuf> {
    let all = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    all.into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
}

/// The lines that the page has in its table, without the marks of code.
fn listed() -> Vec<&'static str> {
    let (_, table) = PAGE.split_once("\n## Each line of the log\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

/// Whether a row shows this line. What is filled in may be spelt out there, and the row may break off at a `…`.
fn shows(row: &str, text: &str) -> bool {
    let whole = regex::escape(text).replace('…', ".*");
    let beginning = row.strip_suffix('…').is_some_and(|row| {
        let row = regex::escape(row).replace('…', ".*");
        Regex::new(&format!("^{row}")).unwrap().is_match(text)
    });
    beginning || Regex::new(&format!("^{whole}$")).unwrap().is_match(row)
}

#[test]
fn every_line_of_the_log_is_in_the_page_of_troubleshooting_and_no_other() {
    let (logged, listed) = (logged(), listed());
    assert!(logged.len() > 15, "{logged:#?}");
    let is_listed = |text: &&String| listed.iter().any(|row| shows(row, text));
    let missing: Vec<_> = logged.iter().filter(|text| !is_listed(text)).collect();
    assert!(missing.is_empty(), "no row for: {missing:#?}");
    let is_logged = |row: &&&str| logged.iter().any(|text| shows(row, text));
    let gone: Vec<_> = listed.iter().filter(|row| !is_logged(row)).collect();
    assert!(gone.is_empty(), "never logged: {gone:#?}");
}

#[test]
fn nothing_is_logged_but_by_the_module_for_it() {
    let line = Regex::new(r"\btracing::(?:error|warn|info|debug|trace|event)!").unwrap();
    for path in sources() {
        let lines = line.find_iter(&fs::read_to_string(&path).unwrap()).count();
        let is_log = path.ends_with("src/base/log.rs");
        assert_eq!(lines, if is_log { 3 } else { 0 }, "{}", path.display());
    }
}
