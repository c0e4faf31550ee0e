//! What a client may be allowed to do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A right that a user grants to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    BacklogRead,
    BacklogWrite,
    InboxRead,
    InboxWrite,
    AnnouncementsRead,
    AnnouncementsWrite,
    WidgetRead,
    WidgetWrite,
    TeamRead,
    TeamWrite,
}

/// A scope that this server does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope {0:?}")]
pub struct UnknownScope(pub String);

impl Scope {
    pub const ALL: [Self; 10] = [
        Self::BacklogRead,
        Self::BacklogWrite,
        Self::InboxRead,
        Self::InboxWrite,
        Self::AnnouncementsRead,
        Self::AnnouncementsWrite,
        Self::WidgetRead,
        Self::WidgetWrite,
        Self::TeamRead,
        Self::TeamWrite,
    ];

    /// Returns the scope as clients write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BacklogRead => "backlog:read",
            Self::BacklogWrite => "backlog:write",
            Self::InboxRead => "inbox:read",
            Self::InboxWrite => "inbox:write",
            Self::AnnouncementsRead => "announcements:read",
            Self::AnnouncementsWrite => "announcements:write",
            Self::WidgetRead => "widget:read",
            Self::WidgetWrite => "widget:write",
            Self::TeamRead => "team:read",
            Self::TeamWrite => "team:write",
        }
    }

    /// Returns what the consent page says.
    #[must_use]
    pub const fn in_plain_english(self) -> &'static str {
        match self {
            Self::BacklogRead => "Read the backlog: feature requests, their notes and votes",
            Self::BacklogWrite => "Add, change and delete feature requests and notes",
            Self::InboxRead => "Read conversations with your users",
            Self::InboxWrite => "Reply to your users and close conversations",
            Self::AnnouncementsRead => "Read announcements, drafts included",
            Self::AnnouncementsWrite => "Write, publish and delete announcements",
            Self::WidgetRead => "Read the settings of the feedback widget",
            Self::WidgetWrite => "Change the feedback widget on your site",
            Self::TeamRead => "See who is on the team, and their roles",
            Self::TeamWrite => "Change roles and remove people from the team",
        }
    }

    /// Says whether it allows changes.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::BacklogWrite
                | Self::InboxWrite
                | Self::AnnouncementsWrite
                | Self::WidgetWrite
                | Self::TeamWrite
        )
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads scopes as OAuth writes them, with a space between.
///
/// # Errors
///
/// When one of them does not exist.
pub fn parse(text: &str) -> Result<BTreeSet<Scope>, UnknownScope> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect()
}

/// Writes scopes as OAuth reads them.
#[must_use]
pub fn join(scopes: &BTreeSet<Scope>) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}
