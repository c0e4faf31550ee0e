//! Projects, and the keys that servers send with. A key is known by its hash alone.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::insert::DAY_MS;

/// How many keys of a project are valid at a time: the old one and the new one while servers change over.
pub const MAX_VALID_KEYS: usize = 2;

/// How long a project's name may be, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// What a key begins with, so that one who finds it knows what it is for.
const KEY_PREFIX: &str = "mu_";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: i64,
    pub name: String,
    pub created_ms: i64,
    /// How long events are kept, and what is counted of them.
    pub raw_days: u32,
    pub rollup_days: u32,
    /// Whether texts are redacted once more on their way in.
    pub redact: bool,
}

impl Project {
    /// From when on events are kept: the day on which it is that long ago is kept as a whole, as the pages count it.
    pub const fn kept_from_ms(&self, now_ms: i64) -> i64 {
        (now_ms.div_euclid(DAY_MS) - self.raw_days as i64) * DAY_MS
    }
}

/// A write key, as it can still be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKey {
    pub id: i64,
    pub project: i64,
    /// Its last four characters.
    pub hint: String,
    pub created_ms: i64,
    pub revoked_ms: Option<i64>,
    pub last_used_ms: Option<i64>,
}

/// A key that was just made: the only time that it is there as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    pub id: i64,
    pub key: String,
}

/// What a valid key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub key: i64,
    pub project: Project,
    /// Events from before this time were removed: one that comes again is not known any more, and is counted already.
    pub removed_until_ms: i64,
}

/// Makes a project. `None`: the name is taken, empty, or longer than [`MAX_NAME_CHARS`].
pub fn create(tx: &Transaction<'_>, name: &str, now_ms: i64) -> rusqlite::Result<Option<i64>> {
    let Some(name) = sound_name(name) else {
        return Ok(None);
    };
    let added = tx.execute(
        "INSERT OR IGNORE INTO project (name, created_ms) VALUES (?1, ?2)",
        params![name, now_ms],
    )?;
    Ok((added == 1).then(|| tx.last_insert_rowid()))
}

/// Renames a project. `false`: there is no such project, or the name is not to be had.
pub fn rename(tx: &Transaction<'_>, id: i64, name: &str) -> rusqlite::Result<bool> {
    let Some(name) = sound_name(name) else {
        return Ok(false);
    };
    let renamed = "UPDATE OR IGNORE project SET name = ?2 WHERE id = ?1";
    Ok(tx.execute(renamed, params![id, name])? == 1)
}

/// Sets how long a project keeps what, and whether it redacts.
pub fn set_rules(
    tx: &Transaction<'_>,
    id: i64,
    raw_days: u32,
    rollup_days: u32,
    redact: bool,
) -> rusqlite::Result<bool> {
    let set = "UPDATE project SET raw_days = ?2, rollup_days = ?3, redact = ?4 WHERE id = ?1";
    Ok(tx.execute(set, params![id, raw_days, rollup_days, redact])? == 1)
}

/// Says that events from before a time were removed.
pub(super) fn set_removed(tx: &Transaction<'_>, id: i64, until_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO setting (name, value) VALUES ('removed_until:' || ?1, ?2)
        ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
    )?
    .execute([id, until_ms])?;
    Ok(())
}

/// All projects by name.
pub fn list(db: &Connection) -> rusqlite::Result<Vec<Project>> {
    let sql =
        "SELECT id, name, created_ms, raw_days, rollup_days, redact FROM project ORDER BY name, id";
    db.prepare_cached(sql)?.query_map([], project)?.collect()
}

pub fn get(db: &Connection, id: i64) -> rusqlite::Result<Option<Project>> {
    let sql =
        "SELECT id, name, created_ms, raw_days, rollup_days, redact FROM project WHERE id = ?1";
    db.prepare_cached(sql)?.query_row([id], project).optional()
}

/// Makes a key. `None`: as many as may be are valid already, or there is no such project.
pub fn add_key(
    tx: &Transaction<'_>,
    project: i64,
    now_ms: i64,
) -> rusqlite::Result<Option<NewKey>> {
    let valid = keys(tx, project)?;
    let valid = valid.iter().filter(|key| key.revoked_ms.is_none()).count();
    if valid >= MAX_VALID_KEYS || get(tx, project)?.is_none() {
        return Ok(None);
    }
    let random = super::random_bytes::<24>()?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{KEY_PREFIX}{digits}");
    let hint = key.get(key.len() - 4..).unwrap_or_default();
    tx.execute(
        "INSERT INTO write_key (project, hash, hint, created_ms) VALUES (?1, ?2, ?3, ?4)",
        params![project, key_hash(&key), hint, now_ms],
    )?;
    let id = tx.last_insert_rowid();
    Ok(Some(NewKey { id, key }))
}

/// Makes a key invalid. `false`: the project has no such valid key.
pub fn revoke_key(
    tx: &Transaction<'_>,
    project: i64,
    key: i64,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let revoke = "UPDATE write_key SET revoked_ms = ?3 WHERE id = ?2 AND project = ?1 AND revoked_ms IS NULL";
    Ok(tx.execute(revoke, params![project, key, now_ms])? == 1)
}

