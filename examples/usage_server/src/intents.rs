//! What people asked for, grouped by the words themselves: no language model has a part in it.
//!
//! Leader clustering finds what is worded alike. Two ways to say one thing that share no word stay two groups.

mod cluster;
mod rebuild;
mod words;

pub use cluster::{Cluster, cluster};
pub use rebuild::{MAX_TEXTS, RebuildError, Rebuilt, keep_grouped, rebuild};
