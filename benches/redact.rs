//! Redaction.
fn main() {}
