//! The tools: what each needs, takes and answers, and the table of all.
//!
//! A tool is a type: its fields are the arguments, its `run` is what it does. It never sees a call
//! that the pipeline of `access` has not admitted, and it looks at the rows of its
//! own project alone.

pub mod announcements;
pub mod backlog_read;
pub mod backlog_write;
pub mod failure;
pub mod inbox;
pub mod team;
pub mod text;
pub mod widget;

use std::marker::PhantomData;
use std::sync::LazyLock;

use rmcp::handler::server::tool::schema_for_input;
use rmcp::model::{JsonObject, ToolAnnotations};
use rusqlite::Transaction;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::access::resource::Reference;
use crate::access::{self, Acting, Effect, Needs, Stop};
use crate::store::grants::Grant;
use crate::store::{StoreError, users};

/// A tool, by its arguments.
pub trait Tool: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    const NAME: &'static str;
    const TITLE: &'static str;
    const DESCRIPTION: &'static str;
    const NEEDS: Needs;
    type Output: Serialize + JsonSchema + 'static;

    /// Returns what the arguments refer to, all of which has to be this project's.
    fn references(&self) -> Vec<Reference<'_>> {
        Vec::new()
    }

    /// Says whether a destructive call is confirmed.
    fn is_confirmed(&self) -> bool {
        false
    }

    /// Returns what a destructive call would do: a sentence of ids and numbers alone.
    ///
    /// # Errors
    ///
    /// The database's.
    fn consequence(&self, _: &Acting<'_>) -> rusqlite::Result<String> {
        Ok(String::new())
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// The tool's own, and the database's; nothing it has written stays then.
    fn run(self, acting: &Acting<'_>) -> Result<Self::Output, Broken>;
}

/// What a tool itself cannot do, though the call was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("a feature cannot be merged into itself")]
    MergedIntoItself,
    #[error("the announcement is already published and cannot be changed any more")]
    Published,
    #[error("the owner cannot be removed, and the owner's role cannot be changed")]
    OwnerStays,
    #[error("nothing to change: give at least one new value")]
    NothingToChange,
}

/// Why a tool failed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// How a call ended.
#[derive(Debug)]
pub enum Ended {
    Done(Value),
    Refused(access::Refusal),
    Conflict(Conflict),
}

/// A tool of the table.
pub struct Entry {
    pub needs: Needs,
    pub listed: rmcp::model::Tool,
    call: fn(&Transaction<'_>, &Grant, JsonObject, i64) -> Result<Ended, StoreError>,
}

impl Entry {
    fn of<T: Tool>(_: PhantomData<T>) -> Self {
        let effect = T::NEEDS.effect;
        let hints = ToolAnnotations::with_title(T::TITLE)
            .read_only(effect == Effect::Reads)
            .destructive(effect == Effect::Destroys)
            .open_world(false);
        let input = schema_for_input::<T>().unwrap_or_default();
        let listed = rmcp::model::Tool::new(T::NAME, T::DESCRIPTION, input)
            .with_title(T::TITLE)
            .with_raw_output_schema(failure::output_schema::<T::Output>())
            .annotate(hints);
        Self {
            needs: T::NEEDS,
            listed,
            call: call::<T>,
        }
    }

    /// Takes a call through the pipeline and runs it, as part of a transaction. What the pipeline
    /// has counted stays even when the tool breaks off.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn call(
        &self,
        db: &Transaction<'_>,
        grant: &Grant,
        arguments: JsonObject,
        now: i64,
    ) -> Result<Ended, StoreError> {
        (self.call)(db, grant, arguments, now)
    }
}

fn call<T: Tool>(
    db: &Transaction<'_>,
    grant: &Grant,
    arguments: JsonObject,
    now: i64,
) -> Result<Ended, StoreError> {
    let (tool, acting) = match access::admit::<T>(db, grant, arguments, now) {
        Ok(admitted) => admitted,
        Err(Stop::Refused(refusal)) => return Ok(Ended::Refused(refusal)),
        Err(Stop::Store(error)) => return Err(error),
    };
    db.execute_batch("SAVEPOINT tool")?;
    match tool.run(&acting) {
        Ok(output) => {
            db.execute_batch("RELEASE tool")?;
            let output = serde_json::to_value(output);
            let output = output.map_err(|error| StoreError::Unreadable(error.to_string()))?;
            Ok(Ended::Done(output))
        }
        Err(Broken::Conflict(conflict)) => {
            db.execute_batch("ROLLBACK TO tool; RELEASE tool")?;
            Ok(Ended::Conflict(conflict))
        }
        Err(Broken::Sqlite(error)) => Err(error.into()),
    }
}

