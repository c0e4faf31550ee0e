//! The spool that a builder was given; without the feature `spool` there is none.

use std::time::Duration;

use super::table::{Values, check_age};
use crate::delivery::settings::DestinationSpool;
use crate::error::BuildError;
#[cfg(feature = "spool")]
use crate::{config::table::in_range, spool::Spool};

#[derive(Default)]
pub(super) struct GivenSpool {
    #[cfg(feature = "spool")]
    pub(super) spool: Option<Spool>,
}

#[cfg(feature = "spool")]
impl GivenSpool {
    /// Returns the directory as the doctor lists it.
    pub(super) fn text(&self) -> Option<String> {
        Some(self.spool.as_ref()?.path().display().to_string())
    }

    pub(super) fn check(&self, values: &Values) -> Result<(), BuildError> {
        let Some(spool) = &self.spool else {
            return Ok(());
        };
        if spool.path().as_os_str().is_empty() {
            return Err(BuildError::invalid("spool", "has an empty path"));
        }
        let sizes = crate::spool::MIN_MAX_BYTES..=u64::MAX / 4;
        in_range("spool.max_bytes", &spool.bytes(), &sizes)?;
        check_age("spool.max_age", spool.age(), values)
    }

    /// Returns how old an event may get, in place of the value in the table.
    pub(super) fn age(&self) -> Option<Duration> {
        self.spool.as_ref().map(Spool::age)
    }

    pub(super) fn open(self, tag: String) -> Result<DestinationSpool, BuildError> {
        let opened = self.spool.map(|spool| spool.open(tag)).transpose()?;
        Ok(DestinationSpool {
            dir: opened.as_ref().map(|opened| opened.settings.root.clone()),
            opened: std::sync::Mutex::new(opened),
        })
    }
}

#[cfg(not(feature = "spool"))]
#[expect(clippy::unused_self, reason = "the same methods as with the feature")]
impl GivenSpool {
    pub(super) fn text(&self) -> Option<String> {
        None
    }

    pub(super) fn check(&self, _: &Values) -> Result<(), BuildError> {
        Ok(())
    }

    pub(super) fn age(&self) -> Option<Duration> {
        None
    }

    pub(super) fn open(self, _: String) -> Result<DestinationSpool, BuildError> {
        Ok(DestinationSpool {})
    }
}
