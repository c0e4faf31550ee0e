//! The arguments refer only to this project.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::access::{Acting, Refusal, Stop};
use crate::tools::Tool;

/// What an argument can refer to.
#[derive(Clone, Copy, Debug)]
pub enum Reference<'a> {
    Feature(i64),
    Conversation(i64),
    Announcement(i64),
    Member(&'a str),
}

/// The arguments are not what the tool takes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(#[from] pub serde_json::Error);

/// There is nothing of that id in this project. What another project has is answered alike: ids can
/// be guessed, and an answer must not tell which of them exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {0} with that id in this project")]
pub struct NotHere(pub &'static str);

/// # Errors
///
/// When the arguments cannot be read, or one refers to what this project does not have, and the
/// database's.
pub fn check<T: Tool>(acting: &Acting<'_>, arguments: JsonObject) -> Result<T, Stop> {
    let call: T = serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Refusal::from(Unreadable(error)))?;
    for reference in call.references() {
        if !is_here(acting, reference)? {
            return Err(Refusal::from(NotHere(reference.kind())).into());
        }
    }
    Ok(call)
}

impl Reference<'_> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Feature(_) => "feature",
            Self::Conversation(_) => "conversation",
            Self::Announcement(_) => "announcement",
            Self::Member(_) => "member",
        }
    }
}

fn is_here(acting: &Acting<'_>, reference: Reference<'_>) -> rusqlite::Result<bool> {
    let project = acting.project_id;
    let exists = |sql| acting.db.prepare_cached(sql);
    match reference {
        Reference::Feature(id) => {
            exists("SELECT 1 FROM features WHERE project_id = ?1 AND id = ?2")?
                .exists((project, id))
        }
        Reference::Conversation(id) => {
            exists("SELECT 1 FROM conversations WHERE project_id = ?1 AND id = ?2")?
                .exists((project, id))
        }
        Reference::Announcement(id) => {
            exists("SELECT 1 FROM announcements WHERE project_id = ?1 AND id = ?2")?
                .exists((project, id))
        }
        Reference::Member(id) => {
            exists("SELECT 1 FROM members WHERE project_id = ?1 AND user_id = ?2")?
                .exists((project, id))
        }
    }
}
