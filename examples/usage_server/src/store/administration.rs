//! What an administrator changes, whether by the pages or by the command line: each with its line of the audit.

use rusqlite::Transaction;

use super::audit::audit;
use super::projects::{self, NewKey};

/// Makes a project. `None`: the name is not to be had.
pub fn make_project(
    tx: &Transaction<'_>,
    name: &str,
    now_ms: i64,
    who: &str,
) -> rusqlite::Result<Option<i64>> {
    let made = projects::create(tx, name, now_ms)?;
    if let Some(project) = made {
        audit(tx, now_ms, project, who, "made the project", name)?;
    }
    Ok(made)
}

/// Makes a key. `None`: as many as may be are valid already.
pub fn make_key(
    tx: &Transaction<'_>,
    project: i64,
    now_ms: i64,
    who: &str,
) -> rusqlite::Result<Option<NewKey>> {
    let made = projects::add_key(tx, project, now_ms)?;
    if made.is_some() {
        audit(tx, now_ms, project, who, "made a key", "")?;
    }
    Ok(made)
}

/// Revokes a key. `false`: the project has no such valid key.
pub fn revoke_key(
    tx: &Transaction<'_>,
    project: i64,
    key: i64,
    now_ms: i64,
    who: &str,
) -> rusqlite::Result<bool> {
    let is_revoked = projects::revoke_key(tx, project, key, now_ms)?;
    if is_revoked {
        let subject = format!("key {key}");
        audit(tx, now_ms, project, who, "revoked a key", &subject)?;
    }
    Ok(is_revoked)
}
