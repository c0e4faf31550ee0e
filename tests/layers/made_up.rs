//! The check itself, over small crates that are made up for it: each thing that is forbidden is found, and nothing else.

use crate::arrows::Crate;
use crate::rules::{Rows, check, check_rings};

const ROWS: Rows<'_> = &[&["low", "deep"], &["mid"], &["high"], &["lib"]];

/// The modules of the made-up crates.
const LIB: &str = "mod deep; mod high; mod low; mod mid;";

/// A crate of the four rooms; `files` are put in place of empty ones.
fn made_up(files: &[(&str, &str)]) -> Crate {
    let empty =
        ["deep", "high", "low", "mid"].map(|room| (format!("src/{room}.rs"), String::new()));
    let lib = ("src/lib.rs".to_owned(), LIB.to_owned());
    let given = files
        .iter()
        .map(|(name, text)| (format!("src/{name}"), (*text).to_owned()));
    let sources = empty.into_iter().chain([lib]).chain(given).collect();
    Crate::read(&sources, "src/lib.rs")
}

/// What is wrong with a crate, as text.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let faults = check(&made_up(files), ROWS);
    faults.iter().map(ToString::to_string).collect()
}

/// The crate's arrows, as `from:line path -> to`.
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let code = made_up(files);
    assert_eq!(code.problems, [""; 0]);
    let arrows = code.arrows.iter().map(|arrow| {
        let (from, to) = (arrow.from.replace("src/", ""), arrow.to.replace("src/", ""));
        format!("{from}:{} {} -> {to}", arrow.line, arrow.path)
    });
    arrows.collect()
}

fn assert_one_fault(files: &[(&str, &str)], parts: &[&str]) {
    let faults = faults(files);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for part in parts {
        assert!(faults[0].contains(part), "{part} is not in {}", faults[0]);
    }
}

#[test]
fn a_crate_whose_arrows_lead_down_has_no_fault() {
    let files = [
        ("low.rs", "pub struct Low; pub(crate) const MOST: u8 = 1;"),
        (
            "mid.rs",
            "mod child; pub(crate) use child::Child; use crate::low::Low; fn mid(low: Low) { Child; }",
        ),
        (
            "mid/child.rs",
            "pub(crate) struct Child; use crate::low; const LESS: u8 = low::MOST;",
        ),
        (
            "high.rs",
            "use crate::mid::Child; use std::fmt; use serde::Serialize; fn high(child: Child) -> fmt::Result { }",
        ),
        (
            "lib.rs",
            "mod deep; mod high; mod low; mod mid; pub use low::Low; pub use high::*;",
        ),
    ];
    assert_eq!(faults(&files), [""; 0]);
    assert_eq!(
        arrows(&files),
        [
            "high.rs:1 Child -> mid/child.rs",
            "high.rs:1 crate::mid::Child -> mid/child.rs",
            "mid.rs:1 Low -> low.rs",
            "mid.rs:1 crate::low::Low -> low.rs",
            "mid.rs:1 Child -> mid/child.rs",
            "mid/child.rs:1 low::MOST -> low.rs",
        ]
    );
}

#[test]
fn an_arrow_upward_is_a_fault_with_its_file_line_path_and_end() {
    assert_one_fault(
        &[
            ("low.rs", "\nfn low() {\n    crate::high::run();\n}"),
            ("high.rs", "pub(crate) fn run() {}"),
        ],
        &[
            "an arrow upward, from row 1 to row 3: src/low.rs -> src/high.rs",
            "src/low.rs:3: `crate::high::run` leads to high::run in src/high.rs",
        ],
    );
}

#[test]
fn an_arrow_between_two_rooms_of_a_row_is_a_fault() {
    assert_one_fault(
        &[
            ("low.rs", "use crate::deep::Deep;"),
            ("deep.rs", "pub(crate) struct Deep;"),
        ],
        &[
            "an arrow between two rooms of row 1: src/low.rs -> src/deep.rs",
            "src/low.rs:1: `crate::deep::Deep`",
        ],
    );
}

#[test]
fn a_ring_in_a_room_is_a_fault_that_names_the_arrows_of_one() {
    assert_one_fault(
        &[
            ("mid.rs", "mod a; mod b; mod c;"),
            ("mid/a.rs", "use super::b::B; pub(super) struct A;"),
            ("mid/b.rs", "use super::c::C; pub(super) struct B;"),
            ("mid/c.rs", "use super::a::A; pub(super) struct C;"),
        ],
        &[
            "3 reach each other: src/mid/a.rs, src/mid/b.rs, src/mid/c.rs",
            "src/mid/a.rs -> src/mid/b.rs -> src/mid/c.rs -> src/mid/a.rs",
            "src/mid/a.rs:1: `super::b::B`",
            "src/mid/b.rs:1: `super::c::C`",
            "src/mid/c.rs:1: `super::a::A`",
        ],
    );
}

