//! The crate's own threads.

use std::cell::Cell;
use std::{io, thread};

thread_local! {
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether the calling thread is one that this crate has started to deliver events.
///
/// For a bridge that turns log lines into events: on such a thread every line is about delivery, whichever crate it
/// comes from (this one, the HTTP client, TLS), so turning it into an event would cause another line. A bridge that cannot
/// call this function can check whether the thread's name begins with `mcp-usage`.
///
/// ```
/// use mcp_usage::{Custom, UsageLogger};
/// use tracing_subscriber::layer::{Context, Layer};
///
/// struct Bridge(UsageLogger);
///
/// impl<S: tracing::Subscriber> Layer<S> for Bridge {
///     fn on_event(&self, line: &tracing::Event<'_>, _: Context<'_, S>) {
///         if !mcp_usage::is_own_thread() && line.metadata().target() != mcp_usage::LOG_TARGET {
///             self.0.log_usage(Custom::new("LOG_LINE"));
///         }
///     }
/// }
/// ```
#[must_use]
pub fn is_own_thread() -> bool {
    IS_OWN.try_with(Cell::get).unwrap_or(false)
}

/// Makes the calling thread one of the crate's own.
pub(crate) fn set_own() {
    let _ = IS_OWN.try_with(|is_own| is_own.set(true));
}

/// Starts a thread of the crate's own.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let run = || {
        set_own();
        run();
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map(drop)
}
