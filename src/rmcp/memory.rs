//! The state that the instances of a server share. None of it decides what a tool receives.

use crate::base::recent::Recent;
use crate::event::ClientClass;
use crate::mcp::listings::ReportedListings;
use crate::mcp::rounds::Rounds;

/// Most clients whose class is remembered.
const MAX_CLIENTS: usize = 1_024;

/// The state that all servers of an instrumentation share.
#[derive(Debug)]
pub(super) struct InstrumentationMemory {
    pub(super) listings: ReportedListings,
    pub(super) rounds: Rounds,
    classes: Recent<ClientClass>,
}

impl Default for InstrumentationMemory {
    fn default() -> Self {
        Self {
            listings: ReportedListings::default(),
            rounds: Rounds::default(),
            classes: Recent::new(MAX_CLIENTS),
        }
    }
}

impl InstrumentationMemory {
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

#[cfg(test)]
mod tests {
    use super::*;

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
