//! What stands in place of the spool in a build without the feature: types that have no values.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::batch::Batch;
use super::message::{DiskFlush, Forgetting};
use super::shared::Shared;
use crate::error::BuildError;
use crate::queue::Segment;
use crate::wire::person::Person;

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

    pub(crate) fn open(self, _: String) -> Result<Store, BuildError> {
        match self {}
    }
}

/// No spool can be opened.
#[derive(Debug)]
pub(crate) enum Store {}

pub(crate) const fn probe_spool(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// No destination has a spool.
pub(super) enum Spooling {}

impl Spooling {
    pub(super) fn start(_: &Arc<Shared>, store: Store) -> Option<Self> {
        match store {}
    }

    pub(super) fn knows_recovered(&self) -> bool {
        match *self {}
    }

    pub(super) fn take_inherited(&mut self) -> (u64, Duration) {
        match *self {}
    }

    pub(super) fn wake_at(&self) -> Instant {
        match *self {}
    }

    pub(super) fn turn(&mut self, _: &mut Backlog, _: bool, _: Instant) {
        match *self {}
    }

    pub(super) fn write(&self, _: &Shared, _: &Arc<Segment>) {
        match *self {}
    }

    pub(super) fn note_ended(&mut self, _: &Batch) {
        match *self {}
    }

    pub(super) fn write_soon(&mut self, _: Instant) {
        match *self {}
    }

    pub(super) fn flush(&mut self, _: &mut Backlog, _: DiskFlush) {
        match *self {}
    }

    pub(super) fn erase(&mut self, _: &Arc<Person>, _: Instant, _: &Arc<Forgetting>) {
        match *self {}
    }

    pub(super) async fn leave(&mut self, _: &mut Backlog, _: tokio::time::Instant) {
        match *self {}
    }

    pub(super) async fn close(&mut self, _: &mut Backlog, _: tokio::time::Instant) {
        match *self {}
    }
}
