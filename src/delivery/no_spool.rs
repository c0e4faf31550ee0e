//! What stands in place of the spool in a build without the feature: nothing is kept on disk.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::in_memory::InMemory;
use super::message::Reply;
use super::shared::Shared;
use crate::error::{BuildError, SpoolError};
use crate::queue::Segment;

pub(crate) const MIN_SPOOL_BYTES: u64 = 0;

/// No spool can be given to a builder.
pub(crate) enum Spool {}

impl Spool {
    pub(crate) fn path(&self) -> &Path {
        match *self {}
    }

    pub(crate) fn bytes(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn age(&self) -> Duration {
        match *self {}
    }

    pub(crate) fn open(self, _: String) -> Result<Opened, BuildError> {
        match self {}
    }
}

/// No spool can be opened.
#[derive(Debug)]
pub(crate) enum Opened {}

pub(crate) const fn probe_spool(_: &Path) -> std::io::Result<()> {
    Ok(())
}

pub(super) struct Spooling;

impl Spooling {
    pub(super) const fn start(_: &Arc<Shared>, _: Option<Opened>) -> Self {
        Self
    }

    pub(super) const fn is_on(&self) -> bool {
        false
    }

    pub(super) const fn is_unknown(&self) -> bool {
        false
    }

    pub(super) const fn wake_at(&self) -> Option<Instant> {
        None
    }

    pub(super) const fn turn(&mut self, _: &mut InMemory, _: bool, _: Instant) {}

    pub(super) const fn write_to_spool(&self, _: &Shared, _: &Arc<Segment>) {}

    pub(super) fn note_ended<'a>(
        &mut self,
        _: impl Iterator<Item = (&'a Arc<Segment>, Range<usize>)>,
    ) {
    }

    pub(super) const fn write_soon(&mut self, _: Instant) {}

    pub(super) fn flush(
        &mut self,
        _: &mut InMemory,
        _: Instant,
        _: Duration,
        reply: Reply<Result<(), SpoolError>>,
    ) {
        let _ = reply.send(Err(SpoolError::NoSpool));
    }

    pub(super) async fn leave(&mut self, _: &mut InMemory) {}
}
