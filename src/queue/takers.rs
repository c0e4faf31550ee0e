//! Which of a logger's destinations an event is for.

/// The most destinations that a logger may have: a bit stands for each.
pub(crate) const MAX_DESTINATIONS: usize = 8;

/// A set of destinations, by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Takers(u8);

impl Takers {
    pub(crate) const NONE: Self = Self(0);
    /// The first destination, which is the only one of most loggers.
    pub(crate) const FIRST: Self = Self(1);
    pub(crate) const ALL: Self = Self(u8::MAX);

    pub(crate) const fn has(self, destination: usize) -> bool {
        self.0 & Self::bit(destination) != 0
    }

    pub(crate) const fn with(self, destination: usize) -> Self {
        Self(self.0 | Self::bit(destination))
    }

    pub(crate) const fn minus(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The place of the first of them; beyond all places where there is none.
    pub(crate) const fn first(self) -> u32 {
        self.0.trailing_zeros()
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(destination: usize) -> u8 {
        if destination < MAX_DESTINATIONS {
            1 << destination
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_added_and_nothing_else() {
        let takers = Takers::NONE
            .with(0)
            .with(7)
            .with(3)
            .minus(Takers::NONE.with(3));
        let all = (0..10).filter(|at| takers.has(*at)).collect::<Vec<_>>();
        assert_eq!(all, [0, 7]);
        assert!(!takers.is_empty() && Takers::NONE.is_empty());
        assert_eq!(Takers::FIRST, Takers::NONE.with(0));
        assert!(takers.first() == 0 && Takers::NONE.with(3).first() == 3);
        assert_eq!(
            (0..10).filter(|at| Takers::ALL.has(*at)).count(),
            MAX_DESTINATIONS
        );
    }
}
