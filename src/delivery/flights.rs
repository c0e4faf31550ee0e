//! Requests under way.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};

use super::batch::Batch;
use super::settings::DeliverySettings;
use crate::transport::{IncomingResponse, Request, SendError};

/// How long a request is waited for that was under way while the process stood still. An answer that came meanwhile is
/// read at once; a connection that died meanwhile says nothing until the request's time is up. Where the clock was only
/// set, an answer takes seldom longer, and the events keep their ids.
const GRACE: Duration = Duration::from_secs(1);

/// A response, read as far as the deadline allowed.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

struct Flight {
    batch: Batch,
    started: Instant,
}

/// A request that has ended.
pub(super) struct Ended {
    pub(super) batch: Batch,
    pub(super) started: Instant,
    pub(super) result: Result<Response, SendError>,
}

#[derive(Default)]
pub(super) struct Flights {
    tasks: JoinSet<Result<Response, SendError>>,
    flights: HashMap<Id, Flight>,
    stood_still: Arc<Notify>,
    /// Whether the client's connections are not to be used again: they may be dead, or a lock of the client's poisoned.
    needs_new_connection: bool,
    /// How many requests there were so far.
    pub(super) count: u64,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Sends a request with the events of `batch` in its body.
    pub(super) fn send(
        &mut self,
        settings: &DeliverySettings,
        batch: Batch,
        request: Request,
        now: Instant,
    ) {
        let request = settings.transport.send(request);
        let deadline = now + settings.request_timeout;
        let clock = settings.clock.clone();
        let stood_still = Arc::clone(&self.stood_still);
        let task = self.tasks.spawn(async move {
            let mut given_up = pin!(async {
                stood_still.notified().await;
                clock.sleep_until(clock.now() + GRACE).await;
            });
            // An answer that is there counts, also when its time is up at the same moment.
            let answer = tokio::select! {
                biased;
                answer = request => answer,
                () = clock.sleep_until(deadline) => Err(SendError::Timeout),
                () = &mut given_up => {
                    Err(SendError::Network("the process stood still meanwhile".to_owned()))
                }
            };
            let IncomingResponse {
                status,
                retry_after,
                body,
                ..
            } = answer?;
            // The status counts without the body: an ingest that trickles one is not sent the same
            // events again.
            let body = tokio::select! {
                biased;
                body = body => body,
                () = clock.sleep_until(deadline) => Vec::new(),
                () = &mut given_up => Vec::new(),
            };
            Ok(Response {
                status,
                retry_after,
                body,
            })
        });
        let started = now;
        self.flights.insert(task.id(), Flight { batch, started });
        self.count += 1;
    }

    /// The process stood still: what is under way is waited for no longer than [`GRACE`].
    pub(super) fn stood_still(&mut self) {
        self.needs_new_connection = true;
        self.stood_still.notify_waiters();
    }

    /// The next request that has ended; pending also when none is under way.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        while let Poll::Ready(Some(joined)) = self.tasks.poll_join_next_with_id(context) {
            if let Some(ended) = self.end(joined) {
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    }

