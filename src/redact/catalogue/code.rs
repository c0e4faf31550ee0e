//! Words of programming languages: types, algorithms, what members are reached through, what begins an expression.

use crate::redact::catalogue::list::List;

/// Algorithms that may have a number behind their names.
#[rustfmt::skip]
const ALGORITHMS: &List = &List::of(&[
    "aes", "base", "bcrypt", "blake", "cbc", "chacha", "crc", "ctr", "curve", "des", "ecdsa", "ed",
    "es", "gcm", "hkdf", "hmac", "hs", "md", "pbkdf", "poly", "ps", "ripemd", "rs", "rsa", "scram",
    "scrypt", "secp", "sha", "siphash", "utf", "with", "x", "xxhash",
]);

/// Whether a word, without the number behind it, names an algorithm, or says how two go together.
pub(crate) fn is_algorithm_word(word: &[u8]) -> bool {
    word.is_empty() || ALGORITHMS.has_ignoring_case(word)
}

/// Whether a word is an algorithm, or a curve, that has letters behind its number, or more digits.
pub(crate) fn is_algorithm_with(word: &[u8], tail: &[u8]) -> bool {
    let is = |text: &[u8], known: &[&str]| {
        let same = |known: &&str| text.eq_ignore_ascii_case(known.as_bytes());
        known.iter().any(same)
    };
    is(word, &["argon"]) && is(tail, &["2", "2i", "2d", "2id"]) || is(word, &["nistp", "prime"])
}

/// Who numbers standards.
const STANDARDS_BODIES: &List = &List::of(&[
    "ASN", "EN", "FIPS", "IEEE", "ISO", "ITU", "PEP", "PKCS", "RFC",
]);

pub(crate) fn is_standards_body(word: &[u8]) -> bool {
    STANDARDS_BODIES.has(word)
}

/// What code reaches members through: they are no literals.
#[rustfmt::skip]
const ROOTS: &List = &List::of(&[
    "args", "cfg", "conf", "config", "ctx", "data", "form", "local", "module", "options", "opts",
    "os", "params", "process", "props", "req", "request", "self", "settings", "state", "this", "user",
]);

pub(crate) fn is_root(word: &[u8]) -> bool {
    ROOTS.has(word)
}

/// Those roots that nothing else is called.
const SURE_ROOTS: &List = &List::of(&[
    "args", "config", "os", "process", "req", "request", "self", "this",
]);

pub(crate) fn is_sure_root(word: &[u8]) -> bool {
    SURE_ROOTS.has(word)
}

/// How the names of types end that begin with a capital letter.
#[rustfmt::skip]
pub(crate) const TYPE_ENDS: &[&str] = &[
    "Buffer", "Bytes", "Class", "Config", "Dsn", "Field", "Handler", "ID", "Id", "Input", "Namespace",
    "Object", "Path", "Provider", "Ref", "Schema", "Str", "String", "Type", "Types", "Url", "Value",
];

/// Types that have a number of bits behind their names.
const SIZED_TYPES: &List = &List::of(&["decimal", "f", "float", "i", "int", "u", "uint", "utf"]);

pub(crate) fn is_sized_type(word: &[u8]) -> bool {
    SIZED_TYPES.has(word)
}

/// Other types, in lower case.
#[rustfmt::skip]
const TYPES: &List = &List::of(&[
    "bigint", "boolean!", "byte", "callable", "decimal", "dict", "double", "float!", "function", "id!", "int!", "isize",
    "jsonb", "list", "long", "longtext", "map", "money", "numeric", "option", "partial", "promise", "real",
    "record", "serial", "short", "smallint", "string!", "symbol", "tinyint", "tuple", "type", "uri", "url",
    "usize", "uuidv4", "vec",
]);

pub(crate) fn is_type_word(word: &[u8]) -> bool {
    TYPES.has(word)
}

/// Words that an expression begins with.
const KEYWORDS: &List = &List::of(&[
    "async", "await", "function", "impl", "lambda", "match", "move", "return", "typeof", "unsafe",
    "yield",
]);

pub(crate) fn is_keyword(word: &[u8]) -> bool {
    KEYWORDS.has(word)
}

/// Elements of pages around fields.
#[rustfmt::skip]
const TAGS: &List = &List::of(&[
    "a", "article", "body", "button", "dialog", "div", "fieldset", "footer", "form", "header", "html", "iframe", "input",
    "label", "li", "main", "nav", "p", "section", "select", "span", "table", "tbody", "td", "textarea", "th", "tr", "ul",
]);

/// Their attributes, as selectors ask for them.
pub(crate) const ATTRIBUTES: &[&str] = &["[name", "[type", "[id", "[data-", "[@"];

pub(crate) fn is_tag(word: &[u8]) -> bool {
    TAGS.has(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::{assert_in_order, assert_no_digit_within};

    #[test]
    fn a_type_has_no_digit_within() {
        assert_no_digit_within(TYPES.words);
    }

    #[test]
    fn long_lists_are_in_order() {
        for list in [
            ALGORITHMS.words,
            ROOTS.words,
            TYPE_ENDS,
            TYPES.words,
            KEYWORDS.words,
            TAGS.words,
        ] {
            assert_in_order(list);
        }
    }

    #[test]
    fn words_of_code_are_known() {
        assert!(is_algorithm_word(b"sha") && is_algorithm_word(b"") && !is_algorithm_word(b"pw"));
        assert!(is_algorithm_with(b"argon", b"2id") && !is_algorithm_with(b"argon", b"3"));
        assert!(is_root(b"settings") && is_sure_root(b"self") && !is_sure_root(b"settings"));
        assert!(is_sized_type(b"uint") && is_type_word(b"jsonb") && is_keyword(b"await"));
        assert!(is_tag(b"input") && !is_tag(b"password"));
    }
}
