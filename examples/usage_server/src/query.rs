//! What the pages ask the database: plain data out of a connection, no HTML.

mod period;

pub use period::{Period, Range};
