//! How to run a server with this crate, page by page.
//!
//! | question | page |
//! |---|---|
//! | how do I begin? | [`getting_started`] |
//! | where in my server do I call it? | [`placement`] |
//! | how does it know who calls? | [`identity`] |
//! | what does each integration capture, and what can it not know? | [`captured`] |
//! | what is redacted, and what is not? | [`redaction`] |
//! | where can events go? | [`destinations`] |
//! | how do I see them in Reo? | [`reo`] |
//! | what happens to events when things fail? | [`failures`] |
//! | how do I keep events through restarts and long outages? | [`spool`] |
//! | what about serverless functions and command-line tools? | [`short_lived`] |
//! | can I trust the numbers? | [`numbers`] |
//! | which settings are there? | [`settings`] |
//! | how do I test my integration? | [`testing`] |
//! | what does it cost? | [`cost`] |
//! | why does nothing arrive, and what does a line of the log mean? | [`troubleshooting`] |
//! | I come from another SDK | [`migrating`] |
//! | what changes for my dashboards? | [`changes`] |

#[doc = include_str!("guide/getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("guide/placement.md")]
pub mod placement {}

#[doc = include_str!("guide/identity.md")]
pub mod identity {}

#[doc = include_str!("guide/redaction.md")]
pub mod redaction {}

#[doc = include_str!("guide/destinations.md")]
pub mod destinations {}

#[doc = include_str!("guide/reo.md")]
pub mod reo {}

#[doc = include_str!("guide/captured.md")]
pub mod captured {}

#[doc = include_str!("guide/failures.md")]
pub mod failures {}

#[doc = include_str!("guide/spool.md")]
pub mod spool {}

#[doc = include_str!("guide/short_lived.md")]
pub mod short_lived {}

#[doc = include_str!("guide/numbers.md")]
pub mod numbers {}

#[doc = include_str!("guide/settings.md")]
pub mod settings {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/cost.md")]
pub mod cost {}

#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("guide/migrating.md")]
pub mod migrating {}

#[doc = include_str!("guide/changes.md")]
pub mod changes {}
