//! Prints what each part of the crate costs, in instructions an event or a call of a tool: a column for each case of the
//! benches `caller` and `server`.
//!
//! ```sh
//! cargo bench --manifest-path benches/instructions/Cargo.toml --bench caller --bench server # builds this program, too
//! benches/instructions/target/release/parts         # the tables
//! benches/instructions/target/release/parts typical # the files of a case, dearest first
//! ```
//!
//! It reads what the last run of the benches has left under `GUNGRAUN_HOME`, and counts each instruction for the source
//! file it was written in, however deep that was inlined. What a library's inlined code costs counts for the function
//! it stands in. Numbers are those of the functions themselves, without what they call.

use instructions::{CALLS, SERVER_CALLS};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Each part, and how the places in it begin; the longest beginning tells. A place is a file of this crate, from `src`
/// on, or a library's function, its path written with `/`.
const PARTS: [(&str, &str); 14] = [
    // An instrumented server's path, without the copy of the call, which stands with the door.
    ("server", "src/rmcp src/mcp rmcp http tokio_util"),
    (
        "door",
        "src/logger src/event src/base src/hooks src/ledger src/limits src/pseudonym \
         std/time std/sys/pal/unix/time std/process clock_gettime getpid",
    ),
    (
        "envelope",
        "src/wire src/capture/event_writer src/capture/draft src/capture/scratch",
    ),
    ("serde", "serde itoa zmij ryu"),
    ("writer", "src/capture"),
    ("tape", "src/redact/engine/tape src/redact/engine/replay"),
    ("masks", "src/redact/read/masks wide"),
    ("walk", "src/redact"),
    (
        "rules",
        "src/redact/find src/redact/judge src/redact/read src/redact/catalogue \
         src/redact/engine/text src/redact/engine/patterns memchr regex aho_corasick",
    ),
    (
        "names",
        "src/redact/rule_set src/redact/kind src/redact/engine/memo \
         src/redact/judge/name src/redact/judge/memo src/redact/judge/language \
         src/redact/catalogue/names src/redact/catalogue/languages",
    ),
    (
        "edits",
        "src/redact/seal src/redact/engine/edit src/redact/engine/again src/redact/engine/settled",
    ),
    ("queue", "src/queue"),
    ("memory, libc", "core/ alloc/ std/ hashbrown smallvec"),
    // The bench itself, and what no line above names.
    ("other", ""),
];

/// The benches that are read, with how many calls each makes.
const BENCHES: [(&str, usize); 2] = [("caller", CALLS), ("server", SERVER_CALLS)];

/// What each place of a case costs, in all its calls.
type Costs = BTreeMap<String, u64>;

/// What the cases of a bench cost.
struct Bench {
    calls: usize,
    cases: Vec<(String, Costs)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut benches = Vec::new();
    for (name, calls) in BENCHES {
        let folder = home().join(format!("instructions/{name}/{name}"));
        if folder.exists() {
            let cases = cases(&folder)?;
            benches.push(Bench { calls, cases });
        }
    }
    if benches.is_empty() {
        return Err(format!("nothing in {}; has a bench run?", home().display()).into());
    }
    let text = match env::args().nth(1) {
        None => benches.iter().map(table).collect::<Vec<_>>().join("\n"),
        Some(named) => {
            let places = benches.iter().find_map(|bench| {
                let known = bench.cases.iter().find(|(case, _)| *case == named);
                known.map(|(_, costs)| places(costs, bench.calls))
            });
            places.ok_or(format!("no case is called {named}"))?
        }
    };
    // A reader may have seen enough of it.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// The cases of a bench, by name.
fn cases(bench: &Path) -> Result<Vec<(String, Costs)>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for folder in fs::read_dir(bench)? {
        let folder = folder?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let case = name.split('.').next_back().unwrap_or_default().to_owned();
        cases.push((case, read(&folder)?));
    }
    cases.sort();
    Ok(cases)
}

