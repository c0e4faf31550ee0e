//! The wire formats: an event as JSON, and the frame around a batch of them.

pub(crate) mod answer;
pub(crate) mod defaults;
pub(crate) mod naming;
pub(crate) mod parts;
pub(crate) mod subject;

pub(crate) mod mcpeye;
pub(crate) mod reo;

pub use mcpeye::Mcpeye;

use crate::capture::EventWriter;
use crate::event::Event;
use crate::ledger::DropReason;
use defaults::Defaults;
use parts::{Refusal, Sender, Stamp};

/// The format and the headers in which events are sent. A logger speaks one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// The format of `reo-census-mcp`: one event per request, several requests in flight.
    ///
    /// The only wire with an endpoint of its own: [`DEFAULT_ENDPOINT`](crate::config::DEFAULT_ENDPOINT).
    /// Its rate is bounded by `max_in_flight` over the round trip.
    #[default]
    Reo,
    /// The same payloads in an array, for an ingest of your own. Needs an endpoint.
    ReoBatch,
    /// The format of `mcpeye`. Needs an endpoint. It has no place for an
    /// [`IdentityCapture`](crate::IdentityCapture), an [`Init`](crate::Init) or a
    /// [`Custom`](crate::Custom), nor for custom `meta` and session facts.
    Mcpeye(Mcpeye),
}

impl Wire {
    pub(crate) fn write_event(
        &self,
        event: &Event<'_>,
        defaults: &Defaults,
        stamp: &Stamp,
        writer: &mut EventWriter<'_>,
    ) -> Result<(), DropReason> {
        match self {
            Self::Reo | Self::ReoBatch => reo::write_event(event, defaults, stamp, writer),
            Self::Mcpeye(_) => mcpeye::write_event(event, defaults, stamp, writer),
        }
    }

    /// Frames events, which stand one behind another with a comma after each, as a request's body.
    pub(crate) fn frame(&self, events: &[&[u8]], sender: &Sender<'_>) -> Vec<u8> {
        let (before, after) = match self {
            Self::Reo => reo::single(),
            Self::ReoBatch => reo::batch(sender),
            Self::Mcpeye(mcpeye) => mcpeye.frame(),
        };
        let length = events.iter().map(|part| part.len()).sum::<usize>();
        let mut body = Vec::with_capacity(before.len() + length + after.len());
        body.extend_from_slice(before.as_bytes());
        for part in events {
            body.extend_from_slice(part);
        }
        // The last event's comma.
        body.pop();
        body.extend_from_slice(after.as_bytes());
        body
    }

    /// The most events of one request.
    pub(crate) const fn max_events(&self) -> Option<usize> {
        match self {
            Self::Reo => Some(1),
            Self::ReoBatch | Self::Mcpeye(_) => None,
        }
    }

    /// The names of members that a hook over the finished event may not change: ids, and the
    /// identity the caller chose to send.
    pub(crate) const fn fixed_members(&self) -> &'static [&'static str] {
        match self {
            Self::Reo | Self::ReoBatch => &[
                "event_id",
                "event_at",
                "user_id",
                "user_id_type",
                "activity_type",
            ],
            Self::Mcpeye(_) => &["callId", "timestamp", "userId", "userEmail"],
        }
    }

    /// The names of an event's members that are ours.
    pub(crate) const fn own_members(&self) -> &'static [&'static str] {
        match self {
            Self::Reo | Self::ReoBatch => &[
                "source",
                "environment",
                "product_id",
                "ip_addr",
                "user_agent",
            ],
            Self::Mcpeye(_) => mcpeye::NAMES,
        }
    }

    /// Whether a name in an event's `meta` is one of ours.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        match self {
            Self::Reo | Self::ReoBatch => reo::is_own_name(name),
            Self::Mcpeye(_) => false,
        }
    }

    /// Names the format of events that are kept on disk, and on the mcpeye wire the project, which
    /// stands in the frame.
    #[cfg(feature = "spool")]
    pub(crate) fn tag(&self) -> String {
        match self {
            Self::Reo | Self::ReoBatch => "reo".to_owned(),
            Self::Mcpeye(mcpeye) => {
                format!(
                    "mcpeye-{:016x}",
                    crate::base::id::stable_hash(&mcpeye.project)
                )
            }
        }
    }

    pub(crate) const fn key_header(&self) -> &'static str {
        match self {
            Self::Reo | Self::ReoBatch => "x-api-key",
            Self::Mcpeye(_) => "x-mcpeye-secret",
        }
    }
}

impl Wire {
    /// Reads from a 2xx answer which events were refused after all. What cannot be read refuses
    /// nothing: the status has said that the batch was taken.
    pub(crate) fn refusals(&self, answer: &[u8]) -> Vec<Refusal> {
        match self {
            Self::ReoBatch => reo::refusals(answer),
            Self::Reo | Self::Mcpeye(_) => Vec::new(),
        }
    }
}