#[test]
fn a_crate_without_rows_is_checked_for_rings() {
    let files = [
        ("low.rs", "use crate::high::High; pub(crate) struct Low;"),
        ("high.rs", "pub(crate) struct High;"),
    ];
    assert!(check_rings(&made_up(&files)).is_empty());
    let ring = [
        files[0],
        ("high.rs", "use crate::low::Low; pub(crate) struct High;"),
    ];
    assert_eq!(check_rings(&made_up(&ring)).len(), 1);
}

#[test]
fn a_child_that_names_an_item_of_its_parents_file_is_a_fault() {
    assert_one_fault(
        &[
            ("mid.rs", "mod a; struct Parent;"),
            ("mid/a.rs", "mod b;"),
            ("mid/a/b.rs", "fn b(parent: super::super::Parent) {}"),
        ],
        &[
            "a child names what stands in its parent's file: src/mid/a/b.rs -> src/mid.rs",
            "mid::Parent in src/mid.rs",
        ],
    );
}

#[test]
fn an_item_of_the_front_door_is_out_of_reach() {
    assert_one_fault(
        &[
            (
                "lib.rs",
                "mod deep; mod high; mod low; mod mid; const TARGET: u8 = 1;",
            ),
            ("high.rs", "use crate::TARGET;"),
        ],
        &["an arrow upward, from row 3 to row 4: src/high.rs -> src/lib.rs"],
    );
}

#[test]
fn a_path_behind_an_alias_leads_to_the_item() {
    let files = [
        (
            "high.rs",
            "pub(crate) struct High; impl High { pub(crate) fn new() {} } pub(crate) fn run() {}",
        ),
        (
            "low.rs",
            "use crate::high as other;\nuse crate::high::{self, High as Renamed};\n\
             fn low() {\nother::run();\nhigh::run();\nRenamed::new();\n}",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:2 crate::high::High -> high.rs",
            "low.rs:4 other::run -> high.rs",
            "low.rs:5 high::run -> high.rs",
            "low.rs:6 Renamed::new -> high.rs",
            "low.rs:6 Renamed::new -> high.rs",
        ]
    );
}

#[test]
fn a_path_behind_a_re_export_leads_to_where_the_item_stands() {
    let files = [
        (
            "lib.rs",
            "mod deep; mod high; mod low; mod mid; pub use high::High;",
        ),
        (
            "high.rs",
            "mod inner; pub use inner::High; pub(crate) use crate::low::Low;",
        ),
        ("high/inner.rs", "pub struct High;"),
        ("low.rs", "pub(crate) struct Low;"),
        ("mid.rs", "use crate::High;\nuse crate::high::Low;"),
    ];
    assert_eq!(
        arrows(&files),
        [
            "high.rs:1 crate::low::Low -> low.rs",
            "mid.rs:1 crate::High -> high/inner.rs",
            "mid.rs:2 crate::high::Low -> low.rs",
        ]
    );
    let faults = faults(&files);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].contains("src/mid.rs -> src/high/inner.rs"),
        "{faults:#?}"
    );
}

#[test]
fn a_path_behind_a_glob_leads_to_the_item() {
    let files = [
        (
            "high.rs",
            "pub(crate) enum Kind { One } pub(crate) fn run() {} fn hidden() {}",
        ),
        (
            "low.rs",
            "use crate::high::*;\nfn low(kind: Kind) {\nuse crate::high::Kind::*;\nOne; hidden();\nrun();\n}",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:1 crate::high::* -> high.rs",
            "low.rs:2 Kind -> high.rs",
            "low.rs:3 crate::high::Kind -> high.rs",
            "low.rs:4 One -> high.rs",
            "low.rs:5 run -> high.rs",
        ]
    );
}

#[test]
fn paths_in_a_macro_call_are_arrows() {
    let files = [
        (
            "high.rs",
            "pub(crate) struct High; pub(crate) fn run() {} pub(crate) fn field() {}",
        ),
        (
            "low.rs",
            "use crate::high::{self, *};\nfn low() { vec![\nhigh::run(), (crate::high::run()),\n\
             item.field, Other { field: 1 }, 'field, super::high::High];\n}",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:1 crate::high::* -> high.rs",
            "low.rs:3 crate::high::run -> high.rs",
            "low.rs:3 high::run -> high.rs",
            "low.rs:4 super::high::High -> high.rs",
        ]
    );
}

#[test]
fn paths_in_the_body_of_a_macro_are_arrows_and_its_matcher_has_none() {
    let files = [
        ("high.rs", "pub(crate) struct High; pub(crate) fn ty() {}"),
        (
            "low.rs",
            "use crate::high::*;\nmacro_rules! make {\n($name:ty, crate::high::Gone) => {\n$crate::high::High; $name::ty();\nuse $crate::high::{ty, High as Other};\n};\n}",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:1 crate::high::* -> high.rs",
            "low.rs:4 $crate::high::High -> high.rs",
            "low.rs:5 crate::high::High -> high.rs",
            "low.rs:5 crate::high::ty -> high.rs",
        ]
    );
}

