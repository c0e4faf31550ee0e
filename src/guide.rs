//! Pages on the whole of the crate, for those who run a server with it.

#[doc = include_str!("guide/captured.md")]
pub mod captured {}

#[doc = include_str!("guide/failures.md")]
pub mod failures {}

#[doc = include_str!("guide/destinations.md")]
pub mod destinations {}
