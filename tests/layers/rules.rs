//! What arrows may not do: lead upward, between the rooms of a row, from a child to its parent's file, or round a ring.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::arrows::{Arrow, Crate};

/// Rooms from the lowest row to the highest. A room is a folder of `src` with the file of its name.
pub(crate) type Rows<'a> = &'a [&'a [&'a str]];

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Fault {
    what: String,
    /// What shows it, one a line.
    shown: Vec<String>,
}

/// All arrows from one file to another.
type Edges<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a Arrow>>;

/// All faults of a crate.
pub(crate) fn check(code: &Crate, rows: Rows<'_>) -> Vec<Fault> {
    let edges = edges(code);
    let mut faults: Vec<_> = code.problems.iter().cloned().map(Fault::new).collect();
    faults.extend(wrong_rooms(code, rows));
    for ((from, to), arrows) in &edges {
        let what = against_rows(from, to, rows).or_else(|| to_parent(code, from, to));
        faults.extend(what.map(|what| Fault::of_pair(what, arrows)));
    }
    faults.extend(rings(&edges));
    faults
}

/// Only what holds in any crate: no ring of files.
pub(crate) fn check_rings(code: &Crate) -> Vec<Fault> {
    let mut faults: Vec<_> = code.problems.iter().cloned().map(Fault::new).collect();
    faults.extend(rings(&edges(code)));
    faults
}

fn edges(code: &Crate) -> Edges<'_> {
    let mut edges = Edges::new();
    for arrow in &code.arrows {
        let pair = (arrow.from.as_str(), arrow.to.as_str());
        edges.entry(pair).or_default().push(arrow);
    }
    edges
}

/// The first folder below `src`, or the stem of a file right in it.
pub(crate) fn room(file: &str) -> &str {
    let inside = file.split_once("src/").map_or(file, |(_, inside)| inside);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The number of a room's row, from 1.
fn row(room: &str, rows: Rows<'_>) -> Option<usize> {
    let index = rows.iter().position(|rooms| rooms.contains(&room))?;
    Some(index + 1)
}

/// Files in a room that the table does not have, and rooms of the table without a file.
fn wrong_rooms(code: &Crate, rows: Rows<'_>) -> Vec<Fault> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in code.parents.keys() {
        files.entry(room(file)).or_default().push(file);
    }
    let unknown = files
        .iter()
        .filter(|(room, _)| row(room, rows).is_none())
        .map(|(room, files)| format!("the table of rows has no room {room}: {}", files.join(", ")));
    let named = rows.iter().copied().flatten();
    let empty = named
        .filter(|room| !files.contains_key(*room))
        .map(|room| format!("no file belongs to the room {room} of the table of rows"));
    unknown.chain(empty).map(Fault::new).collect()
}

fn against_rows(from: &str, to: &str, rows: Rows<'_>) -> Option<String> {
    let (from_room, to_room) = (room(from), room(to));
    let (from_row, to_row) = (row(from_room, rows)?, row(to_room, rows)?);
    if from_room == to_room || to_row < from_row {
        return None;
    }
    Some(if to_row > from_row {
        format!("an arrow upward, from row {from_row} to row {to_row}: {from} -> {to}")
    } else {
        format!("an arrow between two rooms of row {from_row}: {from} -> {to}")
    })
}

fn to_parent(code: &Crate, from: &str, to: &str) -> Option<String> {
    let mut above = code.parents.get(from)?.as_deref();
    while let Some(file) = above {
        if file == to {
            return Some(format!(
                "a child names what stands in its parent's file: {from} -> {to}"
            ));
        }
        above = code.parents.get(file)?.as_deref();
    }
    None
}

/// One fault for each set of files that all reach each other.
fn rings(edges: &Edges<'_>) -> Vec<Fault> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        next.entry(from).or_default().insert(to);
    }
    let reached: BTreeMap<_, _> = next
        .keys()
        .map(|file| (*file, reached_from(file, &next)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (file, ahead) in &reached {
        if !ahead.contains(file) || seen.contains(file) {
            continue;
        }
        let together = ahead
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(file)));
        let together: BTreeSet<_> = together.collect();
        seen.extend(together.iter().copied());
        faults.push(ring_fault(&together, &next, edges));
    }
    faults
}

fn reached_from<'a>(file: &str, next: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<_> = next.get(file).into_iter().flatten().copied().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    reached
}

fn ring_fault(
    together: &BTreeSet<&str>,
    next: &BTreeMap<&str, BTreeSet<&str>>,
    edges: &Edges<'_>,
) -> Fault {
    let rings = together
        .iter()
        .filter_map(|start| shortest_ring(start, next));
    let ring = rings.min_by_key(Vec::len).unwrap_or_default();
    let files: Vec<_> = together.iter().copied().collect();
    let mut fault = Fault::new(format!(
        "a ring of files ({} reach each other: {}), for example {}",
        files.len(),
        files.join(", "),
        ring.join(" -> ")
    ));
    for step in ring.windows(2) {
        let arrow = edges
            .get(&(step[0], step[1]))
            .and_then(|arrows| arrows.first());
        fault.shown.extend(arrow.map(|arrow| arrow.to_string()));
    }
    fault
}

/// The files of the shortest way from `start` back to it.
fn shortest_ring<'a>(
    start: &'a str,
    next: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(file) = open.pop_front() {
        for to in next.get(file).into_iter().flatten().copied() {
            if came_from.contains_key(to) {
                continue;
            }
            came_from.insert(to, file);
            open.push_back(to);
        }
    }
    let mut ring = vec![start];
    let mut here = *came_from.get(start)?;
    while here != start {
        ring.push(here);
        here = came_from.get(here)?;
    }
    ring.push(start);
    ring.reverse();
    Some(ring)
}

impl Fault {
    fn new(what: String) -> Self {
        Self {
            what,
            shown: Vec::new(),
        }
    }

    fn of_pair(what: String, arrows: &[&Arrow]) -> Self {
        Self {
            shown: arrows.iter().map(|arrow| arrow.to_string()).collect(),
            what,
        }
    }
}

impl std::fmt::Display for Arrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            from,
            to,
            line,
            path,
            item,
        } = self;
        write!(f, "{from}:{line}: `{path}` leads to {item} in {to}")
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.what)?;
        self.shown
            .iter()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// The faults as text, grouped by what is wrong.
pub(crate) fn report(faults: &[Fault]) -> String {
    let mut lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
    lines.sort();
    lines.push(format!("{} faults", faults.len()));
    lines.join("\n")
}
