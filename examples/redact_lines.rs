//! Redacts JSON values, one per line: standard input to standard output, in order.
//!
//! Run your own logs through it before you trust the redactor with your users' data:
//!
//! ```sh
//! cargo run --release --example redact_lines -- --report < events.jsonl > redacted.jsonl
//! ```
//!
//! A line that is not JSON is redacted as text. With `--report` you see on standard error how many findings of each
//! class there were; never what was found.
#![expect(
    clippy::print_stderr,
    reason = "the report is for the person who runs this"
)]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufWriter, Write};

use mcp_usage::redact::{Class, Redactor};

fn main() -> io::Result<()> {
    let report = std::env::args().any(|argument| argument == "--report");
    let redactor = Redactor::default();
    let mut counts = BTreeMap::new();
    let mut lines = 0_u64;
    let mut changed = 0_u64;
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let redacted = redactor.redact_json(&line);
        lines += 1;
        if redacted != line {
            changed += 1;
            for class in Class::ALL {
                // Marks from an earlier run do not count as findings. Numbered marks of keys count, too.
                let stem = class.mark().trim_end_matches(']');
                let found = redacted
                    .matches(stem)
                    .count()
                    .saturating_sub(line.matches(stem).count());
                *counts.entry(class.name()).or_insert(0) += found;
            }
        }
        out.write_all(redacted.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    if report {
        eprintln!("{lines} lines, {changed} changed");
        for (class, count) in counts.iter().filter(|(_, count)| **count > 0) {
            eprintln!("{class}: {count}");
        }
    }
    Ok(())
}