    /// Waits for the end of a request; `None` when none is under way.
    #[cfg(test)]
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let joined = self.tasks.join_next_with_id().await?;
        self.end(joined)
    }

    /// As [`poll_next`](Self::poll_next), without waiting.
    pub(super) fn try_next(&mut self) -> Option<Ended> {
        let joined = self.tasks.try_join_next_with_id()?;
        self.end(joined)
    }

    fn end(
        &mut self,
        joined: Result<(Id, Result<Response, SendError>), JoinError>,
    ) -> Option<Ended> {
        let (id, result) = joined.unwrap_or_else(|error| {
            self.needs_new_connection = true;
            let cause = "the HTTP client panicked".to_owned();
            (error.id(), Err(SendError::Network(cause)))
        });
        let Flight { batch, started } = self.flights.remove(&id)?;
        Some(Ended {
            batch,
            started,
            result,
        })
    }

    /// Whether the next request needs a connection of its own, since this was asked last.
    pub(super) fn take_needs_new_connection(&mut self) -> bool {
        std::mem::take(&mut self.needs_new_connection)
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.flights.values().map(|flight| &flight.batch)
    }

    /// Takes out the batches of all requests. Their answers are ignored from then on.
    pub(super) fn take_batches(&mut self) -> Vec<Batch> {
        let flights = self.flights.drain();
        flights.map(|(_, flight)| flight.batch).collect()
    }

    /// Gives up all requests. One may still arrive, without an answer.
    pub(super) fn abort_all(&mut self) {
        self.tasks.abort_all();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::super::shared::Shared;
    use super::*;
    use crate::transport::{ProbeFuture, SendFuture, Transport};

    /// Answers as the body asks for.
    #[derive(Debug)]
    struct Scripted;

    impl Transport for Scripted {
        fn send(&self, request: Request) -> SendFuture {
            let answer = |body| {
                Ok(IncomingResponse {
                    status: 200,
                    retry_after: None,
                    content_type: None,
                    body,
                })
            };
            match request.body.as_slice() {
                b"hang" => Box::pin(pending()),
                b"slow" => Box::pin(async move {
                    tokio::time::sleep(GRACE / 2).await;
                    answer(Box::pin(ready(b"done".to_vec())))
                }),
                b"panic" => Box::pin(async { panic!("a client that panics") }),
                b"trickle" => Box::pin(ready(answer(Box::pin(pending())))),
                _ => Box::pin(ready(answer(Box::pin(ready(b"done".to_vec()))))),
            }
        }

        fn probe(&self) -> Option<ProbeFuture> {
            None
        }
    }

    /// Sends one request; returns how it ended.
    async fn ended(body: &str) -> (Ended, Duration) {
        ended_after(body, |_| {}).await
    }

    /// As [`ended`], with something that happens as soon as the request is under way.
    async fn ended_after(body: &str, happens: impl FnOnce(&mut Flights)) -> (Ended, Duration) {
        let (mut shared, receiver) = Shared::for_tests();
        shared.settings.transport = Arc::new(Scripted);
        let start = tokio::time::Instant::now();
        let segment = receiver.restored(7, b"{}", &[(1, 0..2)], [start.into(); 2]);
        let batch = Batch::of(segment).unwrap();
        let mut flights = Flights::default();
        let request = Request::new(body.as_bytes().to_vec());
        flights.send(&shared.settings, batch, request, start.into());
        assert_eq!((flights.len(), flights.count), (1, 1));
        tokio::task::yield_now().await;
        happens(&mut flights);
        let ended = flights.next().await.unwrap();
        assert_eq!((flights.len(), ended.batch.order()), (0, (7, 0)));
        assert!(flights.try_next().is_none());
        (ended, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_comes_with_its_body() {
        let (ended, _) = ended("quick").await;
        let response = ended.result.unwrap();
        assert_eq!((response.status, &*response.body), (200, &b"done"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_at_its_deadline() {
        let (ended, took) = ended("hang").await;
        assert_eq!(ended.result.unwrap_err(), SendError::Timeout);
        assert!(took >= Duration::from_secs(1), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_status_stands_though_its_body_never_comes() {
        let (ended, _) = ended("trickle").await;
        let response = ended.result.unwrap();
        assert_eq!((response.status, response.body.len()), (200, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_of_before_the_process_stood_still_is_soon_given_up() {
        let (ended, took) = ended_after("hang", Flights::stood_still).await;
        let error = ended.result.unwrap_err();
        assert!(matches!(error, SendError::Network(_)), "{error:?}");
        assert!(took < 2 * GRACE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_soon_after_the_process_stood_still_counts() {
        let (ended, _) = ended_after("slow", Flights::stood_still).await;
        assert_eq!(ended.result.unwrap().body, b"done");
    }

    #[tokio::test(start_paused = true)]
    async fn a_status_stands_though_the_process_stood_still_before_its_body() {
        let (ended, _) = ended_after("trickle", Flights::stood_still).await;
        assert_eq!(ended.result.unwrap().status, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_the_client_is_a_failure() {
        let (ended, _) = ended("panic").await;
        let error = ended.result.unwrap_err();
        assert!(matches!(error, SendError::Network(_)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_batches_of_aborted_requests_are_left() {
        let (mut shared, receiver) = Shared::for_tests();
        shared.settings.transport = Arc::new(Scripted);
        let now = Instant::now();
        let segment = receiver.restored(7, b"{}", &[(1, 0..2)], [now; 2]);
        let mut flights = Flights::default();
        let batch = Batch::of(segment).unwrap();
        let request = Request::new(b"hang".to_vec());
        flights.send(&shared.settings, batch, request, now);
        flights.abort_all();
        assert_eq!(flights.take_batches().len(), 1);
        assert!(flights.next().await.is_none(), "its end is ignored");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_panicked_or_a_process_that_stood_still_costs_one_new_connection() {
        let (mut shared, receiver) = Shared::for_tests();
        shared.settings.transport = Arc::new(Scripted);
        let now = tokio::time::Instant::now().into();
        let mut flights = Flights::default();
        assert!(!flights.take_needs_new_connection());
        flights.stood_still();
        assert!(flights.take_needs_new_connection() && !flights.take_needs_new_connection());
        for (body, is_needed) in [("quick", false), ("hang", false), ("panic", true)] {
            let segment = receiver.restored(7, b"{}", &[(1, 0..2)], [now; 2]);
            let request = Request::new(body.as_bytes().to_vec());
            flights.send(&shared.settings, Batch::of(segment).unwrap(), request, now);
            flights.next().await.unwrap();
            assert_eq!(flights.take_needs_new_connection(), is_needed, "{body}");
        }
    }
}
