//! Announcements to all end users. What a call has changed, `get_announcement` reads back.

use rusqlite::OptionalExtension;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::resource::Reference;
use crate::access::{Acting, Effect, Needs};
use crate::scope::Scope;
use crate::store::users::Role;
use crate::tools::text::Text;
use crate::tools::{Broken, Conflict, Tool};

const READS: Needs = Needs {
    scope: Scope::AnnouncementsRead,
    role: Role::Viewer,
    effect: Effect::Reads,
};

const WRITES: Needs = Needs {
    scope: Scope::AnnouncementsWrite,
    role: Role::Member,
    effect: Effect::Writes,
};

const DESTROYS: Needs = Needs {
    effect: Effect::Destroys,
    ..WRITES
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAnnouncements {}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Announcements {
    /// The newest first.
    announcements: Vec<AnnouncementLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AnnouncementLine {
    announcement_id: i64,
    title: String,
    is_published: bool,
}

impl Tool for ListAnnouncements {
    const NAME: &'static str = "list_announcements";
    const TITLE: &'static str = "List announcements";
    const DESCRIPTION: &'static str =
        "Lists announcements and drafts, the newest first, at most 50.";
    const NEEDS: Needs = READS;
    type Output = Announcements;

    fn run(self, acting: &Acting<'_>) -> Result<Announcements, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT id, title, published_at IS NOT NULL FROM announcements
             WHERE project_id = ?1 ORDER BY id DESC LIMIT 50",
        )?;
        let rows = select.query_map([acting.project_id], |row| {
            Ok(AnnouncementLine {
                announcement_id: row.get(0)?,
                title: row.get(1)?,
                is_published: row.get(2)?,
            })
        })?;
        let announcements = rows.collect::<Result<_, _>>()?;
        Ok(Announcements { announcements })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAnnouncement {
    announcement_id: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Announcement {
    announcement_id: i64,
    title: String,
    body: String,
    /// Seconds since 1970; null for a draft.
    published_at: Option<i64>,
}

impl Tool for GetAnnouncement {
    const NAME: &'static str = "get_announcement";
    const TITLE: &'static str = "Read an announcement";
    const DESCRIPTION: &'static str = "Reads an announcement or a draft whole.";
    const NEEDS: Needs = READS;
    type Output = Announcement;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Announcement(self.announcement_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Announcement, Broken> {
        let announcement = acting
            .db
            .prepare_cached(
                "SELECT id, title, body, published_at FROM announcements
                 WHERE project_id = ?1 AND id = ?2",
            )?
            .query_row((acting.project_id, self.announcement_id), |row| {
                Ok(Announcement {
                    announcement_id: row.get(0)?,
                    title: row.get(1)?,
                    body: row.get(2)?,
                    published_at: row.get(3)?,
                })
            })?;
        Ok(announcement)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    announcement_id: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftAnnouncement {
    title: Text<200>,
    body: Text<10_000>,
}

impl Tool for DraftAnnouncement {
    const NAME: &'static str = "draft_announcement";
    const TITLE: &'static str = "Draft an announcement";
    const DESCRIPTION: &'static str = "Writes a draft, which nobody outside the team sees.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached(
                "INSERT INTO announcements (project_id, title, body) VALUES (?1, ?2, ?3)",
            )?
            .execute((acting.project_id, &self.title, &self.body))?;
        let announcement_id = acting.db.last_insert_rowid();
        Ok(Changed { announcement_id })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishAnnouncement {
    announcement_id: i64,
    /// Without it nothing happens but an answer that says what would.
    #[serde(default)]
    confirm: bool,
}

impl Tool for PublishAnnouncement {
    const NAME: &'static str = "publish_announcement";
    const TITLE: &'static str = "Publish an announcement";
    const DESCRIPTION: &'static str =
        "Publishes a draft to all end users, which cannot be taken back. Needs `confirm`.";
    const NEEDS: Needs = DESTROYS;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Announcement(self.announcement_id)]
    }

    fn is_confirmed(&self) -> bool {
        self.confirm
    }

    fn consequence(&self, _: &Acting<'_>) -> rusqlite::Result<String> {
        Ok(format!(
            "This shows announcement {} to all end users, for good.",
            self.announcement_id
        ))
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        let published = acting
            .db
            .prepare_cached(
                "UPDATE announcements SET published_at = ?3
                 WHERE project_id = ?1 AND id = ?2 AND published_at IS NULL RETURNING id",
            )?
            .query_row(
                (acting.project_id, self.announcement_id, acting.now),
                |row| row.get(0),
            )
            .optional()?;
        let announcement_id = published.ok_or(Conflict::Published)?;
        Ok(Changed { announcement_id })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAnnouncement {
    announcement_id: i64,
    /// Without it nothing happens but an answer that says what would.
    #[serde(default)]
    confirm: bool,
}

impl Tool for DeleteAnnouncement {
    const NAME: &'static str = "delete_announcement";
    const TITLE: &'static str = "Delete an announcement";
    const DESCRIPTION: &'static str = "Deletes an announcement or a draft. Needs `confirm`.";
    const NEEDS: Needs = DESTROYS;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Announcement(self.announcement_id)]
    }

    fn is_confirmed(&self) -> bool {
        self.confirm
    }

    fn consequence(&self, _: &Acting<'_>) -> rusqlite::Result<String> {
        let id = self.announcement_id;
        Ok(format!("This deletes announcement {id} for good."))
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        acting
            .db
            .prepare_cached("DELETE FROM announcements WHERE project_id = ?1 AND id = ?2")?
            .execute((acting.project_id, self.announcement_id))?;
        Ok(Changed {
            announcement_id: self.announcement_id,
        })
    }
}