/// All tools, in the order they are listed in.
pub static TOOLS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    macro_rules! entries {
        ($($tool:ty),+ $(,)?) => { vec![$(Entry::of(PhantomData::<$tool>)),+] };
    }
    entries![
        backlog_read::ListFeatures,
        backlog_read::SearchFeatures,
        backlog_read::GetFeature,
        backlog_write::CreateFeature,
        backlog_write::EditFeature,
        backlog_write::SetFeatureStatus,
        backlog_write::AddFeatureNote,
        backlog_write::MergeFeatures,
        backlog_write::DeleteFeature,
        inbox::ListConversations,
        inbox::GetConversation,
        inbox::ReplyToConversation,
        inbox::SetConversationStatus,
        announcements::ListAnnouncements,
        announcements::GetAnnouncement,
        announcements::DraftAnnouncement,
        announcements::PublishAnnouncement,
        announcements::DeleteAnnouncement,
        widget::GetWidget,
        widget::UpdateWidget,
        team::GetProject,
        team::ListTeam,
        team::SetMemberRole,
        team::RemoveMember,
    ]
});

/// Returns the tools that a grant can call as things stand, for who holds it to see. One that cannot be called is still
/// found by its name, and its refusal says what is missing.
///
/// # Errors
///
/// The database's.
pub fn listed(db: &Transaction<'_>, grant: &Grant) -> Result<Vec<rmcp::model::Tool>, StoreError> {
    let membership = users::membership(db, &grant.user_id, &grant.project_id)?;
    let Some(membership) = membership else {
        return Ok(Vec::new());
    };
    let allowed = TOOLS
        .iter()
        .filter(|tool| access::allows(grant, &membership, tool.needs));
    Ok(allowed.map(|tool| tool.listed.clone()).collect())
}

/// Finds a tool.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    TOOLS.iter().find(|tool| tool.listed.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;

    use super::*;
    use crate::access::quota;
    use crate::clock::Clock;
    use crate::scope::Scope;
    use crate::store::users::Role;
    use crate::store::{Store, seed};

    /// Writes, and then finds that it cannot.
    #[derive(Deserialize, JsonSchema)]
    struct Halfway {}

    impl Tool for Halfway {
        const NAME: &'static str = "halfway";
        const TITLE: &'static str = "";
        const DESCRIPTION: &'static str = "";
        const NEEDS: Needs = Needs {
            scope: Scope::BacklogWrite,
            role: Role::Member,
            effect: Effect::Writes,
        };
        type Output = Value;

        fn run(self, acting: &Acting<'_>) -> Result<Value, Broken> {
            acting.db.execute("DELETE FROM features", [])?;
            Err(Conflict::NothingToChange.into())
        }
    }

    #[tokio::test]
    async fn a_tool_that_breaks_off_leaves_nothing_but_the_count() {
        let store = Store::in_memory(Clock::default()).unwrap();
        let grant = Grant {
            id: "g".to_owned(),
            user_id: "olga".to_owned(),
            client_id: "c".to_owned(),
            project_id: "demo".to_owned(),
            resource: String::new(),
            scopes: BTreeSet::from([Scope::BacklogWrite]),
            client: None,
        };
        let ran = store.run(move |db| {
            seed::seed(db, |_| Ok(String::new()))?;
            let count = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let before = count("SELECT count(*) FROM features")?;
            let ended = call::<Halfway>(db, &grant, JsonObject::new(), 0)?;
            assert!(matches!(ended, Ended::Conflict(Conflict::NothingToChange)));
            assert_eq!(count("SELECT count(*) FROM features")?, before);
            assert_eq!(quota::used(db, "olga", 0)?, 1);
            Ok(())
        });
        ran.await.unwrap();
    }
}