/// Where the runner of the benches writes.
fn home() -> PathBuf {
    let named = |variable| env::var_os(variable).map(PathBuf::from);
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let target = || named("CARGO_TARGET_DIR").unwrap_or_else(own);
    named("GUNGRAUN_HOME").unwrap_or_else(|| target().join("gungraun"))
}

/// A file for each thread.
fn read(folder: &Path) -> Result<Costs, Box<dyn Error>> {
    let mut costs = Costs::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "out") {
            add(&fs::read_to_string(path)?, &mut costs);
        }
    }
    Ok(costs)
}

/// Adds the instructions of each place, as a file in callgrind's format (names not compressed) tells them.
fn add(profile: &str, costs: &mut Costs) {
    let (mut file, mut function) = ("", "");
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        match line.split_once('=') {
            Some(("fl" | "fi" | "fe", name)) => file = name,
            Some(("fn", name)) => function = name,
            // The line behind it has what the called function costs, which stands with that one, too.
            Some(("calls", _)) => drop(lines.next()),
            Some(_) => {}
            None => {
                let mut numbers = line.split(' ').map(str::parse::<u64>);
                if let (Some(Ok(_)), Some(Ok(cost))) = (numbers.next(), numbers.next()) {
                    *costs.entry(place(file, function)).or_default() += cost;
                }
            }
        }
    }
}

/// The file of this crate that an instruction was written in, or else the one that its function stands in; of a
/// library, the function.
fn place(file: &str, function: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR").trim_end_matches("benches/instructions");
    let own = file
        .strip_prefix(root)
        .filter(|own| own.starts_with("src/"));
    // What the compiler has made for no line stands under `lib.rs`.
    if let Some(own) = own.filter(|own| *own != "src/lib.rs") {
        return own.to_owned();
    }
    match function.split_once("mcp_usage::") {
        Some((_, path)) => format!("src/{}.rs", modules(path).join("/")),
        None => {
            let path = function
                .split_once(" as ")
                .map_or(function, |(_, path)| path);
            path.trim_start_matches(['<', '&']).replace("::", "/")
        }
    }
}

/// The modules in the path of a function, which may stand under a type or a trait.
fn modules(path: &str) -> Vec<&str> {
    let names: Vec<&str> = path.split("::").collect();
    let module = |name: &&str| name.starts_with(|char: char| char.is_ascii_lowercase());
    let mut modules: Vec<&str> = names.iter().copied().take_while(module).collect();
    let next = names.get(modules.len());
    if next.is_none_or(|next| next.starts_with("{{")) {
        modules.pop();
    }
    modules
}

fn part(place: &str) -> &'static str {
    let begins = PARTS
        .iter()
        .flat_map(|(part, begins)| begins.split(' ').map(move |begin| (begin, *part)));
    let longest = begins
        .filter(|(begin, _)| place.starts_with(begin))
        .max_by_key(|(begin, _)| begin.len());
    match longest {
        // A function without a path is C's.
        Some(("", _)) if !place.contains('/') => "memory, libc",
        Some((_, part)) => part,
        None => "other",
    }
}

fn per_call(cost: u64, calls: usize) -> u64 {
    let calls = calls as u64;
    (cost + calls / 2) / calls
}

fn table(bench: &Bench) -> String {
    let line = |name: &str, cell: &dyn Fn(&(String, Costs)) -> String| {
        let cells = bench.cases.iter().map(|case| format!("{:>11}", cell(case)));
        format!("{name:<14}{}\n", cells.collect::<String>())
    };
    let sum = |costs: &Costs, counts: &dyn Fn(&str) -> bool| {
        let counted = costs.iter().filter(|(place, _)| counts(place));
        per_call(counted.map(|(_, cost)| cost).sum(), bench.calls).to_string()
    };
    let mut text = line("instructions", &|(case, _)| case.clone());
    for (name, _) in PARTS {
        text += &line(name, &|(_, costs)| sum(costs, &|place| part(place) == name));
    }
    text + &line("all", &|(_, costs)| sum(costs, &|_| true))
}

