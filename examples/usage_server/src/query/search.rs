//! What is typed into a search for people.

use std::collections::HashMap;

/// A part of an id or an e-mail address, or `@` and a domain, which may be said apart as well.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) words: Option<String>,
    /// In lower case, as domains are kept.
    pub(super) domain: Option<String>,
}

impl Search {
    pub(super) fn of_query(query: &HashMap<String, String>) -> Self {
        let text = |key: &str| query.get(key).filter(|text| !text.is_empty());
        let words = text("q");
        let at_domain = words.and_then(|words| words.strip_prefix('@'));
        let domain = text("domain").map(String::as_str).or(at_domain);
        Self {
            domain: domain.map(str::to_lowercase),
            words: words.filter(|_| at_domain.is_none()).cloned(),
        }
    }
}
