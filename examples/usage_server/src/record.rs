//! What every wire's event becomes before it is stored.

use serde_json::{Map, Value};

/// How far the clock of a sender may be ahead. An event that is dated later has the time at which it came, and no event is
/// of an hour that has not begun: the pages end with the running hour, and would count it in some places and not in others.
pub const AHEAD_MS: i64 = 5 * 60_000;

/// One event, bounded and redacted.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub source_id: SourceId,
    /// The logger that captured it, and its number there from 1.
    pub instance: Option<String>,
    pub sequence: Option<u64>,
    /// When it happened, in Unix milliseconds: the start of a call where the wire says it, else its end.
    pub time_ms: i64,
    /// How much later its sender said that it was: it cannot have happened after it came.
    pub ahead_ms: i64,
    pub kind: Kind,
    /// The tool of a call; the prompt or resource of the other requests; the custom activity type.
    pub tool: Option<String>,
    /// Whether the server has no such tool.
    pub unknown_tool: bool,
    /// `None` for somebody anonymous without an id.
    pub user: Option<User>,
    pub session: Option<String>,
    pub client: Option<String>,
    pub client_version: Option<String>,
    pub class: Class,
    /// The version of the MCP server.
    pub release: Option<String>,
    pub protocol: Option<String>,
    pub outcome: Outcome,
    /// The message of a failure; the reason of a refused login.
    pub error: Option<String>,
    pub duration_us: Option<u64>,
    pub result_bytes: Option<u64>,
    /// What the call was for; of `Kind::Missing` the capability that was asked for.
    pub intent: Option<String>,
    /// How many events it stands for: 1 without sampling.
    pub weight: f64,
    /// Marks that redaction left, by class, as the sender counts them.
    pub redactions: Vec<(String, u64)>,
    /// As above, of this server's own pass.
    pub redacted_here: Vec<(String, u64)>,
    /// Of a listing: the tools with the hash and size of their definitions, where the sender says them.
    pub listed: Vec<Listed>,
    /// All else that it said, for the page of one event: `arguments` (or `argument_keys`, `argument_key_count`),
    /// `result`, the facts of the wire by their names there (`transport`, `request_id`, `ip_addr` …), and under `meta`
    /// what the sender added of its own. In the database `error` stands beside them.
    pub body: Map<String, Value>,
}

impl Record {
    /// An event that says no more than what it is, and when it was.
    pub fn new(source_id: SourceId, time_ms: i64, kind: Kind) -> Self {
        Self {
            source_id,
            instance: None,
            sequence: None,
            time_ms,
            ahead_ms: 0,
            kind,
            tool: None,
            unknown_tool: false,
            user: None,
            session: None,
            client: None,
            client_version: None,
            class: Class::Unknown,
            release: None,
            protocol: None,
            outcome: Outcome::Ok,
            error: None,
            duration_us: None,
            result_bytes: None,
            intent: None,
            weight: 1.0,
            redactions: Vec::new(),
            redacted_here: Vec::new(),
            listed: Vec::new(),
            body: Map::new(),
        }
    }
}

/// What tells two sendings of one event from two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub [u8; 16]);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    /// As the sender says: EMAIL, ANONYMOUS, INTERNAL …
    pub kind: String,
    pub email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub tool: String,
    pub definition: Option<(String, u64)>,
}

/// What an event is. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `tools/call`.
    Call = 1,
    /// A login that a sender records by an activity of its own.
    Login = 2,
    /// An identity capture: how a logger of ours records a login, once for each new credential.
    Identity = 3,
    /// A refused login.
    Refused = 4,
    /// `tools/list`.
    Listing = 5,
    SessionStart = 6,
    PromptGet = 7,
    ResourceRead = 8,
    /// A capability that an agent asked for and no tool has.
    Missing = 9,
    Custom = 10,
}

impl Kind {
    /// The events that are logins, wherever a page, a link or a count speaks of logins. Each counts as one. A sender of both
    /// for one login is counted twice, which no logger of ours is by itself; the page of logins says where both came.
    pub const LOGINS: [Self; 2] = [Self::Login, Self::Identity];

    pub const fn is_login(self) -> bool {
        matches!(self, Self::Login | Self::Identity)
    }
}

/// How a call ended. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    Ok = 0,
    ToolError = 1,
    ProtocolError = 2,
    InputRequired = 3,
    Task = 4,
    Cancelled = 5,
    Timeout = 6,
    Panicked = 7,
    Dropped = 8,
    Unknown = 9,
}

/// The four groups that are drawn alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Ok,
    Waiting,
    GivenUp,
    Failed,
}

/// What kind of client it was. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    Unknown = 0,
    Agent = 1,
    Crawler = 2,
    HealthProbe = 3,
}

impl Outcome {
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::ToolError,
        Self::ProtocolError,
        Self::InputRequired,
        Self::Task,
        Self::Cancelled,
        Self::Timeout,
        Self::Panicked,
        Self::Dropped,
        Self::Unknown,
    ];

    /// The word on the wire, which the pages show with spaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::ProtocolError => "protocol_error",
            Self::InputRequired => "input_required",
            Self::Task => "task",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
            Self::Unknown => "unknown",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    pub fn of_number(number: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|outcome| *outcome as u8 == number)
            .unwrap_or(Self::Unknown)
    }

    pub const fn group(self) -> Group {
        match self {
            Self::Ok => Group::Ok,
            Self::InputRequired | Self::Task => Group::Waiting,
            Self::Cancelled | Self::Timeout | Self::Dropped | Self::Unknown => Group::GivenUp,
            Self::ToolError | Self::ProtocolError | Self::Panicked => Group::Failed,
        }
    }

    /// Whether it counts as failed in every rate: failed or given up, but for what nobody knows.
    pub const fn is_bad(self) -> bool {
        !matches!(
            (self.group(), self),
            (Group::Ok | Group::Waiting, _) | (_, Self::Unknown)
        )
    }
}

impl Class {
    /// Whether the pages count it: crawlers and probes are left out but on the page of clients.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Unknown | Self::Agent)
    }
}
