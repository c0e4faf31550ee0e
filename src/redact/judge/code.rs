//! Values that are code: expressions, types, constants, identifiers, algorithms, paths.

use crate::redact::catalogue::code::{
    TYPE_ENDS, is_algorithm_with, is_algorithm_word, is_keyword, is_root, is_sized_type,
    is_standards_body, is_sure_root, is_type_word,
};
use crate::redact::catalogue::formats;
use crate::redact::catalogue::words::is_harmless_word;
use crate::redact::judge::name;
use crate::redact::judge::style::Style;
use crate::redact::read::bytes::{self, at, part, rest};
use crate::redact::read::kinds::{DIGIT, DOT, Kinds, ROUND};
use crate::redact::read::scope::Scope;

/// What is longer is no name of an algorithm, and no type that is known here.
const MAX_ALGORITHM: usize = 32;
const MAX_TYPE: usize = 16;

/// Whether a value is the path of a file: `/run/secrets/db1.json`, `~/secrets/db2`, `C:\keys\db2.txt`, `@keys/db2.txt`. Without
/// a type it is made of words.
pub(crate) fn is_path(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"@").unwrap_or(value);
    let is_slash = |b: &u8| matches!(b, b'/' | b'\\');
    let Some(slash) = value.iter().position(is_slash) else {
        return false;
    };
    let root = part(value, 0, slash);
    let is_rooted = matches!(root, b"" | b"." | b".." | b"~")
        || matches!(root, [drive, b':'] if drive.is_ascii_alphabetic());
    let extension = memchr::memrchr(b'.', value).map_or(&[][..], |dot| rest(value, dot + 1));
    let is_typed =
        (2..=5).contains(&extension.len()) && extension.iter().all(u8::is_ascii_lowercase);
    let within = rest(value, slash + 1);
    let is_deep = within.iter().any(is_slash);
    let is_named = || {
        within.split(is_slash).all(|name| {
            name.split(|b| matches!(b, b'-' | b'_' | b'.' | b' '))
                .all(is_word_and_number)
        })
    };
    is_typed && at(value, slash) == b'/' && is_rooted && is_deep
        || (is_rooted && (is_deep || !root.is_empty()) || is_typed && is_word_and_number(root))
            && is_named()
}

/// Whether a word is letters, in one case or with a few capitals as names have them, and perhaps a number behind them.
pub(crate) fn is_word_and_number(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (name, number) = (part(word, 0, letters), rest(word, letters));
    let capitals = name.iter().filter(|b| b.is_ascii_uppercase()).count();
    number.len() <= 4
        && number.iter().all(u8::is_ascii_digit)
        && (capitals == name.len() || capitals <= 1 + name.len() / 5)
}

/// Whether a value is what code reads a secret by: `getenv('DB_PW1')`, `this.state.pw1`, `random_password.db1.result`.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    // `varchar(255) NOT NULL`, `Optional[str]`
    let called = value.iter().position(|b| matches!(b, b'(' | b'['));
    let called = called.map_or(&[][..], |open| part(value, 0, open));
    if called.len() >= 3 && (is_type(called) || is_algorithm(called)) {
        return true;
    }
    let names = || value.split(|b| *b == b'.');
    let is_name = |name: &[u8]| {
        at(name, 0).is_ascii_alphabetic() && name.split(|b| *b == b'_').all(is_word_and_number)
    };
    match value.last() {
        Some(b')' | b']') => is_read(value),
        Some(last) if last.is_ascii_alphanumeric() => {
            let Some(dot) = memchr::memchr(b'.', value) else {
                return false;
            };
            let is_long = names().count() >= 3 && memchr::memchr(b'_', value).is_some();
            let root = part(value, 0, dot);
            let is_member = || {
                names().count() >= 3 || name::judge(names().next_back().unwrap_or(value)).hides()
            };
            (is_long || is_sure_root(root) || is_root(root) && is_member()) && names().all(is_name)
        }
        _ => false,
    }
}

