//! The feedback widget on the project's site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Acting, Effect, Needs};
use crate::scope::Scope;
use crate::store::users::Role;
use crate::store::words::words;
use crate::tools::text::Text;
use crate::tools::{Broken, Conflict, Tool};

words! {
    /// The corner that the widget is in.
    Position {
        Left = "left",
        Right = "right",
    }
}

words! {
    /// The colours that the widget comes in.
    Colour {
        Blue = "blue",
        Green = "green",
        Grey = "grey",
        Orange = "orange",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Widget {
    greeting: String,
    colour: Colour,
    position: Position,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetWidget {}

impl Tool for GetWidget {
    const NAME: &'static str = "get_widget";
    const TITLE: &'static str = "Read the widget's settings";
    const DESCRIPTION: &'static str = "Reads how the feedback widget looks.";
    const NEEDS: Needs = Needs {
        scope: Scope::WidgetRead,
        role: Role::Viewer,
        effect: Effect::Reads,
    };
    type Output = Widget;

    fn run(self, acting: &Acting<'_>) -> Result<Widget, Broken> {
        let widget = acting
            .db
            .prepare_cached("SELECT greeting, colour, position FROM widgets WHERE project_id = ?1")?
            .query_row([acting.project_id], |row| {
                Ok(Widget {
                    greeting: row.get(0)?,
                    colour: row.get(1)?,
                    position: row.get(2)?,
                })
            })?;
        Ok(widget)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    changed: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWidget {
    greeting: Option<Text<200>>,
    colour: Option<Colour>,
    position: Option<Position>,
}

impl Tool for UpdateWidget {
    const NAME: &'static str = "update_widget";
    const TITLE: &'static str = "Change the widget";
    const DESCRIPTION: &'static str =
        "Changes how the feedback widget looks to every visitor; what is not given stays.";
    const NEEDS: Needs = Needs {
        scope: Scope::WidgetWrite,
        role: Role::Owner,
        effect: Effect::Writes,
    };
    type Output = Changed;

    fn run(self, acting: &Acting<'_>) -> Result<Changed, Broken> {
        if self.greeting.is_none() && self.colour.is_none() && self.position.is_none() {
            return Err(Conflict::NothingToChange.into());
        }
        acting
            .db
            .prepare_cached(
                "UPDATE widgets SET greeting = coalesce(?2, greeting), colour = coalesce(?3, colour),
                                    position = coalesce(?4, position)
                 WHERE project_id = ?1",
            )?
            .execute((acting.project_id, &self.greeting, self.colour, self.position))?;
        Ok(Changed { changed: true })
    }
}
