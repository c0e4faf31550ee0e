//! Texts that recur, as numbers.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::OTHERS;

/// How many texts of a kind a project has: some come from clients, who can make up any number of them.
const MAX_NAMES: usize = 10_000;

/// How many there are with tools that have answered, and with those that servers list: what clients make up takes no
/// room from them.
const MAX_WITH_ANSWERED: usize = 11_000;
const MAX_WITH_LISTED: usize = 12_000;

/// How many texts are remembered: as many rows as a page of the database's cache is worth.
const MAX_CACHED: usize = 50_000;

/// What a text names. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NameKind {
    /// A tool; of other events than calls what `Record::tool` says.
    Tool = 1,
    /// A client, with its version as the detail.
    Client = 2,
    /// A version of the server.
    Release = 3,
    Protocol = 4,
    /// A normalised error message.
    Error = 5,
    /// Why a login was refused.
    Reason = 6,
    /// Whose agent it is.
    Vendor = 7,
}

/// A text, and what it names.
#[derive(Clone, Copy)]
pub(super) struct Name<'t> {
    kind: NameKind,
    text: &'t str,
    detail: &'t str,
    /// It is new only while there are fewer.
    most: usize,
}

impl<'t> Name<'t> {
    pub(super) const fn new(kind: NameKind, text: &'t str, detail: &'t str) -> Self {
        Self {
            kind,
            text,
            detail,
            most: MAX_NAMES,
        }
    }

    /// Of a tool that a server seems to have.
    pub(super) const fn answered(text: &'t str) -> Self {
        Self {
            most: MAX_WITH_ANSWERED,
            ..Self::new(NameKind::Tool, text, "")
        }
    }

    /// Of a tool that a server says it has.
    pub(super) const fn listed(text: &'t str) -> Self {
        Self {
            most: MAX_WITH_LISTED,
            ..Self::new(NameKind::Tool, text, "")
        }
    }
}

#[derive(Default)]
pub(super) struct Names {
    kinds: HashMap<(i64, u8), OfKind>,
    cached: usize,
}

#[derive(Default)]
struct OfKind {
    /// By text, then by detail.
    ids: HashMap<String, HashMap<String, Known>>,
    /// How many rows there are, once that was asked.
    rows: Option<usize>,
}

#[derive(Clone, Copy)]
struct Known {
    id: i64,
    first_ms: i64,
}

impl Names {
    /// The number of a text, which becomes a row when it is new.
    pub(super) fn id(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        name: Name<'_>,
        at_ms: i64,
    ) -> rusqlite::Result<i64> {
        if self.cached >= MAX_CACHED {
            *self = Self::default();
        }
        let Name {
            kind, text, detail, ..
        } = name;
        let of_kind = self.kinds.entry((project, kind as u8)).or_default();
        let known = of_kind.ids.get_mut(text);
        if let Some(known) = known.and_then(|details| details.get_mut(detail)) {
            // Events come late: what was first seen may be earlier than it was thought.
            if at_ms < known.first_ms {
                known.first_ms = at_ms;
                is_first_at(tx, known.id, at_ms)?;
            }
            return Ok(known.id);
        }
        let known = match find(tx, project, kind, text, detail)? {
            Some(known) => known,
            None if of_kind.rows(tx, project, kind)? >= name.most && text != OTHERS => {
                return self.id(tx, project, Name::new(kind, OTHERS, ""), at_ms);
            }
            None => {
                of_kind.rows = of_kind.rows.map(|rows| rows + 1);
                add(tx, project, kind, text, detail, at_ms)?
            }
        };
        if at_ms < known.first_ms {
            is_first_at(tx, known.id, at_ms)?;
        }
        let known = Known {
            first_ms: known.first_ms.min(at_ms),
            ..known
        };
        let details = of_kind.ids.entry(text.to_owned()).or_default();
        details.insert(detail.to_owned(), known);
        self.cached += 1;
        Ok(known.id)
    }
}

impl OfKind {
    fn rows(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        kind: NameKind,
    ) -> rusqlite::Result<usize> {
        if let Some(rows) = self.rows {
            return Ok(rows);
        }
        let count = "SELECT count(*) FROM name WHERE project = ?1 AND kind = ?2";
        let count = tx
            .prepare_cached(count)?
            .query_row(params![project, kind as u8], |row| row.get::<_, i64>(0))?;
        Ok(*self.rows.insert(usize::try_from(count).unwrap_or_default()))
    }
}

fn find(
    tx: &Transaction<'_>,
    project: i64,
    kind: NameKind,
    text: &str,
    detail: &str,
) -> rusqlite::Result<Option<Known>> {
    tx.prepare_cached(
        "SELECT id, first_ms FROM name WHERE project = ?1 AND kind = ?2 AND text = ?3 AND detail = ?4",
    )?
    .query_row(params![project, kind as u8, text, detail], |row| {
        Ok(Known {
            id: row.get(0)?,
            first_ms: row.get(1)?,
        })
    })
    .optional()
}

fn add(
    tx: &Transaction<'_>,
    project: i64,
    kind: NameKind,
    text: &str,
    detail: &str,
    first_ms: i64,
) -> rusqlite::Result<Known> {
    let id = tx
        .prepare_cached(
            "INSERT INTO name (project, kind, text, detail, first_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![project, kind as u8, text, detail, first_ms])?;
    Ok(Known { id, first_ms })
}

fn is_first_at(tx: &Transaction<'_>, id: i64, at_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE name SET first_ms = ?2 WHERE id = ?1")?
        .execute(params![id, at_ms])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(text: &str) -> Name<'_> {
        Name::new(NameKind::Tool, text, "")
    }

    fn own(text: &str, is_listed: bool) -> Name<'_> {
        match is_listed {
            true => Name::listed(text),
            false => Name::answered(text),
        }
    }

    #[test]
    fn texts_beyond_the_bound_are_one() {
        let mut db = crate::store::schema::in_memory();
        let tx = db.transaction().unwrap();
        let mut names = Names::default();
        let mut id = |text: &str| names.id(&tx, 1, tool(text), 5).unwrap();
        let first = id("tool 0");
        for n in 1..MAX_NAMES {
            id(&format!("tool {n}"));
        }
        let others = id("one more");
        assert_eq!(id("and another"), others);
        assert_eq!(id("tool 0"), first);
        let mut fresh = Names::default();
        let mut id = |name: Name<'_>| fresh.id(&tx, 1, name, 5).unwrap();
        assert_eq!(id(tool("yet another")), others);
        assert_ne!(id(Name::new(NameKind::Client, "one more", "")), others);
        // What a server has is told apart still, by whoever names it from then on.
        for (is_listed, most) in [(false, MAX_WITH_ANSWERED), (true, MAX_WITH_LISTED)] {
            let text = format!("of the next release, below {most}");
            let release = id(own(&text, is_listed));
            assert_ne!(release, others);
            assert_eq!(id(tool(&text)), release);
            // The last of them is the one for others.
            for n in MAX_NAMES..most {
                id(own(&format!("tool {n}"), is_listed));
            }
            assert_eq!(id(own("one too many", is_listed)), others);
        }
    }
}