/// `config.get('db2')`, `os.environ["X1"]`, `[parameters('pw1')]`, `@variables('pw1')`
fn is_read(value: &[u8]) -> bool {
    let lead = value
        .iter()
        .take_while(|b| matches!(b, b'@' | b'[' | b'='))
        .count();
    let value = rest(value, lead);
    let is_of_name = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':');
    let name = value.iter().take_while(|b| is_of_name(b)).count();
    name >= 3
        && matches!(at(value, name), b'(' | b'[')
        && matches!(at(value, name + 1), b'\'' | b'"' | b'\\' | b')' | b':')
}

/// Whether a word names an algorithm or a standard: `Argon2id`, `ed25519`, `PBKDF2-SHA256`, `RFC8446`, `PKCS#1`.
pub(crate) fn is_algorithm(value: &[u8]) -> bool {
    if value.len() > MAX_ALGORITHM || !value.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    is_standard(value)
        || value
            .split(|b| matches!(b, b'-' | b'_' | b'/' | b'+'))
            .all(is_algorithm_part)
}

/// A part of the name of an algorithm.
fn is_algorithm_part(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (name, tail) = (part(word, 0, letters), rest(word, letters));
    is_algorithm_with(name, tail)
        || is_algorithm_word(name) && tail.len() <= 5 && tail.iter().all(u8::is_ascii_digit)
}

/// Capital letters and a number: `RFC8446`, `PKCS#1`.
fn is_standard(value: &[u8]) -> bool {
    let letters = value.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let tail = rest(value, letters);
    let number = tail.strip_prefix(b"#").unwrap_or(tail);
    (1..=4).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
        && is_standards_body(part(value, 0, letters))
}

/// Whether a word is an identifier of so many words: `napi_create_string_utf16`.
pub(crate) fn is_snake(value: &[u8], least: usize) -> bool {
    if least > 1 && memchr::memchr(b'_', value).is_none() {
        return false;
    }
    let mut words = 0;
    for word in value.split(|b| *b == b'_') {
        let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if !rest(word, letters).iter().all(u8::is_ascii_digit) || word.len() > letters + 3 {
            return false;
        }
        words += usize::from(letters >= 2);
    }
    words >= least
}

/// Whether a value is a member of something that code knows: `settings.db`.
pub(crate) fn is_rooted(value: &[u8]) -> bool {
    let dot = memchr::memchr(b'.', value).unwrap_or(0);
    at(value, dot + 1).is_ascii_alphabetic() && is_root(part(value, 0, dot))
}

/// Whether a word is the name of a type: `usize`, `VARCHAR`, `uint8_t`, `PostgresDsn`.
pub(crate) fn is_type(value: &[u8]) -> bool {
    let made = value.first().is_some_and(u8::is_ascii_uppercase)
        && TYPE_ENDS.iter().any(|end| value.ends_with(end.as_bytes()));
    let word = part(value, 0, MAX_TYPE);
    let bare = word.strip_suffix(b"_t").or(word.strip_suffix(b"_T"));
    let word = bare.unwrap_or(word);
    let bits = word.iter().take_while(|b| !b.is_ascii_digit()).count();
    // Most passwords have a digit within, and none of the words below does.
    if made || !part(word, bits, word.len()).iter().all(u8::is_ascii_digit) {
        return made;
    }
    let mut lower = [0u8; MAX_TYPE];
    for (slot, byte) in lower.iter_mut().zip(word) {
        *slot = byte.to_ascii_lowercase();
    }
    let word = part(&lower, 0, word.len());
    bits < word.len() && is_sized_type(part(word, 0, bits))
        || is_harmless_word(word)
        || is_type_word(word)
}

