//! The names of members as they are written.

/// A member's name as it is written: behind a comma, quoted, with a colon. Made by [`key!`], so
/// that the whole of it is stored in one go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireKey(pub(crate) &'static str);

impl WireKey {
    /// The name alone.
    pub(crate) fn name(self) -> &'static str {
        self.0.trim_matches([',', '"', ':'])
    }
}

/// The [`WireKey`] of one of our own names, which need no escaping.
macro_rules! key {
    ($name:ident) => {
        $crate::capture::key!(@ stringify!($name))
    };
    ($name:literal) => {
        $crate::capture::key!(@ $name)
    };
    (@ $name:expr) => {
        $crate::capture::WireKey(concat!(",\"", $name, "\":"))
    };
}

pub(crate) use key;

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_is_written_with_what_stands_around_its_name() {
        for key in [key!("event_id"), key!(event_id)] {
            assert_eq!(key.0, ",\"event_id\":");
            assert_eq!(key.name(), "event_id");
        }
    }
}
