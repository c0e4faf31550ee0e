//! A day of fifty users.
