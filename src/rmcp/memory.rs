//! What the instances of a server share.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::base::random::Keyed;
use crate::base::recent::Recent;
use crate::event::ClientClass;
use crate::mcp::intent::ToolIntent;
use crate::mcp::rounds::Rounds;

/// Most tools of a server that are remembered; servers that make them up may have any number.
const MAX_TOOLS: usize = 4_096;

/// Most clients whose class is remembered.
const MAX_CLIENTS: usize = 1_024;

/// How long a tool that no listing has shown is taken for unknown before the server is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// What all servers of an instrumentation share.
#[derive(Debug)]
pub(super) struct InstrumentationMemory {
    tools: RwLock<HashMap<TypeId, Arc<ToolMemory>, Keyed>>,
    pub(super) rounds: Rounds,
    classes: Recent<ClientClass>,
}

impl Default for InstrumentationMemory {
    fn default() -> Self {
        Self {
            tools: RwLock::default(),
            rounds: Rounds::default(),
            classes: Recent::new(MAX_CLIENTS),
        }
    }
}

impl InstrumentationMemory {
    /// Returns the tools of servers of a type.
    pub(super) fn tools_of<H: 'static>(&self) -> Arc<ToolMemory> {
        let of = TypeId::of::<H>();
        let known = self.tools.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tools) = known.get(&of) {
            return Arc::clone(tools);
        }
        drop(known);
        let mut known = self.tools.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(of).or_default())
    }

    /// Returns the class of a client, guessed once.
    pub(super) fn class_of(&self, name: Option<&str>, user_agent: Option<&str>) -> ClientClass {
        if name.is_none() && user_agent.is_none() {
            return ClientClass::Unknown;
        }
        self.classes.get((name, user_agent)).unwrap_or_else(|| {
            let class = ClientClass::of(name, user_agent);
            self.classes.put((name, user_agent), class);
            class
        })
    }
}

/// What is known of the tools of one type of server.
#[derive(Debug, Default)]
pub(super) struct ToolMemory(RwLock<ToolTable>);

#[derive(Debug, Default)]
struct ToolTable {
    known: HashMap<Box<str>, ToolIntent, Keyed>,
    /// In the order of the listings.
    names: Vec<Box<str>>,
    is_reported: bool,
    /// When the server was asked for all its tools.
    asked_at: Option<Instant>,
}

impl ToolTable {
    /// Remembers a tool, if there is room.
    fn remember(&mut self, name: &str, tool: ToolIntent) -> bool {
        let has_room = self.known.len() < MAX_TOOLS || self.known.contains_key(name);
        if has_room {
            self.known.insert(name.into(), tool);
        }
        has_room
    }
}

impl ToolMemory {
    pub(super) fn get(&self, name: &str) -> Option<ToolIntent> {
        self.read().known.get(name).cloned()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.read().known.contains_key(name)
    }

    /// Remembers a tool that was looked up.
    pub(super) fn remember(&self, name: &str, tool: ToolIntent) {
        self.write().remember(name, tool);
    }

    /// Remembers the tools of one page of a listing. With the last page of the first listing, the
    /// names of all are returned, once.
    pub(super) fn remember_page(
        &self,
        page: impl Iterator<Item = (String, ToolIntent)>,
        is_last: bool,
    ) -> Option<Vec<String>> {
        let mut tools = self.write();
        for (name, tool) in page {
            if tools.remember(&name, tool)
                && !tools.is_reported
                && !tools.names.iter().any(|known| **known == *name)
            {
                tools.names.push(name.into());
            }
        }
        if !is_last || std::mem::replace(&mut tools.is_reported, true) {
            return None;
        }
        let names = std::mem::take(&mut tools.names);
        Some(names.into_iter().map(String::from).collect())
    }

    /// Whether the server is to be asked for all its tools, to find one; then it counts as asked.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let mut tools = self.write();
        let is_due = tools
            .asked_at
            .is_none_or(|asked_at| now.saturating_duration_since(asked_at) >= ASK_AGAIN);
        if is_due {
            tools.asked_at = Some(now);
        }
        is_due
    }

    fn read(&self) -> RwLockReadGuard<'_, ToolTable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, ToolTable> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::intent::IntentProperty;

    fn tool() -> ToolIntent {
        ToolIntent {
            property: IntentProperty::Ours,
            native: None,
        }
    }

    #[test]
    fn all_pages_of_a_listing_are_reported_once() {
        let server = ToolMemory::default();
        let page = |names: &[&str]| {
            let tools: Vec<_> = names
                .iter()
                .map(|name| ((*name).to_owned(), tool()))
                .collect();
            tools.into_iter()
        };
        assert_eq!(server.remember_page(page(&["a", "b"]), false), None);
        assert_eq!(server.remember_page(page(&["a", "b"]), false), None);
        let all = server.remember_page(page(&["c"]), true);
        assert_eq!(all, Some(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(server.remember_page(page(&["d"]), true), None);
        assert!(server.has("d"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let server = ToolMemory::default();
        for n in 0..MAX_TOOLS + 10 {
            server.remember(&n.to_string(), tool());
        }
        assert_eq!(server.read().known.len(), MAX_TOOLS);
    }

    #[test]
    fn a_server_is_asked_for_its_tools_once_in_a_while() {
        let server = ToolMemory::default();
        let start = Instant::now();
        assert!(server.is_due(start));
        assert!(!server.is_due(start + ASK_AGAIN - Duration::from_millis(1)));
        assert!(server.is_due(start + ASK_AGAIN));
    }

    #[test]
    fn servers_of_one_type_share_their_tools_and_others_do_not() {
        let memory = InstrumentationMemory::default();
        memory.tools_of::<u8>().remember("a", tool());
        assert!(memory.tools_of::<u8>().has("a"));
        assert!(!memory.tools_of::<u16>().has("a"));
    }

    #[test]
    fn a_client_is_classed_by_its_name_and_its_user_agent() {
        let memory = InstrumentationMemory::default();
        for _ in 0..2 {
            let class = memory.class_of(Some("claude-code"), None);
            assert_eq!(class, ClientClass::Agent);
            let class = memory.class_of(None, Some("kube-probe/1.31"));
            assert_eq!(class, ClientClass::HealthProbe);
        }
        assert_eq!(memory.class_of(None, None), ClientClass::Unknown);
    }
}
