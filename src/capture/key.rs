//! The names of members as they are written.

/// A member's name as it is written: behind a comma, quoted, with a colon. Made by [`key!`], so that
/// it is stored in one go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(pub(crate) &'static str);

impl Key {
    pub(crate) fn name(self) -> &'static str {
        self.0.trim_matches([',', '"', ':'])
    }
}

/// The [`Key`] of one of our own names, which need no escaping.
macro_rules! key {
    ($name:literal) => {
        $crate::capture::Key(concat!(",\"", $name, "\":"))
    };
}

pub(crate) use key;
