//! Whom a page's filter is about: what the audit writes down of it.

use rusqlite::{Connection, OptionalExtension, params};

use super::calls::like;

/// What a filter says of people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whom {
    pub user: Option<String>,
    pub session: Option<String>,
    /// A part of an id or an e-mail address.
    pub words: Option<String>,
    pub domain: Option<String>,
}

impl Whom {
    /// Whether a filter says nothing of people.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The id of a person as it is kept, or `@` and the domain of a company.
    One(String),
    Several,
}

/// `None` where it is about nobody who is here. What was typed is never the answer: it may be a part of an address, which
/// would stay in the audit once the person is forgotten.
pub fn about(db: &Connection, project: i64, whom: &Whom) -> rusqlite::Result<Option<About>> {
    const USER: &str = "SELECT text FROM user WHERE project = ?1 AND text = ?2";
    const OF_SESSION: &str = "SELECT user.text FROM session JOIN user ON user.id = session.user
        WHERE session.project = ?1 AND session.text = ?2";
    const COMPANY: &str =
        "SELECT '@' || domain FROM user WHERE project = ?1 AND domain = ?2 LIMIT 1";
    let one = |find: &str, text: Option<&str>| -> rusqlite::Result<Option<About>> {
        let Some(text) = text else { return Ok(None) };
        let mut statement = db.prepare_cached(find)?;
        let found = statement.query_row(params![project, text], |row| row.get(0));
        Ok(found.optional()?.map(About::One))
    };
    // What says most of whom comes first.
    for (find, text) in [(USER, &whom.user), (OF_SESSION, &whom.session)] {
        if let Some(found) = one(find, text.as_deref())? {
            return Ok(Some(found));
        }
    }
    let searched = match &whom.words {
        Some(words) => searched(db, project, words)?,
        None => None,
    };
    match searched {
        Some(About::One(_)) => Ok(searched),
        _ => {
            let domain = whom.domain.as_deref().map(str::to_lowercase);
            Ok(one(COMPANY, domain.as_deref())?.or(searched))
        }
    }
}

/// Whom words find.
fn searched(db: &Connection, project: i64, words: &str) -> rusqlite::Result<Option<About>> {
    let mut statement = db.prepare_cached(
        "SELECT text FROM user WHERE project = ?1 AND (text LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\') LIMIT 2",
    )?;
    let found = statement.query_map(params![project, like(words)], |row| row.get(0))?;
    let mut found: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => None,
        (Some(one), true) => Some(About::One(one)),
        (Some(_), false) => Some(About::Several),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{Fixture, PROJECT, call, user};
    use crate::record::Record;

    #[test]
    fn a_filter_is_about_the_person_whom_it_says_most_of() {
        let of = |id: &str, session: &str| Record {
            user: user(id),
            session: Some(session.to_owned()),
            ..call(0)
        };
        let fixture = Fixture::with([
            of("maya@example.com", "s-1"),
            of("noor@example.com", "s-2"),
            of("sam@example.org", "s-3"),
        ]);
        let whom = |pairs: &[(&str, &str)]| {
            let said = |key: &str| {
                let found = pairs.iter().find(|(of, _)| *of == key);
                found.map(|(_, text)| (*text).to_owned())
            };
            let whom = Whom {
                user: said("user"),
                session: said("session"),
                words: said("words"),
                domain: said("domain"),
            };
            about(&fixture.db, PROJECT, &whom).unwrap()
        };
        let one = |text: &str| Some(About::One(text.to_owned()));
        assert_eq!(whom(&[]), None);
        for nobody in ["user", "session", "words", "domain"] {
            assert_eq!(whom(&[(nobody, "nobody@example.net")]), None, "{nobody}");
        }
        assert_eq!(whom(&[("session", "s-2")]), one("noor@example.com"));
        assert_eq!(whom(&[("words", "OOR@")]), one("noor@example.com"));
        assert_eq!(whom(&[("words", "example")]), Some(About::Several));
        assert_eq!(whom(&[("domain", "Example.com")]), one("@example.com"));
        let both = [("words", "noor"), ("domain", "example.com")];
        assert_eq!(whom(&both), one("noor@example.com"));
        let both = [("words", "example"), ("domain", "example.com")];
        assert_eq!(whom(&both), one("@example.com"));
        let both = [("words", "noor"), ("user", "maya@example.com")];
        assert_eq!(whom(&both), one("maya@example.com"));
    }
}
