//! Requests under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::{self, JoinError, JoinSet};

use super::batch::Batch;
use super::shared::Shared;
use crate::transport::{Answer, Request, SendError};

struct Flight {
    batch: Batch,
    started: Instant,
    task: task::Id,
}

/// A response, read as far as the deadline allowed.
#[derive(Debug)]
pub(crate) struct Response {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The end of a request's task: the flight's number, and what came of it.
pub(crate) type Landing = Result<(u64, Result<Response, SendError>), JoinError>;

/// A request that has ended.
pub(crate) struct Landed {
    pub(super) batch: Batch,
    pub(super) started: Instant,
    pub(super) result: Result<Response, SendError>,
}

#[derive(Default)]
pub(crate) struct Flights {
    requests: JoinSet<(u64, Result<Response, SendError>)>,
    flights: HashMap<u64, Flight>,
    next: u64,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// The number of the next request.
    pub(super) const fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn launch(
        &mut self,
        shared: &Arc<Shared>,
        batch: Batch,
        body: Vec<u8>,
        now: Instant,
    ) {
        let number = self.next;
        self.next += 1;
        let settings = &shared.settings;
        let request = settings.transport.send(Request { body });
        let deadline = now + settings.request_timeout;
        let clock = settings.clock.clone();
        let task = self.requests.spawn(async move {
            // An answer that is there counts, also when its time is up at the same moment.
            let result = tokio::select! {
                biased;
                result = request => result,
                () = clock.sleep_until(deadline) => Err(SendError::Timeout),
            };
            let answer = match result {
                Ok(answer) => answer,
                Err(error) => return (number, Err(error)),
            };
            let Answer {
                status,
                retry_after,
                body,
            } = answer;
            // The status stands, whatever becomes of the body: an ingest that trickles one is not
            // sent the same events again.
            let body = tokio::select! {
                biased;
                body = body => body,
                () = clock.sleep_until(deadline) => Vec::new(),
            };
            let response = Response {
                status,
                retry_after,
                body,
            };
            (number, Ok(response))
        });
        let flight = Flight {
            batch,
            started: now,
            task: task.id(),
        };
        self.flights.insert(number, flight);
    }

    /// Waits for the end of a request; `None` when none is under way.
    pub(super) async fn next(&mut self) -> Option<Landing> {
        self.requests.join_next().await
    }

    pub(super) fn try_next(&mut self) -> Option<Landing> {
        self.requests.try_join_next()
    }

    /// Takes out the request whose task has ended.
    pub(super) fn land(&mut self, landing: Landing) -> Option<Landed> {
        let (number, result) = match landing {
            Ok(landing) => landing,
            Err(error) => {
                let mut flights = self.flights.iter();
                let (&number, _) = flights.find(|(_, flight)| flight.task == error.id())?;
                let cause = "the HTTP client panicked".to_owned();
                (number, Err(SendError::Network(cause)))
            }
        };
        let Flight { batch, started, .. } = self.flights.remove(&number)?;
        Some(Landed {
            batch,
            started,
            result,
        })
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.flights.values().map(|flight| &flight.batch)
    }

    /// Takes out the batches of all requests, whose answers nobody hears any more.
    pub(super) fn take_batches(&mut self) -> Vec<Batch> {
        let flights = self.flights.drain();
        flights.map(|(_, flight)| flight.batch).collect()
    }

    /// Gives up all requests. One may still arrive; nobody will know.
    pub(super) fn abort_all(&mut self) {
        self.requests.abort_all();
    }
}
