//! What is measured, a file each: its cases, its tables, and the targets it is held to.

mod bad;
mod caller;
mod full;
mod growth;
mod reo;
mod scenario;
mod server;
mod shutdown;
mod steady;
mod threads;
mod throughput;

pub use scenario::{Scenario, Size};

pub const ALL: [Scenario; 10] = [
    caller::SCENARIO,
    steady::SCENARIO,
    threads::SCENARIO,
    full::SCENARIO,
    throughput::SCENARIO,
    reo::SCENARIO,
    bad::SCENARIO,
    shutdown::SCENARIO,
    server::SCENARIO,
    growth::SCENARIO,
];
