//! Resolves names on threads of the crate's own.

use std::net::ToSocketAddrs;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

use crate::base::threads;

/// Asks the system. The client's own resolver does so on tokio's threads, and tokio panics where the system
/// has none left.
#[derive(Debug)]
pub(super) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (reply, answer) = oneshot::channel();
        let asked = threads::spawn("mcp-usage-names", move || {
            let _ = reply.send((name.as_str(), 0).to_socket_addrs());
        });
        Box::pin(async move {
            asked?;
            let addresses = answer.await??;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
