//! The mock ingest's handle: its settings, its start and end, its script, and what a test reads from it.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;

use super::answer::Answer;
use super::check_request::IngestRules;
use super::rate::RateLimit;
use super::received::{Counts, Received, ReceivedEvent, ReceivedRequest};
use super::serve::accept;
use super::store::{IngestStore, WaitError, WaitTarget};
use crate::base::lock::lock;

/// How long dropping the ingest may wait for its port to be closed. Closing takes microseconds; the bound is for a
/// machine that does not schedule the thread.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An ingest for tests: a real HTTP/1.1 server on loopback, on a thread of its own.
///
/// It accepts all wires, checks bodies against their [`contract`](super::contract), keeps everything that it receives, and
/// plays scripted [`Answer`]s. Each ingest has its own port and its own state, so tests can run in parallel.
///
/// Dropping it closes the port and every connection; once `drop` returns, connections to the port are refused. To simulate
/// a server that comes back, start another ingest on the same [`port`](MockIngestBuilder::port).
///
/// # What decides an answer
/// When the head of a request is read, the request takes the next answer of the [`script`](Self::script), or the default
/// answer ([`answer_always`](Self::answer_always), otherwise [`Answer::ok`]) after the end of the script. If its body contains a
/// text that has an [answer of its own](Self::answer_holding), it gets that one instead. Then, in this order:
///
/// 1. A request that is not HTTP/1.1 gets 400, 413, 431 or 501 and uses up no answer.
/// 2. A fault (reset, malformed) is played, and a scripted status other than 2xx is sent, whatever the request holds.
///    On a [`strict`](MockIngestBuilder::strict) ingest whose script is over this is a 500.
/// 3. A method other than POST gets 405.
/// 4. A missing or wrong key gets 401, if the ingest has a [key](MockIngestBuilder::api_key).
/// 5. A `Content-Encoding` gets 415, except gzip with the feature `gzip`, which is decoded.
/// 6. A body above [`max_body_bytes`](MockIngestBuilder::max_body_bytes) or
///    [`max_body_events`](MockIngestBuilder::max_body_events) gets 413.
/// 7. A body that violates the contract gets 400; the reason is in the answer, as `{"error":"…"}`.
/// 8. A request over the [rate](MockIngestBuilder::max_requests_per_second) gets 429.
/// 9. The 2xx is sent, and the events count as accepted, except those that it rejects.
///
/// A violation is recorded whichever of these applies.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use mcp_usage::testing::{Answer, MockIngest};
///
/// # fn main() -> std::io::Result<()> {
/// let ingest = MockIngest::start()?;
/// // The first two requests fail, all others are answered properly.
/// ingest.script([Answer::status(503), Answer::status(429).retry_after("1")]);
/// assert!(ingest.endpoint().ends_with("/api/product/usage"));
///
/// // Nothing has been sent, so the wait ends with its timeout.
/// let nothing = ingest.wait_for_requests(1, Duration::from_millis(1));
/// assert_eq!(nothing.unwrap_err().to_string(), "waited 1ms for 1 requests, and 0 came");
/// # Ok(())
/// # }
/// ```
pub struct MockIngest {
    address: SocketAddr,
    store: Arc<IngestStore>,
    /// The ingest's own runtime. The waits run there, so that they need neither the caller's runtime nor its clock.
    runtime: Handle,
    /// Dropped to end the thread.
    stop: Option<oneshot::Sender<()>>,
    /// Disconnected when the thread has closed its sockets. The mutex makes the handle `Sync`; nothing contends for it.
    closed: Mutex<Receiver<()>>,
}

/// Settings of a [`MockIngest`], from [`MockIngest::builder`].
#[derive(Clone, Default)]
#[must_use]
pub struct MockIngestBuilder {
    rules: IngestRules,
    rate_limit: RateLimit,
    port: u16,
    strict: bool,
}