/// A project's keys, the newest first, with those that are no longer valid.
pub fn keys(db: &Connection, project: i64) -> rusqlite::Result<Vec<WriteKey>> {
    let sql = "SELECT id, project, hint, created_ms, revoked_ms, last_used_ms FROM write_key
        WHERE project = ?1 ORDER BY created_ms DESC, id DESC";
    let read = |row: &Row<'_>| {
        Ok(WriteKey {
            id: row.get(0)?,
            project: row.get(1)?,
            hint: row.get(2)?,
            created_ms: row.get(3)?,
            revoked_ms: row.get(4)?,
            last_used_ms: row.get(5)?,
        })
    };
    db.prepare_cached(sql)?
        .query_map([project], read)?
        .collect()
}

/// All valid keys' hashes with what each opens.
pub fn valid_keys(db: &Connection) -> rusqlite::Result<Vec<([u8; 32], Opened)>> {
    let sql = "SELECT project.id, name, project.created_ms, raw_days, rollup_days, redact,
            write_key.id, hash, coalesce((SELECT value FROM setting
                WHERE setting.name = 'removed_until:' || project.id), 0)
        FROM write_key JOIN project ON project.id = project WHERE revoked_ms IS NULL";
    let read = |row: &Row<'_>| {
        let opened = Opened {
            key: row.get(6)?,
            project: project(row)?,
            removed_until_ms: row.get(8)?,
        };
        Ok((row.get(7)?, opened))
    };
    db.prepare_cached(sql)?.query_map([], read)?.collect()
}

/// What a key opens, if it is valid.
pub fn find_by_key(db: &Connection, key: &str) -> rusqlite::Result<Option<Opened>> {
    Ok(find(&valid_keys(db)?, key).cloned())
}

/// As [`find_by_key`], among keys that were read before.
pub fn find<'k>(valid: &'k [([u8; 32], Opened)], key: &str) -> Option<&'k Opened> {
    let hash = key_hash(key);
    // All are looked at, each as long as any other.
    let mut found = None;
    for (known, opened) in valid {
        if bool::from(known.ct_eq(&hash)) {
            found = Some(opened);
        }
    }
    found
}

/// Says that keys were used.
pub fn touch_keys(tx: &Transaction<'_>, keys: &[i64], now_ms: i64) -> rusqlite::Result<()> {
    let mut touch = tx.prepare_cached("UPDATE write_key SET last_used_ms = ?2 WHERE id = ?1")?;
    for key in keys {
        touch.execute(params![key, now_ms])?;
    }
    Ok(())
}

/// A key holds 192 random bits, so that its hash needs no salt and no time.
fn key_hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn sound_name(name: &str) -> Option<&str> {
    let name = name.trim();
    let is_sound = !name.is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control);
    is_sound.then_some(name)
}

fn project(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get(0)?,
        name: row.get(1)?,
        created_ms: row.get(2)?,
        raw_days: row.get(3)?,
        rollup_days: row.get(4)?,
        redact: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        crate::store::schema::in_memory()
    }

    #[test]
    fn a_key_opens_its_project_until_it_is_revoked() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let shop = create(&tx, " shop ", 1).unwrap().unwrap();
        let key = add_key(&tx, shop, 2).unwrap().unwrap();
        let opened = find_by_key(&tx, &key.key).unwrap().unwrap();
        assert_eq!((opened.key, opened.project.name.as_str()), (key.id, "shop"));
        assert_eq!(find_by_key(&tx, "mu_other").unwrap(), None);
        assert!(revoke_key(&tx, shop, key.id, 3).unwrap());
        assert!(!revoke_key(&tx, shop, key.id, 3).unwrap());
        assert_eq!(find_by_key(&tx, &key.key).unwrap(), None);
    }

    #[test]
    fn two_keys_are_valid_at_a_time() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let shop = create(&tx, "shop", 1).unwrap().unwrap();
        let first = add_key(&tx, shop, 2).unwrap().unwrap();
        assert!(add_key(&tx, shop, 3).unwrap().is_some());
        assert_eq!(add_key(&tx, shop, 4).unwrap(), None);
        assert!(revoke_key(&tx, shop, first.id, 5).unwrap());
        assert!(add_key(&tx, shop, 6).unwrap().is_some());
        assert_eq!(keys(&tx, shop).unwrap().len(), 3);
        assert_eq!(add_key(&tx, 99, 7).unwrap(), None);
    }

    #[test]
    fn a_key_is_not_in_the_database() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let shop = create(&tx, "shop", 1).unwrap().unwrap();
        let key = add_key(&tx, shop, 2).unwrap().unwrap().key;
        let found: i64 = tx
            .query_row(
                "SELECT count(*) FROM write_key WHERE instr(hash, ?1) OR instr(hint, substr(?1, -8))",
                [&key],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(found, 0);
    }

    #[test]
    fn a_name_is_one_project() {
        let mut db = database();
        let tx = db.transaction().unwrap();
        let shop = create(&tx, "shop", 1).unwrap().unwrap();
        let other = create(&tx, "other", 1).unwrap().unwrap();
        for name in ["shop", "", "  ", "a\nb", &"x".repeat(65)] {
            assert_eq!(create(&tx, name, 1).unwrap(), None, "{name}");
            assert!(!rename(&tx, other, name).unwrap(), "{name}");
        }
        assert!(rename(&tx, shop, "store").unwrap());
        let names: Vec<_> = list(&tx).unwrap().into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["other", "store"]);
    }
}
