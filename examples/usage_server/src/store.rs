//! The database: one writer, readers of their own.
