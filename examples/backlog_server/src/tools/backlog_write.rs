//! The backlog: changing it. What a call has changed, `get_feature` reads back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::resource::Reference;
use crate::access::{Acting, Effect, Needs};
use crate::scope::Scope;
use crate::store::users::Role;
use crate::tools::backlog_read::FeatureStatus;
use crate::tools::text::Text;
use crate::tools::{Broken, Conflict, Tool};

const WRITES: Needs = Needs {
    scope: Scope::BacklogWrite,
    role: Role::Member,
    effect: Effect::Writes,
};

const DESTROYS: Needs = Needs {
    effect: Effect::Destroys,
    ..WRITES
};

#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    feature_id: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFeature {
    title: Text<200>,
    description: Option<Text<10_000>>,
}

impl Tool for CreateFeature {
    const NAME: &'static str = "create_feature";
    const TITLE: &'static str = "Add a feature";
    const DESCRIPTION: &'static str =
        "Adds a feature request to the backlog, open and without votes.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        let description = self.description.as_ref().map_or("", Text::as_str);
        acting
            .db
            .prepare_cached(
                "INSERT INTO features (project_id, title, description, status)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((
                acting.project_id,
                &self.title,
                description,
                FeatureStatus::Open,
            ))?;
        let feature_id = acting.db.last_insert_rowid();
        Ok(Changed { feature_id })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditFeature {
    feature_id: i64,
    title: Option<Text<200>>,
    description: Option<Text<10_000>>,
}

impl Tool for EditFeature {
    const NAME: &'static str = "edit_feature";
    const TITLE: &'static str = "Edit a feature";
    const DESCRIPTION: &'static str = "Replaces the title or the description of a feature request.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Feature(self.feature_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        if self.title.is_none() && self.description.is_none() {
            return Err(Conflict::NothingToChange.into());
        }
        acting
            .db
            .prepare_cached(
                "UPDATE features SET title = coalesce(?3, title),
                                     description = coalesce(?4, description)
                 WHERE project_id = ?1 AND id = ?2",
            )?
            .execute((
                acting.project_id,
                self.feature_id,
                &self.title,
                &self.description,
            ))?;
        Ok(Changed {
            feature_id: self.feature_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFeatureStatus {
    feature_id: i64,
    status: FeatureStatus,
}

impl Tool for SetFeatureStatus {
    const NAME: &'static str = "set_feature_status";
    const TITLE: &'static str = "Set a feature's status";
    const DESCRIPTION: &'static str = "Sets where a feature request stands.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Feature(self.feature_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached("UPDATE features SET status = ?3 WHERE project_id = ?1 AND id = ?2")?
            .execute((acting.project_id, self.feature_id, self.status))?;
        Ok(Changed {
            feature_id: self.feature_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddFeatureNote {
    feature_id: i64,
    text: Text<2_000>,
}

impl Tool for AddFeatureNote {
    const NAME: &'static str = "add_feature_note";
    const TITLE: &'static str = "Add a note";
    const DESCRIPTION: &'static str = "Adds a note for the team to a feature request.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Feature(self.feature_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached(
                "INSERT INTO feature_notes (feature_id, author_id, text, created_at)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((self.feature_id, acting.user_id, &self.text, acting.now))?;
        Ok(Changed {
            feature_id: self.feature_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeFeatures {
    /// The one that goes.
    feature_id: i64,
    /// The one that gets its votes and notes.
    into_feature_id: i64,
    /// Without it nothing happens but an answer that says what would.
    #[serde(default)]
    confirm: bool,
}

impl Tool for MergeFeatures {
    const NAME: &'static str = "merge_features";
    const TITLE: &'static str = "Merge two features";
    const DESCRIPTION: &'static str = "Moves the votes and notes of a feature request to another, and deletes the first. Needs `confirm`.";
    const NEEDS: Needs = DESTROYS;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![
            Reference::Feature(self.feature_id),
            Reference::Feature(self.into_feature_id),
        ]
    }

    fn is_confirmed(&self) -> bool {
        self.confirm
    }

    fn consequence(&self, acting: &Acting<'_>) -> rusqlite::Result<String> {
        let (votes, notes) = weight_of(acting, self.feature_id)?;
        Ok(format!(
            "This moves {votes} votes and {notes} notes of feature {} to feature {}, and deletes the first for good.",
            self.feature_id, self.into_feature_id
        ))
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        if self.feature_id == self.into_feature_id {
            return Err(Conflict::MergedIntoItself.into());
        }
        let (votes, _) = weight_of(acting, self.feature_id)?;
        let both = (self.feature_id, self.into_feature_id);
        acting
            .db
            .prepare_cached("UPDATE feature_notes SET feature_id = ?2 WHERE feature_id = ?1")?
            .execute(both)?;
        acting
            .db
            .prepare_cached(
                "UPDATE features SET votes = votes + ?3 WHERE project_id = ?1 AND id = ?2",
            )?
            .execute((acting.project_id, self.into_feature_id, votes))?;
        delete(acting, self.feature_id)?;
        Ok(Changed {
            feature_id: self.into_feature_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteFeature {
    feature_id: i64,
    /// Without it nothing happens but an answer that says what would.
    #[serde(default)]
    confirm: bool,
}

impl Tool for DeleteFeature {
    const NAME: &'static str = "delete_feature";
    const TITLE: &'static str = "Delete a feature";
    const DESCRIPTION: &'static str =
        "Deletes a feature request with its votes and notes. Needs `confirm`.";
    const NEEDS: Needs = DESTROYS;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Feature(self.feature_id)]
    }

    fn is_confirmed(&self) -> bool {
        self.confirm
    }

    fn consequence(&self, acting: &Acting<'_>) -> rusqlite::Result<String> {
        let (votes, notes) = weight_of(acting, self.feature_id)?;
        Ok(format!(
            "This deletes feature {}, its {votes} votes and {notes} notes for good.",
            self.feature_id
        ))
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        delete(acting, self.feature_id)?;
        Ok(Changed {
            feature_id: self.feature_id,
        })
    }
}

/// The votes and notes of a feature.
fn weight_of(acting: &Acting<'_>, feature_id: i64) -> rusqlite::Result<(i64, i64)> {
    acting
        .db
        .prepare_cached(
            "SELECT votes, (SELECT count(*) FROM feature_notes WHERE feature_id = ?2)
             FROM features WHERE project_id = ?1 AND id = ?2",
        )?
        .query_row((acting.project_id, feature_id), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
}

fn delete(acting: &Acting<'_>, feature_id: i64) -> rusqlite::Result<usize> {
    acting
        .db
        .prepare_cached("DELETE FROM features WHERE project_id = ?1 AND id = ?2")?
        .execute((acting.project_id, feature_id))
}
