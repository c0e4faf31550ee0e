//! The user of the process, as the operating system names it.

use crate::event::Identity;

/// The kind of the id.
const ID_TYPE: &str = "OS_USER";

/// The variables that name the user, on Unix and on Windows.
const VARIABLES: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];

/// Returns the user of the process; `None` if no variable names one, as in many containers.
pub(super) fn of_process() -> Option<Identity<'static>> {
    of(|name| std::env::var(name).ok())
}

fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Identity<'static>> {
    let mut named = VARIABLES.into_iter().filter_map(variable);
    let name = named.find(|name| !name.trim().is_empty())?;
    Some(Identity::new(name, ID_TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_names_somebody_says_who_it_is() {
        for (variables, expected) in [
            (
                &[("USER", "rachel"), ("LOGNAME", "root")][..],
                Some("rachel"),
            ),
            (&[("USER", " "), ("LOGNAME", "rachel")], Some("rachel")),
            (&[("USERNAME", "rachel")], Some("rachel")),
            (&[], None),
        ] {
            let variable = |name: &str| {
                let mut variables = variables.iter();
                let (_, value) = variables.find(|(known, _)| *known == name)?;
                Some((*value).to_owned())
            };
            let user = of(variable);
            assert_eq!(user.as_ref().map(Identity::id), expected);
            assert!(user.is_none_or(|user| user.id_type() == ID_TYPE));
        }
    }
}
