//! Requests under way.

use std::collections::HashMap;
use std::time::Instant;

use tokio::task::{Id, JoinError, JoinSet};

use super::batch::Batch;
use super::settings::DeliverySettings;
use crate::transport::{Answer, Request, SendError};

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
    /// How many requests there were so far.
    pub(super) count: u64,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Sends a request with the events of `batch` in its `body`.
    pub(super) fn send(
        &mut self,
        settings: &DeliverySettings,
        batch: Batch,
        body: Vec<u8>,
        now: Instant,
    ) {
        let request = settings.transport.send(Request { body });
        let deadline = now + settings.request_timeout;
        let clock = settings.clock.clone();
        let task = self.tasks.spawn(async move {
            // An answer that is there counts, also when its time is up at the same moment.
            let answer = tokio::select! {
                biased;
                answer = request => answer,
                () = clock.sleep_until(deadline) => Err(SendError::Timeout),
            };
            let Answer {
                status,
                retry_after,
                body,
            } = answer?;
            // The status stands, whatever becomes of the body: an ingest that trickles one is not
            // sent the same events again.
            let body = tokio::select! {
                biased;
                body = body => body,
                () = clock.sleep_until(deadline) => Vec::new(),
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

    /// Waits for the end of a request; `None` when none is under way.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let joined = self.tasks.join_next_with_id().await?;
        self.end(joined)
    }

    /// As [`next`](Self::next), without waiting.
    pub(super) fn try_next(&mut self) -> Option<Ended> {
        let joined = self.tasks.try_join_next_with_id()?;
        self.end(joined)
    }

    fn end(
        &mut self,
        joined: Result<(Id, Result<Response, SendError>), JoinError>,
    ) -> Option<Ended> {
        let (id, result) = joined.unwrap_or_else(|error| {
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

    pub(super) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.flights.values().map(|flight| &flight.batch)
    }

    /// Takes out the batches of all requests. Their answers are ignored from then on.
    pub(super) fn take_batches(&mut self) -> Vec<Batch> {
        let flights = self.flights.drain();
        flights.map(|(_, flight)| flight.batch).collect()
    }

    /// Gives up all requests. One may still arrive; nobody will know.
    pub(super) fn abort_all(&mut self) {
        self.tasks.abort_all();
    }
}
