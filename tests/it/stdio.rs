//! Streams around a server's: what passes, and what is captured of it.

mod bytes;
mod capture;
mod ends;
mod intent;
mod missing_capability;
#[cfg(unix)]
mod pipes;
mod sessions;
mod support;
mod unwritten;