impl MockIngestBuilder {
    /// Sets the key that requests must carry: in `X-API-KEY` on the Reo wires, in `x-mcpeye-secret` on the mcpeye wire, as
    /// `Authorization: Bearer KEY` on the OTLP wire, and in the body on the PostHog wire. It is not kept with the request.
    ///
    /// Default: none. No key is required then, except on the PostHog wire, where any key will do.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.rules.api_key = Some(key.into());
        self
    }

    /// Sets the port. Default: 0, a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Answers 500 to every request beyond the script, and reports it in [`unexpected`](MockIngest::unexpected).
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Answers 413 to a body of more bytes than this. Default: no limit.
    ///
    /// A client that asks first (`Expect: 100-continue`) is refused before it has sent the body.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.rules.max_body_bytes = Some(bytes);
        self
    }

    /// Answers 413 to a body with more events than this. Default: no limit.
    pub fn max_body_events(mut self, events: usize) -> Self {
        self.rules.max_body_events = Some(events);
        self
    }

    /// Answers 429 to requests beyond this number in one second. Default: no limit.
    ///
    /// Only requests that the ingest accepts count. See [`shed_retry_after`](Self::shed_retry_after).
    pub fn max_requests_per_second(mut self, requests: usize) -> Self {
        self.rate_limit.requests = Some(requests);
        self
    }

    /// Answers 429 to a request whose events would exceed this number in one second. Default: no limit.
    ///
    /// A request after a second without any is accepted, however many events it has.
    pub fn max_events_per_second(mut self, events: usize) -> Self {
        self.rate_limit.events = Some(events);
        self
    }

    /// Sets the `Retry-After` of a 429 for too many requests or events: seconds, an HTTP date, or any other text.
    ///
    /// Default: `1`.
    pub fn shed_retry_after(mut self, value: impl Into<String>) -> Self {
        self.rate_limit.retry_after = Some(value.into());
        self
    }

    /// Only counts events: bodies are neither parsed, checked nor kept.
    ///
    /// For load tests: the ingest then costs little compared with the sender. [`MockIngest::counts`] and the waits work;
    /// [`requests`](MockIngest::requests), [`events`](MockIngest::events), [`violations`](MockIngest::violations) and
    /// [`unexpected`](MockIngest::unexpected) stay empty. Key, size limits and scripts still apply, partial rejection
    /// does not. In a batch each key named `event_id` (mcpeye: `callId`) counts as an event, so arguments must not
    /// contain one.
    pub fn unchecked(mut self) -> Self {
        self.rules.unchecked = true;
        self
    }

    /// Opens the port on 127.0.0.1 and starts the thread.
    ///
    /// # Errors
    /// If the port is taken, or the system has no thread or socket left.
    pub fn start(self) -> io::Result<MockIngest> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let handle = runtime.handle().clone();
        let listener = {
            let _entered = handle.enter();
            TcpListener::from_std(listener)?
        };
        let store = Arc::new(IngestStore::new(self.rules, self.rate_limit, self.strict));
        let (stop, stopped) = oneshot::channel::<()>();
        let (closing, closed) = mpsc::channel::<()>();
        let served = Arc::clone(&store);
        thread::Builder::new()
            .name(String::from("mock-ingest"))
            .spawn(move || {
                runtime.spawn(accept(listener, served));
                // Ends with an error, which says the same, when the handle is dropped.
                let _ = runtime.block_on(stopped);
                // Closes the listener and all connections, and only then reports to `drop`.
                drop(runtime);
                drop(closing);
            })?;
        Ok(MockIngest {
            address,
            store,
            runtime: handle,
            stop: Some(stop),
            closed: Mutex::new(closed),
        })
    }
}

impl fmt::Debug for MockIngestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockIngestBuilder")
            .field("api_key", &self.rules.api_key.as_ref().map(|_| "(hidden)"))
            .field("port", &self.port)
            .field("strict", &self.strict)
            .field("max_body_bytes", &self.rules.max_body_bytes)
            .field("max_body_events", &self.rules.max_body_events)
            .field("rate_limit", &self.rate_limit)
            .field("unchecked", &self.rules.unchecked)
            .finish()
    }
}

impl MockIngest {
    /// Starts an ingest on a free port that accepts everything the contract allows.
    ///
    /// # Errors
    /// If the system has no port, thread or socket left.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// Returns the settings to start from.
    pub fn builder() -> MockIngestBuilder {
        MockIngestBuilder::default()
    }

