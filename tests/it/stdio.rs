//! Streams around a server's: what passes, and what is captured of it.

mod capture;
mod ends;
mod support;
