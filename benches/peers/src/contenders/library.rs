//! What each library is asked to do, and what a scenario may set.

use crate::event::Call;

/// One way to report a tool call.
pub trait Library: Sync {
    /// What the caller pays for. False if the library says that it has refused the event.
    fn log(&self, call: &Call, marker: &str) -> bool;

    /// Sends what is queued and waits for it, where there is such a thing.
    fn flush(&self);

    /// The library's own end, with its own time limit.
    fn shutdown(&self);

    /// How many events the library says it has lost; `None` where it does not say.
    fn lost(&self) -> Option<u64> {
        None
    }
}

/// What a scenario may change of a library's defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    pub url: String,
    pub queue_events: Option<usize>,
    pub batch_events: Option<usize>,
}
