//! An error with its causes, as one text.

use std::error::Error;
use std::fmt;

/// Prints an error and its causes: what `Display` leaves to `source`.
pub(crate) struct WithCauses<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Lets `Debug` print an error as a sentence: it is what a `main` that returns the error prints.
macro_rules! debug_with_causes {
    ($($error:ty),+) => {$(
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&$crate::base::causes::WithCauses(self), f)
            }
        }
    )+};
}

pub(crate) use debug_with_causes;
