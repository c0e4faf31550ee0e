//! What the instances of a server share.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::base::random::Keyed;
use crate::base::recent::Recent;
use crate::event::ClientClass;
use crate::mcp::intent::Owner;
use crate::mcp::rounds::Rounds;

/// Most tools of a server that are remembered; servers that make them up may have any number.
const MAX_TOOLS: usize = 4_096;

/// Most clients whose class is remembered.
const MAX_CLIENTS: usize = 1_024;

/// How long a tool that no listing has shown is taken for unknown before the server is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct State {
    servers: RwLock<HashMap<TypeId, Arc<Server>, Keyed>>,
    pub(super) rounds: Rounds,
    classes: Mutex<Recent<ClientClass>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            servers: RwLock::default(),
            rounds: Rounds::default(),
            classes: Mutex::new(Recent::new(MAX_CLIENTS)),
        }
    }
}

/// What is known of one type of server.
#[derive(Debug, Default)]
pub(super) struct Server {
    tools: RwLock<Tools>,
}

#[derive(Debug, Default)]
struct Tools {
    known: HashMap<Box<str>, Tool, Keyed>,
    /// In the order of the listings.
    names: Vec<Box<str>>,
    reported: bool,
    /// When the server was asked for all its tools.
    asked: Option<Instant>,
}

/// What is known of a tool.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    /// Whom the property with the intent's name belongs to.
    pub(super) owner: Owner,
    /// The name of the tool's own property that holds an intent.
    pub(super) native: Option<Arc<str>>,
}

impl State {
    /// What is known of servers of a type.
    pub(super) fn server<H: 'static>(&self) -> Arc<Server> {
        let of = TypeId::of::<H>();
        let known = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = known.get(&of) {
            return Arc::clone(server);
        }
        drop(known);
        let mut known = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(of).or_default())
    }

    /// The class of a client, guessed once.
    pub(super) fn class_of(&self, name: Option<&str>, user_agent: Option<&str>) -> ClientClass {
        if name.is_none() && user_agent.is_none() {
            return ClientClass::Unknown;
        }
        let key = Keyed::default().hash_one((name, user_agent));
        let mut classes = lock(&self.classes);
        classes.get(key).unwrap_or_else(|| {
            let class = ClientClass::of(name, user_agent);
            classes.put(key, class);
            class
        })
    }
}

impl Server {
    pub(super) fn tool(&self, name: &str) -> Option<Tool> {
        self.read().known.get(name).cloned()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.read().known.contains_key(name)
    }

    /// Remembers a tool that was looked up.
    pub(super) fn learn(&self, name: &str, tool: Tool) {
        let mut tools = self.write();
        if tools.known.len() < MAX_TOOLS || tools.known.contains_key(name) {
            tools.known.insert(name.into(), tool);
        }
    }

    /// Remembers the tools of one page of a listing. With the last page of the first listing, the
    /// names of all are returned, once.
    pub(super) fn list(
        &self,
        page: impl Iterator<Item = (String, Tool)>,
        is_last: bool,
    ) -> Option<Vec<String>> {
        let mut tools = self.write();
        for (name, tool) in page {
            if tools.known.len() >= MAX_TOOLS && !tools.known.contains_key(&*name) {
                continue;
            }
            tools.known.insert(name.as_str().into(), tool);
            if !tools.reported && !tools.names.iter().any(|known| **known == *name) {
                tools.names.push(name.into());
            }
        }
        if !is_last || std::mem::replace(&mut tools.reported, true) {
            return None;
        }
        let names = std::mem::take(&mut tools.names);
        Some(names.into_iter().map(String::from).collect())
    }

    /// Whether the server is to be asked for all its tools, to find one; then it counts as asked.
    pub(super) fn ask(&self, now: Instant) -> bool {
        let mut tools = self.write();
        let due = tools
            .asked
            .is_none_or(|asked| now.saturating_duration_since(asked) >= ASK_AGAIN);
        if due {
            tools.asked = Some(now);
        }
        due
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Tools> {
        self.tools.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Tools> {
        self.tools.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Tool {
        Tool {
            owner: Owner::Ours,
            native: None,
        }
    }

    #[test]
    fn all_pages_of_a_listing_are_reported_once() {
        let server = Server::default();
        let page = |names: &[&str]| {
            let tools: Vec<_> = names
                .iter()
                .map(|name| ((*name).to_owned(), tool()))
                .collect();
            tools.into_iter()
        };
        assert_eq!(server.list(page(&["a", "b"]), false), None);
        assert_eq!(server.list(page(&["a", "b"]), false), None);
        let all = server.list(page(&["c"]), true);
        assert_eq!(all, Some(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(server.list(page(&["d"]), true), None);
        assert!(server.knows("d"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let server = Server::default();
        for n in 0..MAX_TOOLS + 10 {
            server.learn(&n.to_string(), tool());
        }
        assert_eq!(server.read().known.len(), MAX_TOOLS);
    }
}
