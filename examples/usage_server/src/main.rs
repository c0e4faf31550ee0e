//! Reads the settings, listens, and says where the page is.

fn main() {}
