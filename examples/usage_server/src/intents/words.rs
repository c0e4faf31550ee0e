//! What of an intent's wording says what was wanted.

/// Words that a text is about as often with as without: articles, prepositions, pronouns, and how agents begin to speak
/// of their user. In English, German, Spanish and French.
const STOP_WORDS: &[&str] = &[
    "a", "about", "also", "an", "and", "any", "are", "as", "asked", "asking", "at", "be", "been",
    "before", "but", "by", "can", "could", "customer", "did", "do", "does", "for", "from", "has",
    "have", "i", "if", "in", "into", "is", "it", "its", "like", "me", "my", "need", "needs", "of",
    "on", "or", "our", "please", "see", "so", "some", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "user", "users", "want", "wants", "was", "we",
    "were", "whether", "which", "will", "with", "would", "you", "your", //
    "am", "auf", "aus", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einen", "einer",
    "für", "ich", "im", "ist", "mit", "nach", "und", "von", "zu", "zum", "zur", //
    "con", "de", "del", "el", "en", "la", "las", "los", "para", "por", "que", "sobre", "un", "una",
    "y", //
    "au", "aux", "ce", "dans", "du", "est", "et", "le", "les", "pour", "sur", "une",
];

/// A number, an id, a version: a word with a digit in it.
const NUMBER: &str = "#";
/// What stood in quotation marks.
const QUOTED: &str = "\"";
/// A mark that redaction left, or an address that it would have taken.
const REDACTED: &str = "@";
/// A path or a file's name.
const PATH: &str = "/";

/// The words of an intent in order, in lower case, with placeholders for what differs from one ask to the next.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = without_quotes(text);
    let mut words: Vec<String> = Vec::new();
    let mut push = |word: &str| {
        // Two numbers in a row are one.
        let placeholder = [NUMBER, QUOTED, REDACTED, PATH].contains(&word);
        if !placeholder || words.last().is_none_or(|last| last != word) {
            words.push(word.to_owned());
        }
    };
    for token in text.split_whitespace() {
        let token = token.trim_matches(|c: char| {
            !c.is_alphanumeric() && !['/', '@', '[', ']', '"', '#', '.'].contains(&c)
        });
        let token = token.trim_end_matches('.');
        if let Some(placeholder) = placeholder(token) {
            push(placeholder);
            continue;
        }
        for word in token.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            let word = word.to_lowercase();
            let word = word.split('\'').next().unwrap_or_default();
            if word.is_empty() || STOP_WORDS.contains(&word) {
                continue;
            }
            if word.contains(|c: char| c.is_numeric()) {
                push(NUMBER);
            } else if word.contains(is_unspaced) {
                // Scripts without spaces: each character, which 2-grams then pair.
                word.chars().for_each(|c| push(c.encode_utf8(&mut [0; 4])));
            } else {
                push(singular(word));
            }
        }
    }
    words
}

fn placeholder(token: &str) -> Option<&'static str> {
    let within = |c: char| token.trim_matches(c) != token || token.contains(c);
    if token == QUOTED {
        Some(QUOTED)
    } else if token.contains('[') && token.contains(']') || token.contains('@') {
        Some(REDACTED)
    } else if within('/') && token.chars().any(char::is_alphanumeric) || is_file_name(token) {
        Some(PATH)
    } else {
        None
    }
}

/// Whether there is an ending of letters behind a dot, and no second sentence.
fn is_file_name(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(_, ending)| {
        (1..=5).contains(&ending.len()) && ending.starts_with(|c: char| c.is_ascii_lowercase())
    })
}

/// English plurals of one kind, which are most: the rest stay two words.
fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(rest) if rest.len() >= 3 && !rest.ends_with(['s', 'u', 'i']) => rest,
        _ => word,
    }
}

/// Han, Hiragana, Katakana, Thai.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// The text with a mark in place of each quotation that is closed.
fn without_quotes(text: &str) -> String {
    const PAIRS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('`', '`')];
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (_, after) = rest.split_at(c.len_utf8());
        let closing = PAIRS.iter().find(|(open, _)| *open == c);
        match closing.and_then(|(_, close)| after.split_once(*close)) {
            Some((_, behind)) => {
                kept.push_str(" \" ");
                rest = behind;
            }
            None => {
                kept.push(c);
                rest = after;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_ask_to_ask_is_one_placeholder() {
        for (one, other) in [
            ("Refund order 10233", "refund order A-1993"),
            ("Refund order 10233.", "Refund orders 771 and 772"),
            (
                "Look up ines@example.com",
                "look up [REDACTED_EMAIL], please",
            ),
            ("Read src/main.rs", "Read the notes.txt"),
            ("Search for \"SSO\"", "Search for „dark mode“"),
        ] {
            assert_eq!(words(one), words(other), "{one}, {other}");
        }
        assert_eq!(words("Read the file src/main.rs"), ["read", "file", "/"]);
        assert_eq!(words("Read README.md and b.txt"), ["read", "/"]);
    }

    #[test]
    fn what_a_text_is_about_stays() {
        assert_eq!(words("The user wants to see the orders"), ["order"]);
        assert_eq!(
            words("Summarise last week's status"),
            ["summarise", "last", "week", "status"]
        );
        assert_eq!(words("今日の予定"), ["今", "日", "の", "予", "定"]);
        assert!(words("… ??? \u{0}").is_empty());
        assert_eq!(words("an \"open quote"), ["open", "quote"]);
    }
}