/// `MAX_TOKEN_LEN`: a constant.
pub(crate) fn has_upper_const(value: &[u8]) -> bool {
    memchr::memchr(b'_', value).is_some()
        && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

/// Whether an unquoted value is an expression: a call, a path of names, a type, a reference.
pub(crate) fn is_expression(scope: &Scope<'_>, from: usize, to: usize, style: Style) -> bool {
    let value = scope.part(from, to);
    is_begun_by_sign(value, style).unwrap_or_else(|| {
        is_member_or_call(scope, to, value) || is_keyword(value) || formats::begins_http(value)
    })
}

/// What the sign says that a value begins with, if it says anything.
fn is_begun_by_sign(value: &[u8], style: Style) -> Option<bool> {
    // Most values are, and their digits are not counted.
    if at(value, 0).is_ascii_alphanumeric() {
        return None;
    }
    let digits = bytes::digits(value);
    match at(value, 0) {
        b'(' | b'{' | b'[' | b'<' | b'|' | b';' | b',' | b')' | b']' | b'}' => Some(true),
        // An attribute of Rust.
        b'#' if at(value, 1) == b'[' => Some(true),
        b'&' | b'*' | b'!' | b'?' | b'-' | b'=' | b'>' | b'+' | b'/' | b'.' | b'~' | b':'
            if digits == 0 || !style.equals || style.spaced =>
        {
            let key =
                value.len() >= 20 && digits >= 2 && memchr::memchr2(b'(', b'<', value).is_none();
            Some(!key)
        }
        b'$' => {
            // `$VAR`, `$var->x`, `$2b$10$…` is a hash.
            let path = || {
                !style.own_line
                    && rest(value, 1).iter().all(|b| {
                        b.is_ascii_alphanumeric()
                            || matches!(b, b'_' | b'-' | b'>' | b'[' | b']' | b'.' | b':')
                    })
            };
            Some(!at(value, 1).is_ascii_digit() && (digits == 0 || path()))
        }
        _ => None,
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

/// `getToken()`, `Vec<u8>`, `config.password`, `os.environ`, `self.token()`
fn is_member_or_call(scope: &Scope<'_>, to: usize, value: &[u8]) -> bool {
    let head = value.iter().take_while(|b| is_word(b)).count();
    let (word, behind) = (part(value, 0, head), rest(value, head));
    if word.first().is_none_or(u8::is_ascii_digit) {
        return false;
    }
    let tag = scope.at(to) == b'<' && matches!(scope.at(to + 1), b'/' | b'b');
    let goes_on =
        behind.is_empty() && to < scope.to && !tag && matches!(scope.at(to), b'(' | b'<' | b'[');
    let kinds = Kinds::of(value);
    let member = at(behind, 0) == b'.' && is_sure_root(word);
    // `this.#cookies`
    let named = at(behind, 1).is_ascii_alphabetic() || at(behind, 1) == b'#';
    let has_few_digits = || !kinds.any(DIGIT) || bytes::digits(value) <= 1;
    goes_on
        || !behind.is_empty() && is_operator(behind)
        || kinds.any(ROUND) && is_call_of_member(value)
        || member && named && has_few_digits()
        || kinds.any(DOT) && (has_few_digits() || is_sure_root(word)) && is_path_of_names(value)
        || kinds.any(ROUND) && memchr::memchr(b')', value).is_some() && is_path_of_names(value)
}

/// `getToken()`, `Vec<u8>`, `params[:key]`, `vec![`, `Foo { .. }`, `name+"="`
fn is_operator(behind: &[u8]) -> bool {
    behind
        .first()
        .is_some_and(|b| matches!(b, b'(' | b'<' | b'[' | b'{'))
        || [b"![".as_slice(), b"!(", b"::", b"->", b"?.", b"+\"", b"+'"]
            .iter()
            .any(|sign| behind.starts_with(sign))
}

/// `models.CharField(max_length=128)`
fn is_call_of_member(value: &[u8]) -> bool {
    memchr::memchr(b'(', value)
        .map(|open| part(value, 0, open))
        .is_some_and(|callee| {
            memchr::memchr(b'.', callee).is_some()
                && callee.iter().all(|b| is_word(b) || *b == b'.')
                || is_method_of_lua(callee)
        })
}

/// `header:sub`
fn is_method_of_lua(callee: &[u8]) -> bool {
    let mut names = callee.split(|b| *b == b':');
    let is_name = |name: &[u8]| {
        at(name, 0).is_ascii_alphabetic() && name.iter().all(|b| is_word(b) || *b == b'.')
    };
    names.by_ref().take(2).filter(|name| is_name(name)).count() == 2 && names.next().is_none()
}

/// Whether the first parts of a value are names, each perhaps with a call or an index behind it.
fn is_path_of_names(value: &[u8]) -> bool {
    value
        .split(|b| *b == b'.')
        .take(3)
        .filter(|part| !part.is_empty())
        .all(|part| {
            let name = part.iter().take_while(|b| is_word(b)).count();
            let sign = at(part, name);
            name > 0
                && !part.first().is_some_and(u8::is_ascii_digit)
                && (name == part.len()
                    || matches!(sign, b'(' | b'[' | b'<' | b'?' | b'!' | b')' | b':'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::tests::leaves;

    #[test]
    fn expressions_of_code_stay() {
        leaves(&[
            "local token = header:sub(8)",
            "token:count:*",
            "login.password=비밀번호",
            "key: ssh-keys\nvalue: ops:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI2iQebFKTVN8WR9h/GC11G",
            "a.tpl:8:<input type=\"password\" autocomplete=\"current-password\">\nb.php:33:$x['a'] = 'Forgot it?'",
        ]);
    }

    #[test]
    fn names_of_code_are_known() {
        for value in [
            "Argon2id",
            "ed25519",
            "PBKDF2-SHA256",
            "RFC8446",
            "PKCS#1",
            "X509",
            "UTF-8",
        ] {
            assert!(is_algorithm(value.as_bytes()), "{value}");
        }
        for value in ["hunter2", "AB12", "argon3", "12345"] {
            assert!(!is_algorithm(value.as_bytes()), "{value}");
        }
        for value in [
            "u64",
            "uint8_t",
            "Uint32",
            "VARCHAR",
            "PostgresDsn",
            "usize",
        ] {
            assert!(is_type(value.as_bytes()), "{value}");
        }
        for value in ["hunter2", "u64x", "dsn"] {
            assert!(!is_type(value.as_bytes()), "{value}");
        }
        for path in [
            "/run/x9k2/db1.json",
            "../keys/db1",
            "/run/secrets/db1",
            "keys/db1.txt",
        ] {
            assert!(is_path(path.as_bytes()), "{path}");
        }
        for value in [
            "/hunter2",
            "hunter2/dog",
            "/wJalrXUtnFEMI/K7MDENG",
            "x9k2/db1.txt",
        ] {
            assert!(!is_path(value.as_bytes()), "{value}");
        }
        assert!(is_snake(b"napi_create_string_utf16", 3) && !is_snake(b"napi_x9y8z", 2));
        assert!(is_rooted(b"settings.db") && !is_rooted(b"hunter.db"));
        assert!(has_upper_const(b"MAX_TOKEN_LEN") && !has_upper_const(b"TOKEN"));
    }

    #[test]
    fn expressions_are_told_from_values() {
        let style = Style {
            equals: true,
            spaced: true,
            quoted_name: false,
            literal_only: false,
            own_line: true,
            quote: 0,
            name: 0,
        };
        let judged = |value: &str| {
            let scope = Scope {
                text: value.as_bytes(),
                from: 0,
                to: value.len(),
                origin: 0,
            };
            is_expression(&scope, 0, value.len(), style)
        };
        for value in [
            "getToken()",
            "Vec<u8>",
            "params[:key]",
            "config.password",
            "os.environ",
            "self.token()",
            "this.#cookies",
            "$VAR",
            "await",
            "name+\"=\"+value",
            "#[cfg(x)]",
            "models.CharField(max_length=128)",
            "https://example.com",
        ] {
            assert!(judged(value), "{value}");
        }
        for value in [
            "hunter2",
            "$2b$10$abcdefghijklmnop",
            "s3cr3t.w0rd9",
            "Passw0rd!",
        ] {
            assert!(!judged(value), "{value}");
        }
    }
}
