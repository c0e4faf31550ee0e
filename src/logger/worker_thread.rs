//! The worker's thread, and the runtime on it.

use std::io;
use std::sync::{Arc, Mutex};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Runtime};

use crate::base::lock::lock;
use crate::base::{log, panics, threads};
use crate::delivery::shared::Shared;
use crate::delivery::{Inbox, Worker};

/// The name of the worker's thread, and of those on which its client resolves names.
const NAME: &str = "mcp-usage";

/// A worker that is started when it is first needed, on a thread and with a runtime of its own, which
/// neither end nor stall with the host's.
pub(super) struct WorkerThread {
    started: OnceCell<()>,
    /// Kept until the thread takes it, so that a failed start leaves it for the next try.
    inbox: Arc<Mutex<Option<Inbox>>>,
}

impl WorkerThread {
    pub(super) fn new(inbox: Inbox) -> Self {
        Self {
            started: OnceCell::new(),
            inbox: Arc::new(Mutex::new(Some(inbox))),
        }
    }

    /// Starts the worker of these destinations unless it runs; `false` when the system has no thread or no descriptor for it.
    #[inline]
    pub(super) fn start(&self, shared: Vec<Arc<Shared>>) -> bool {
        self.started.get_or_try_init(|| self.spawn(shared)).is_ok()
    }

    pub(super) fn has_started(&self) -> bool {
        self.started.get().is_some()
    }

    fn spawn(&self, shared: Vec<Arc<Shared>>) -> io::Result<()> {
        let runtime = WorkerRuntime::new()?;
        let inbox = Arc::clone(&self.inbox);
        threads::spawn(NAME, move || {
            let inbox = lock(&inbox).take();
            if let Some(inbox) = inbox {
                run(&shared, inbox, &runtime);
            }
        })
    }
}

/// Runs the worker to its end.
fn run(shared: &[Arc<Shared>], inbox: Inbox, runtime: &WorkerRuntime) {
    let mut worker = None;
    let ran = panics::catch(|| {
        worker = Worker::new(shared, inbox);
        if let Some(worker) = &mut worker {
            runtime.block_on(worker.run());
        }
    });
    if ran.is_err() {
        for shared in shared {
            shared.give_up();
        }
        let _ = log::error(format_args!("usage logging has ended: its worker panicked"));
    }
    // After its events are counted: whoever still waits for it is answered by this drop.
    let _ = panics::catch(|| drop(worker));
}

/// A runtime that may be dropped anywhere: one of tokio's panics where async code drops it, as happens
/// when there is no thread for it.
struct WorkerRuntime(Option<Runtime>);

impl WorkerRuntime {
    fn new() -> io::Result<Self> {
        check_descriptors()?;
        let mut builder = Builder::new_current_thread();
        builder
            .enable_all()
            .thread_name(NAME)
            .on_thread_start(threads::set_own);
        // Where the host uses tokio's signals, a runtime panics if the last descriptors go just now.
        let runtime = panics::catch(|| builder.build());
        let runtime = runtime.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
        Ok(Self(Some(runtime)))
    }

    fn block_on(&self, future: impl Future<Output = ()>) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(future);
        }
    }
}

impl Drop for WorkerRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Fails unless the process has the descriptors that a runtime needs: tokio panics where the last few are
/// missing.
#[cfg(unix)]
fn check_descriptors() -> io::Result<()> {
    use std::os::unix::net::UnixStream;

    let pairs: io::Result<Vec<_>> = (0..4).map(|_| UnixStream::pair()).collect();
    pairs.map(drop)
}

#[cfg(not(unix))]
fn check_descriptors() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    use super::super::handle::Handle;
    use super::super::pipeline::Pipeline;
    use super::super::usage_logger::UsageLogger;
    use super::*;
    use crate::error::{ConfirmError, FlushError};
    use crate::event::ToolCall;
    use crate::ledger::{DropReason, Outcome};
    use crate::transport::{ProbeFuture, Request, SendFuture, Transport};

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A panic in the worker's own code.
    #[derive(Debug)]
    struct Bomb;

    impl Transport for Bomb {
        fn send(&self, _: Request) -> SendFuture {
            panic!("a fault of the worker's")
        }

        fn probe(&self) -> Option<ProbeFuture> {
            None
        }
    }

    static ERRORS: AtomicU32 = AtomicU32::new(0);

    /// Counts the lines at the level of an error.
    struct Errors;

    impl tracing::Subscriber for Errors {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::ERROR
        }

        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }

        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            if std::thread::current().name() == Some(NAME)
                && event.metadata().target() == log::LOG_TARGET
            {
                ERRORS.fetch_add(1, Relaxed);
            }
        }

        fn enter(&self, _: &tracing::span::Id) {}

        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[test]
    fn a_worker_that_panics_ends_its_events_as_closed_and_keeps_nobody_waiting() {
        let _ = tracing::subscriber::set_global_default(Errors);
        let builder = UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let builder = builder.endpoint("http://127.0.0.1:9/");
        let mut resolved = builder.resolve().unwrap();
        resolved.delivery.transport = Arc::new(Bomb);
        let pipeline = Pipeline::new(resolved.pipeline, resolved.delivery, None);
        let usage = UsageLogger::new(Handle::new(pipeline, Vec::new()));

        let closed = DropReason::Closed;
        for _ in 0..10 {
            assert_eq!(usage.log_usage(ToolCall::new("t")), Outcome::Queued);
        }
        let confirmed = usage.log_usage_confirmed_blocking(ToolCall::new("t"), PATIENCE);
        assert_eq!(confirmed, Err(ConfirmError::Dropped(closed)));
        let flushed = usage.flush_blocking(PATIENCE);
        assert_eq!(flushed, Err(FlushError::Closed));
        assert_eq!(
            usage.log_usage(ToolCall::new("t")),
            Outcome::Dropped(closed)
        );
        let report = usage.shutdown_blocking(PATIENCE);
        assert_eq!((report.pending, report.stats.queue_bytes), (0, 0));
        let stats = usage.stats();
        assert_eq!((stats.offered, stats.dropped.get(closed)), (12, 12));
        assert_eq!(ERRORS.load(Relaxed), 1);
    }
}
