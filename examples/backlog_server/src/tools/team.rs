//! The project and its team.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::resource::Reference;
use crate::access::{Acting, Effect, Needs, quota};
use crate::scope::Scope;
use crate::store::users::{Plan, Role};
use crate::store::words::words;
use crate::tools::{Broken, Conflict, Tool};

const READS: Needs = Needs {
    scope: Scope::TeamRead,
    role: Role::Viewer,
    effect: Effect::Reads,
};

const WRITES: Needs = Needs {
    scope: Scope::TeamWrite,
    role: Role::Owner,
    effect: Effect::Writes,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetProject {}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Project {
    project_id: String,
    name: String,
    owner_id: String,
    plan: Plan,
    /// Over all the owner's projects since 00:00 UTC, this one included.
    calls_today: i64,
    calls_per_day: i64,
}

impl Tool for GetProject {
    const NAME: &'static str = "get_project";
    const TITLE: &'static str = "Read the project";
    const DESCRIPTION: &'static str =
        "Reads the project's name and plan, and how much of the day's quota is used.";
    const NEEDS: Needs = READS;
    type Output = Project;

    fn run(self, acting: &Acting<'_>) -> Result<Project, Broken> {
        let name = acting
            .db
            .prepare_cached("SELECT name FROM projects WHERE id = ?1")?
            .query_row([acting.project_id], |row| row.get(0))?;
        Ok(Project {
            project_id: acting.project_id.to_owned(),
            name,
            owner_id: acting.owner_id.clone(),
            plan: acting.plan,
            calls_today: quota::used(acting.db, &acting.owner_id, acting.now)?,
            calls_per_day: quota::calls_per_day(acting.plan),
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTeam {}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Team {
    members: Vec<Member>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Member {
    user_id: String,
    name: String,
    role: Role,
}

impl Tool for ListTeam {
    const NAME: &'static str = "list_team";
    const TITLE: &'static str = "List the team";
    const DESCRIPTION: &'static str = "Lists who is on the project's team, and their roles.";
    const NEEDS: Needs = READS;
    type Output = Team;

    fn run(self, acting: &Acting<'_>) -> Result<Team, Broken> {
        let mut select = acting.db.prepare_cached(
            "SELECT u.id, u.name, m.role FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.project_id = ?1 ORDER BY u.id",
        )?;
        let members = select.query_map([acting.project_id], |row| {
            Ok(Member {
                user_id: row.get(0)?,
                name: row.get(1)?,
                role: row.get(2)?,
            })
        })?;
        let members = members.collect::<Result<_, _>>()?;
        Ok(Team { members })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    user_id: String,
}

words! {
    /// The roles that can be given; a project has one owner.
    GivenRole {
        Viewer = "viewer",
        Member = "member",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMemberRole {
    user_id: String,
    role: GivenRole,
}

impl Tool for SetMemberRole {
    const NAME: &'static str = "set_member_role";
    const TITLE: &'static str = "Set a member's role";
    const DESCRIPTION: &'static str =
        "Sets what somebody on the team may do, from the next call on.";
    const NEEDS: Needs = WRITES;
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Member(&self.user_id)]
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        if self.user_id == acting.owner_id {
            return Err(Conflict::OwnerStays.into());
        }
        acting
            .db
            .prepare_cached("UPDATE members SET role = ?3 WHERE project_id = ?1 AND user_id = ?2")?
            .execute((acting.project_id, &self.user_id, self.role))?;
        Ok(Changed {
            user_id: self.user_id,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    user_id: String,
    /// Without it nothing happens but an answer that says what would.
    #[serde(default)]
    confirm: bool,
}

impl Tool for RemoveMember {
    const NAME: &'static str = "remove_member";
    const TITLE: &'static str = "Remove a member";
    const DESCRIPTION: &'static str = "Removes somebody from the team; their agents are refused from the next call on. Needs `confirm`.";
    const NEEDS: Needs = Needs {
        effect: Effect::Destroys,
        ..WRITES
    };
    type Output = Changed;

    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference::Member(&self.user_id)]
    }

    fn is_confirmed(&self) -> bool {
        self.confirm
    }

    fn consequence(&self, _: &Acting<'_>) -> rusqlite::Result<String> {
        let id = &self.user_id;
        Ok(format!(
            "This removes the user {id} from the team, and with it all their agents' access."
        ))
    }

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        if self.user_id == acting.owner_id {
            return Err(Conflict::OwnerStays.into());
        }
        acting
            .db
            .prepare_cached("DELETE FROM members WHERE project_id = ?1 AND user_id = ?2")?
            .execute((acting.project_id, &self.user_id))?;
        Ok(Changed {
            user_id: self.user_id,
        })
    }
}
