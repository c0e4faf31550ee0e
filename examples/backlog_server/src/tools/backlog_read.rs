//! The backlog: reading it.

use rusqlite::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::resource::Reference;
use crate::access::{Acting, Effect, Needs};
use crate::scope::Scope;
use crate::store::users::Role;
use crate::store::words::words;
use crate::tools::text::{Text, Untrusted};
use crate::tools::{Broken, Tool};

const READS: Needs = Needs {
    scope: Scope::BacklogRead,
    role: Role::Viewer,
    effect: Effect::Reads,
};

/// Most features of one answer.
const MAX_FEATURES: i64 = 50;

words! {
    /// Where a feature request stands.
    FeatureStatus {
        Open = "open",
        Planned = "planned",
        InProgress = "in_progress",
        Shipped = "shipped",
        Declined = "declined",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Features {
    /// The most wanted first.
    features: Vec<FeatureLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FeatureLine {
    feature_id: i64,
    title: Untrusted,
    status: FeatureStatus,
    votes: i64,
}

impl FeatureLine {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            feature_id: row.get(0)?,
            title: row.get(1)?,
            status: row.get(2)?,
            votes: row.get(3)?,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFeatures {
    /// Only those of this status.
    status: Option<FeatureStatus>,
}

impl Tool for ListFeatures {
    const NAME: &'static str = "list_features";
    const TITLE: &'static str = "List features";
    const DESCRIPTION: &'static str = "Lists feature requests, the most wanted first, at most 50.";
    const NEEDS: Needs = READS;
    type Output = Features;

    fn run(self, acting: &Acting<'_>) -> Result<Features, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT id, title, status, votes FROM features
             WHERE project_id = ?1 AND (?2 IS NULL OR status = ?2)
             ORDER BY votes DESC, id LIMIT ?3",
        )?;
        let rows = select.query_map(
            (acting.project_id, self.status, MAX_FEATURES),
            FeatureLine::of,
        )?;
        let features = rows.collect::<Result<_, _>>()?;
        Ok(Features { features })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchFeatures {
    /// Words of the title or the description, as they stand there.
    text: Text<200>,
}

impl Tool for SearchFeatures {
    const NAME: &'static str = "search_features";
    const TITLE: &'static str = "Search features";
    const DESCRIPTION: &'static str =
        "Finds feature requests whose title or description holds a text, at most 50.";
    const NEEDS: Needs = READS;
    type Output = Features;

    fn run(self, acting: &Acting<'_>) -> Result<Features, Broken> {
        // `instr` knows no wildcards, which an agent would otherwise have to escape.
        let mut select = acting.db.prepare_cached(
            "SELECT id, title, status, votes FROM features
             WHERE project_id = ?1 AND instr(lower(title || char(10) || description), lower(?2)) > 0
             ORDER BY votes DESC, id LIMIT ?3",
        )?;
        let rows = select.query_map(
            (acting.project_id, &self.text, MAX_FEATURES),
            FeatureLine::of,
        )?;
        let features = rows.collect::<Result<_, _>>()?;
        Ok(Features { features })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetFeature {
    feature_id: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Feature {
    feature_id: i64,
    title: Untrusted,
    description: Untrusted,
    status: FeatureStatus,
    votes: i64,
    /// The team's, oldest first.
    notes: Vec<Note>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Note {
    author_id: String,
    text: String,
    /// Seconds since 1970.
    created_at: i64,
}

impl Tool for GetFeature {
    const NAME: &'static str = "get_feature";
    const TITLE: &'static str = "Read a feature";
    const DESCRIPTION: &'static str = "Reads a feature request whole, with the team's notes.";
    const NEEDS: Needs = READS;
    type Output = Feature;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Feature(self.feature_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Feature, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT author_id, text, created_at FROM feature_notes WHERE feature_id = ?1 ORDER BY id",
        )?;
        let notes = select.query_map([self.feature_id], |row| {
            Ok(Note {
                author_id: row.get(0)?,
                text: row.get(1)?,
                created_at: row.get(2)?,
            })
        })?;
        let notes = notes.collect::<Result<_, _>>()?;
        let feature = acting
            .db
            .prepare_cached(
                "SELECT id, title, description, status, votes FROM features
                 WHERE project_id = ?1 AND id = ?2",
            )?
            .query_row((acting.project_id, self.feature_id), |row| {
                Ok(Feature {
                    feature_id: row.get(0)?,
                    title: row.get(1)?,
                    description: row.get(2)?,
                    status: row.get(3)?,
                    votes: row.get(4)?,
                    notes,
                })
            })?;
        Ok(feature)
    }
}
