//! Runs a tool function, and records the call with how it ended.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::guard::CallGuard;
use super::usage_logger::UsageLogger;
use crate::base::panics;
use crate::event::{CallOutcome, ToolCall};

impl UsageLogger {
    /// Runs an async tool function, and records the call with how it ended.
    ///
    /// The arguments of the call are captured now, everything else while the future runs. `Ok` is recorded as
    /// [`Ok`](CallOutcome::Ok), and an error as [`ToolError`](CallOutcome::ToolError) with its text. A panic and a
    /// dropped future are recorded as such.
    ///
    /// ```
    /// # use mcp_usage::{ToolCall, UsageLogger};
    /// # async fn search(query: &str) -> Result<Vec<String>, std::io::Error> { Ok(Vec::new()) }
    /// # async fn handle(usage: UsageLogger) -> Result<(), std::io::Error> {
    /// let arguments = serde_json::json!({"query": "rails"});
    /// let call = ToolCall::new("search").arguments(&arguments);
    /// let hits = usage.record(call, search("rails")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn record<'a, T, E, F>(&self, call: impl Into<ToolCall<'a>>, run: F) -> Recorded<F>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        Recorded {
            guard: Some(self.start_tool_call(call)),
            run: Box::pin(run),
        }
    }
}

/// Runs a tool function and records the call. Made by [`UsageLogger::record`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Recorded<F> {
    guard: Option<CallGuard>,
    run: Pin<Box<F>>,
}

impl<T, E, F> Future for Recorded<F>
where
    F: Future<Output = Result<T, E>>,
    E: fmt::Display,
{
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.run.as_mut().poll(cx));
        if let Some(mut guard) = self.guard.take() {
            match &result {
                Ok(_) => guard.finish(CallOutcome::Ok),
                Err(error) => {
                    if let Ok(text) = panics::catch(|| error.to_string()) {
                        guard.set_error(text);
                    }
                    guard.finish(CallOutcome::ToolError)
                }
            };
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}