#[test]
fn macros_are_items_by_path_by_text_and_by_macro_use() {
    let files = [
        (
            "lib.rs",
            "#[macro_use] mod high; mod deep; mod low; mod mid;",
        ),
        (
            "high.rs",
            "macro_rules! by_path { () => {} } pub(crate) use by_path; macro_rules! by_use { () => {} }",
        ),
        (
            "low.rs",
            "use crate::high::by_path;\nby_path!();\nfn low() { by_use!();\nvec![by_path!()]; }",
        ),
        ("mid.rs", "macro_rules! by_text { () => {} } mod child;"),
        ("mid/child.rs", "by_text!();"),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:1 crate::high::by_path -> high.rs",
            "low.rs:2 by_path -> high.rs",
            "low.rs:3 by_use -> high.rs",
            "low.rs:4 by_path -> high.rs",
            "mid/child.rs:1 by_text -> mid.rs",
        ]
    );
}

#[test]
fn types_patterns_traits_and_the_scopes_of_functions_are_read() {
    let files = [
        (
            "high.rs",
            "pub(crate) struct High; pub(crate) trait Does { const MOST: u8; } pub(crate) const LAST: u8 = 1;",
        ),
        (
            "low.rs",
            "use super::high;\nstruct Low<T: high::Does> { of: Option<high::High> }\nfn low(high: u8) {\n\
             match high { self::high::LAST => <high::High as high::Does>::MOST, _ => high };\nuse crate::high::LAST;\n\
             let LAST = high.high else { return };\n}",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "low.rs:2 high::Does -> high.rs",
            "low.rs:2 high::High -> high.rs",
            "low.rs:4 high::Does::MOST -> high.rs",
            "low.rs:4 high::High -> high.rs",
            "low.rs:4 self::high::LAST -> high.rs",
            "low.rs:5 crate::high::LAST -> high.rs",
            "low.rs:6 LAST -> high.rs",
        ]
    );
}

#[test]
fn an_associated_function_stands_in_the_file_of_its_impl() {
    let files = [
        (
            "low.rs",
            "pub(crate) struct Low; impl Low { fn run() { Self::build(); } }",
        ),
        (
            "high.rs",
            "use crate::low::Low; impl Low { pub(crate) fn build() {} }",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "high.rs:1 Low -> low.rs",
            "high.rs:1 crate::low::Low -> low.rs",
            "low.rs:1 Self::build -> high.rs"
        ]
    );
}

#[test]
fn what_a_macro_makes_stands_in_the_file_of_its_module() {
    let files = [
        ("high.rs", "make! { fn made() }"),
        ("low.rs", "use crate::high::made;"),
    ];
    assert_eq!(arrows(&files), ["low.rs:1 crate::high::made -> high.rs"]);
}

#[test]
fn an_inline_module_belongs_to_its_file() {
    let files = [
        (
            "high.rs",
            "pub(crate) mod inner { pub(crate) struct High; use super::Own; } struct Own;\n\
             #[cfg(unix)] mod inner { pub(crate) struct Other; use crate::low::Low; struct Has(Low); }",
        ),
        (
            "low.rs",
            "pub(crate) struct Low; mod inner { use crate::high::inner::{High, Other}; }",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [
            "high.rs:2 Low -> low.rs",
            "high.rs:2 crate::low::Low -> low.rs",
            "low.rs:1 crate::high::inner::High -> high.rs",
            "low.rs:1 crate::high::inner::Other -> high.rs",
        ]
    );
}

#[test]
fn what_exists_in_tests_alone_is_left_out() {
    let files = [
        ("high.rs", "pub(crate) fn run() {}"),
        (
            "low.rs",
            "#[cfg(test)] use crate::high::run;\n\
             #[cfg(all(test, unix))] mod gone;\n\
             #[cfg(test)] mod tests { use crate::high::run; }\n\
             impl Low { #[cfg(test)] fn low() { crate::high::run(); } }\n\
             #[cfg(any(test, unix))] use crate::high::run;\n\
             #[cfg(all(unix, windows))] use crate::high::run;\n\
             #[cfg(not(test))] fn low() { crate::high::run() }",
        ),
    ];
    assert_eq!(
        arrows(&files),
        [5, 6, 7].map(|line| format!("low.rs:{line} crate::high::run -> high.rs"))
    );
}

#[test]
fn a_room_that_the_table_does_not_have_is_a_fault() {
    assert_one_fault(
        &[
            ("lib.rs", "mod new; mod deep; mod high; mod low; mod mid;"),
            ("new.rs", "use crate::low::*;"),
        ],
        &["the table of rows has no room new: src/new.rs"],
    );
}

#[test]
fn a_room_of_the_table_without_a_file_is_a_fault() {
    assert_one_fault(
        &[("lib.rs", "mod deep; mod low; mod mid;")],
        &["no file belongs to the room high of the table of rows"],
    );
}

#[test]
fn a_file_that_is_missing_or_no_rust_is_a_fault() {
    assert_one_fault(
        &[("high.rs", "mod gone;")],
        &["src/high/gone.rs is missing"],
    );
    assert_one_fault(
        &[("high.rs", "mod broken;"), ("high/broken.rs", "\nfn {")],
        &["src/high/broken.rs:2 cannot be read"],
    );
}
