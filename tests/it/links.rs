//! Each relative link of the project's pages leads to a file, and to a heading where it names one.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders with pages that a person reads; those of the guide are rendered as well, see `tests/doc_links.py`.
const FOLDERS: [&str; 4] = ["src", "benches", "examples", "tests"];

/// Every page of the project: those beside Cargo.toml, and those in the folders.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut pages = pages_in(root).1;
    while let Some(folder) = folders.pop() {
        let (deeper, found) = pages_in(&folder);
        folders.extend(deeper);
        pages.extend(found);
    }
    pages
}

/// The folders in a folder, and its pages.
fn pages_in(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = paths
        .filter(|path| !path.ends_with("target"))
        .partition(|path| path.is_dir());
    let is_page = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "md");
    (folders, files.into_iter().filter(is_page).collect())
}

#[test]
fn each_relative_link_leads_somewhere() {
    let pages = pages();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let mut broken = Vec::new();
    let mut links = 0;
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in targets(&text) {
            // Those are rustdoc's, and lead nowhere on a page that is read as it is.
            if target.contains("::") && page.starts_with(&guide) {
                continue;
            }
            links += 1;
            if let Err(fault) = follow(page, target) {
                broken.push(format!("{}: {target} {fault}", page.display()));
            }
        }
    }
    assert!(pages.len() > 20 && links > 25, "{links} in {pages:?}");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_readme_is_short() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.lines().count() <= 220);
}

#[test]
fn each_name_of_a_link_is_defined_and_each_definition_is_used() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let defined = text.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix('[')?.split_once("]: ")?;
            Some(name)
        });
        let defined: Vec<_> = defined.collect();
        for name in &defined {
            let used = text.matches(&format!("[{name}]")).count();
            assert!(used > 1, "{}: [{name}] is not used", page.display());
        }
        for rest in text.split("][").skip(1) {
            let name = rest.split(']').next().unwrap();
            let is_link = name.chars().all(|c| c.is_alphanumeric() || c == '-');
            assert!(
                !is_link || defined.contains(&name),
                "{}: [{name}] is not defined",
                page.display()
            );
        }
    }
}

/// What the links of a page lead to, except for addresses.
fn targets(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    let lines = page.lines().filter(move |line| {
        is_code ^= line.starts_with("```");
        !is_code
    });
    lines
        .flat_map(|line| {
            let inline = line.split("](").skip(1);
            let inline = inline.filter_map(|rest| rest.split(')').next());
            let reference = line
                .strip_prefix('[')
                .and_then(|line| line.split_once("]: "));
            inline.chain(reference.map(|(_, target)| target))
        })
        .filter(|target| !target.contains("//"))
}

fn follow(page: &Path, target: &str) -> Result<(), &'static str> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = match path {
        "" => page.to_owned(),
        path => page.parent().map_or_else(PathBuf::new, |at| at.join(path)),
    };
    if !file.exists() {
        return Err("is not there");
    }
    if heading.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(file).map_err(|_| "is no page")?;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    match headings.any(|line| anchor(line) == heading) {
        true => Ok(()),
        false => Err("has no such heading"),
    }
}

/// The anchor that a heading gets: its words in small letters, with a `-` between.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    words
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn a_heading_has_the_anchor_that_hosts_make_of_it() {
    assert_eq!(
        anchor("## What is sent, and what is never sent"),
        "what-is-sent-and-what-is-never-sent"
    );
    assert_eq!(anchor("# `Wire::Reo` at 50 ms"), "wirereo-at-50-ms");
}

#[test]
fn the_front_page_of_the_docs_links_every_module() {
    let source = include_str!("../../src/lib.rs");
    let page: String = source
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    let modules = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    let modules = modules.map(|line| line.trim_end_matches(';'));
    // The one is hidden, the other is public by a `pub use`.
    let modules = modules.filter(|name| *name != "fuzzing").chain(["intent"]);
    let unlinked: Vec<_> = modules
        .filter(|name| !page.contains(&format!("[`{name}`]")))
        .collect();
    assert_eq!(unlinked, Vec::<&str>::new());
}
