//! What people asked for, grouped by the words themselves: no language model has a part in it.
//!
//! Leader clustering finds what is worded alike. Two ways to say one thing that share no word stay two clusters.

mod cluster;
mod words;

pub use cluster::{Cluster, cluster};