    /// Returns the socket address, for a client that does not take URLs.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the endpoint of both Reo wires: the origin and `/api/product/usage`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/api/product/usage", self.origin())
    }

    /// Returns the ingest URL of the mcpeye wire, which appends `/ingest` to it: the origin.
    #[must_use]
    pub fn mcpeye_url(&self) -> String {
        self.origin()
    }

    /// Returns the base endpoint of the OTLP wire, which appends `/v1/traces` to it: the origin.
    #[must_use]
    pub fn otlp_url(&self) -> String {
        self.origin()
    }

    /// Returns the host of the PostHog wire, which appends `/batch/` to it: the origin.
    #[must_use]
    pub fn posthog_url(&self) -> String {
        self.origin()
    }

    /// Appends answers to the script: one per request, in the order in which the requests' heads arrive.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.store.lock().script.extend(answers);
    }

    /// Returns how many scripted answers are left. It should be 0 at the end of a test.
    #[must_use]
    pub fn script_left(&self) -> usize {
        self.store.lock().script.len()
    }

    /// Replaces the answer that is given after the script's end. A [`strict`](MockIngestBuilder::strict) ingest never uses it.
    pub fn answer_always(&self, answer: Answer) {
        self.store.lock().default_answer = Some(answer);
    }

    /// Gives this answer to each request whose body contains `text`, in place of the scripted one.
    ///
    /// An ingest that fails on single events:
    /// ```
    /// # use mcp_usage::testing::{Answer, MockIngest};
    /// # let ingest = MockIngest::start()?;
    /// ingest.answer_holding("poison", Answer::status(500));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    /// If a body contains several such texts, the one that was given first decides. Compressed bodies are not searched.
    pub fn answer_holding(&self, text: impl Into<String>, answer: Answer) {
        self.store
            .lock()
            .answers_by_text
            .push((text.into(), answer));
    }

    /// Answers the requests that are waiting because of [`Answer::hang`] or [`Answer::held`]. A later request
    /// waits for the next call.
    pub fn release(&self) {
        self.store.releases.send_modify(|releases| *releases += 1);
    }

    /// Returns the requests received so far, in the order in which they had been read.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.store.lock().received.requests.clone()
    }

    /// Returns every event of every request, including refused requests.
    #[must_use]
    pub fn events(&self) -> Vec<ReceivedEvent> {
        self.store.lock().received.events.clone()
    }

    /// Returns the events that the ingest accepted, in order of arrival.
    #[must_use]
    pub fn delivered(&self) -> Vec<ReceivedEvent> {
        let mut events = self.events();
        events.retain(|event| event.accepted);
        events
    }

    /// Returns the ids that were accepted more than once, each once.
    #[must_use]
    pub fn duplicates(&self) -> Vec<String> {
        let state = self.store.lock();
        let (mut seen, mut repeated) = (HashSet::new(), Vec::new());
        for event in state.received.events.iter().filter(|event| event.accepted) {
            if !seen.insert(event.id.as_str()) && !repeated.contains(&event.id) {
                repeated.push(event.id.clone());
            }
        }
        repeated
    }

    /// Returns what was wrong with requests: the number of the request (the first is 1), the field, and the reason.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.store.lock().received.violations.clone()
    }

    /// Returns the requests that came after the end of a [`strict`](MockIngestBuilder::strict) ingest's script.
    #[must_use]
    pub fn unexpected(&self) -> Vec<ReceivedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.unexpected);
        requests
    }

    /// Returns how much has arrived. Cheap, and the only information from an [unchecked](MockIngestBuilder::unchecked) ingest.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.store.lock().received.counts
    }

    /// Forgets what has been received, counts included. The script, the default answer and waiting requests stay.
    pub fn clear(&self) {
        let _ = self.take();
    }

    /// Takes everything received so far, atomically: between two calls nothing is lost or returned twice.
    ///
    /// The waits then count from zero. A request that has not been answered yet is returned without an answer.
    #[must_use]
    pub fn take(&self) -> Received {
        self.store.lock().take()
    }

    /// Ends the ingest, as dropping it does, and returns everything that it received.
    #[must_use]
    pub fn stop(mut self) -> Received {
        self.close();
        self.take()
    }

    fn close(&mut self) {
        drop(self.stop.take());
        let _ = lock(&self.closed).recv_timeout(CLOSE_TIMEOUT);
    }

    /// Blocks until at least `count` events have arrived, accepted or not, and returns all events.
    ///
    /// In async code use [`events_arrived`](Self::events_arrived).
    ///
    /// # Errors
    /// [`WaitError`] when fewer have arrived within the timeout.
    pub fn wait_for_events(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedEvent>, WaitError> {
        self.wait_blocking(WaitTarget::Events(count), timeout)?;
        Ok(self.events())
    }

    /// Blocks until the ingest has accepted at least `count` events, and returns those.
    ///
    /// In async code use [`events_delivered`](Self::events_delivered).
    ///
    /// # Errors
    /// [`WaitError`] when it has accepted fewer within the timeout.
    pub fn wait_for_delivered(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedEvent>, WaitError> {
        self.wait_blocking(WaitTarget::Delivered(count), timeout)?;
        Ok(self.delivered())
    }

    /// Blocks until at least `count` requests have been read, answered or not, and returns all requests.
    ///
    /// A request that hangs has been read, so this is how a test knows that it hangs. In async code use
    /// [`requests_arrived`](Self::requests_arrived).
    ///
    /// # Errors
    /// [`WaitError`] when fewer have been read within the timeout.
    pub fn wait_for_requests(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedRequest>, WaitError> {
        self.wait_blocking(WaitTarget::Requests(count), timeout)?;
        Ok(self.requests())
    }

    /// Waits as [`wait_for_events`](Self::wait_for_events) does, in async code on any runtime or none.
    ///
    /// The timeout uses the real clock, even if the caller's runtime has paused its own.
    ///
    /// # Errors
    /// [`WaitError`] when fewer have arrived within the timeout.
    pub async fn events_arrived(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedEvent>, WaitError> {
        self.wait_async(WaitTarget::Events(count), timeout).await?;
        Ok(self.events())
    }

    /// Waits as [`wait_for_delivered`](Self::wait_for_delivered) does, in async code.
    ///
    /// # Errors
    /// [`WaitError`] when it has accepted fewer within the timeout.
    pub async fn events_delivered(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedEvent>, WaitError> {
        self.wait_async(WaitTarget::Delivered(count), timeout)
            .await?;
        Ok(self.delivered())
    }

    /// Waits as [`wait_for_requests`](Self::wait_for_requests) does, in async code.
    ///
    /// # Errors
    /// [`WaitError`] when fewer have been read within the timeout.
    pub async fn requests_arrived(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ReceivedRequest>, WaitError> {
        self.wait_async(WaitTarget::Requests(count), timeout)
            .await?;
        Ok(self.requests())
    }

    async fn wait_async(&self, awaited: WaitTarget, limit: Duration) -> Result<(), WaitError> {
        let store = Arc::clone(&self.store);
        let wait = async move { store.wait(awaited, limit).await };
        // The runtime lives as long as `self` and does not cancel the task. If it did, too few would have come.
        let ended = self.runtime.spawn(wait).await;
        ended.unwrap_or_else(|_| Err(self.store.too_few(awaited, limit)))
    }

    /// Blocks as long as [`wait_async`](Self::wait_async) waits.
    ///
    /// The result comes over a channel of the standard library: blocking on one of tokio's panics in async code.
    fn wait_blocking(&self, awaited: WaitTarget, limit: Duration) -> Result<(), WaitError> {
        let store = Arc::clone(&self.store);
        let (sender, ended) = mpsc::channel();
        self.runtime.spawn(async move {
            let _ = sender.send(store.wait(awaited, limit).await);
        });
        let ended = ended.recv();
        ended.unwrap_or_else(|_| Err(self.store.too_few(awaited, limit)))
    }
}

impl fmt::Debug for MockIngest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockIngest")
            .field("address", &self.address)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Drop for MockIngest {
    fn drop(&mut self) {
        self.close();
    }
}
