//! Each relative link of the project's pages leads to a file, and to a heading where it names one.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages that a person reads, besides those of the guide.
const PAGES: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "benches/peers/README.md",
    "examples/backlog_server/README.md",
    "examples/usage_proxy/README.md",
    "examples/usage_server/README.md",
];

#[test]
fn each_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_dir(root.join("src/guide")).unwrap();
    let pages = guide.map(|page| page.unwrap().path());
    let pages = pages.chain(PAGES.iter().map(|page| root.join(page)));
    let mut broken = Vec::new();
    let mut links = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for target in targets(&text) {
            links += 1;
            if let Err(fault) = follow(&page, target) {
                broken.push(format!("{}: {target} {fault}", page.display()));
            }
        }
    }
    assert!(links > 20, "{links}");
    assert_eq!(broken, Vec::<String>::new());
}

/// What the links of a page lead to, but for addresses and names of the crate.
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
        .filter(|target| !target.contains("::") && !target.contains("//"))
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