fn places(costs: &Costs, calls: usize) -> String {
    let mut places: Vec<_> = costs
        .iter()
        .map(|(place, cost)| (per_call(*cost, calls), place))
        .collect();
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.retain(|(cost, _)| *cost > 0);
    let lines = places
        .iter()
        .map(|(cost, place)| format!("{cost:>9}  {:<14}{place}\n", part(place)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = env!("CARGO_MANIFEST_DIR");

    /// A function of the crate with its own, inlined and library code and a call; then two library functions.
    fn profile() -> String {
        let src = format!("{}src", ROOT.trim_end_matches("benches/instructions"));
        [
            "positions: line",
            "events: Ir Dr",
            "summary: 999 9",
            &format!("fl={src}/capture/writer.rs"),
            "fn=mcp_usage::capture::writer::ValueWriter::open",
            "10 100 7",
            &format!("fi={src}/redact/engine/tape.rs"),
            "20 40",
            "fi=/rustc/0/library/alloc/src/vec/mod.rs",
            "30 3",
            &format!("fe={src}/capture/writer.rs"),
            "cfi=/nowhere/memcpy.S",
            "cfn=__memcpy_avx",
            "calls=200 264 ",
            "11 5000 1",
            "12 1",
            "fl=/nowhere/memcpy.S",
            "fn=__memcpy_avx",
            "264 5000",
            "fl=/registry/serde_json/src/value/ser.rs",
            "fn=serde_json::value::ser::<impl serde::Serialize for serde_json::value::Value>::serialize",
            "7 50",
            &format!("fi={src}/capture/serializer.rs"),
            "8 6",
        ]
        .join("\n")
    }

    #[test]
    fn costs_are_those_of_files_without_what_is_called() {
        let mut costs = Costs::new();
        add(&profile(), &mut costs);
        let costs: Vec<(&str, u64)> = costs
            .iter()
            .map(|(place, cost)| (place.as_str(), *cost))
            .collect();
        assert_eq!(
            costs,
            [
                ("__memcpy_avx", 5_000),
                (
                    "serde_json/value/ser/<impl serde/Serialize for serde_json/value/Value>/serialize",
                    50
                ),
                ("src/capture/serializer.rs", 6),
                ("src/capture/writer.rs", 104),
                ("src/redact/engine/tape.rs", 40),
            ]
        );
    }

    #[test]
    fn a_function_stands_in_the_file_of_its_module() {
        for (function, expected) in [
            ("mcp_usage::redact::seal::seal", "src/redact/seal.rs"),
            (
                "mcp_usage::redact::engine::Engine::knows",
                "src/redact/engine.rs",
            ),
            (
                "mcp_usage::redact::engine::text::<impl mcp_usage::redact::A>::digit",
                "src/redact/engine/text.rs",
            ),
            (
                "<T as mcp_usage::capture::value::Value>::write",
                "src/capture/value.rs",
            ),
            (
                "core::ptr::drop_in_place<mcp_usage::event::common::Facts>",
                "src/event/common.rs",
            ),
            (
                "mcp_usage::redact::engine::tape::keep::{{closure}}",
                "src/redact/engine/tape.rs",
            ),
            ("<u64 as itoa::Unsigned>::fmt", "itoa/Unsigned>/fmt"),
        ] {
            assert_eq!(
                place("/rustc/0/library/core/src/cmp.rs", function),
                expected
            );
        }
    }

    #[test]
    fn the_longest_beginning_tells_a_places_part() {
        for (place, expected) in [
            ("src/rmcp/call.rs", "server"),
            ("src/capture/writer.rs", "writer"),
            ("src/capture/event_writer.rs", "envelope"),
            ("src/redact/engine/visit.rs", "walk"),
            ("src/redact/engine.rs", "walk"),
            ("src/redact/engine/text.rs", "rules"),
            ("src/redact/judge/name.rs", "names"),
            ("std/time/Instant>/now", "door"),
            ("std/sys/sync/mutex", "memory, libc"),
            ("__memcpy_avx", "memory, libc"),
            ("instructions/call", "other"),
        ] {
            assert_eq!(part(place), expected, "{place}");
        }
    }
}
