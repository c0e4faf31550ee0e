//! Values that are code: expressions, types, constants, identifiers, algorithms, paths.

use crate::redact::catalogue::words::is_harmless_word;
use crate::redact::judge::style::Style;
use crate::redact::read::bytes::{at, part, rest};
use crate::redact::read::scope::Scope;

/// Whether a value is the path of a file: `/run/secrets/db1.json`.
pub(crate) fn is_path(value: &[u8]) -> bool {
    let extension = memchr::memrchr(b'.', value).map_or(&[][..], |dot| rest(value, dot + 1));
    (value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~/"))
        && memchr::memchr(b'/', rest(value, 2)).is_some()
        && (2..=5).contains(&extension.len())
        && extension.iter().all(u8::is_ascii_lowercase)
}

/// Whether a word names an algorithm: `Argon2id`, `ed25519`, `PBKDF2-SHA256`.
pub(crate) fn is_algorithm(value: &[u8]) -> bool {
    if value.len() > 32 || !value.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut lower = [0u8; 32];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = byte.to_ascii_lowercase();
    }
    part(&lower, 0, value.len())
        .split(|b| matches!(b, b'-' | b'_' | b'/' | b'+'))
        .all(|word| {
            let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            let tail = rest(word, letters);
            let numbered = tail.len() <= 5 && tail.iter().all(u8::is_ascii_digit);
            match part(word, 0, letters) {
                b"argon" => matches!(tail, b"2" | b"2i" | b"2d" | b"2id"),
                b"pbkdf" | b"sha" | b"md" | b"aes" | b"rsa" | b"ed" | b"curve" | b"x" | b"secp"
                | b"hs" | b"rs" | b"es" | b"ps" | b"blake" | b"chacha" | b"poly" | b"ripemd"
                | b"scrypt" | b"bcrypt" | b"hmac" | b"gcm" | b"cbc" | b"ctr" | b"ecdsa"
                | b"base" | b"utf" | b"crc" | b"des" | b"hkdf" | b"with" | b"siphash"
                | b"scram" | b"xxhash" | b"" => numbered,
                b"nistp" | b"prime" => true,
                _ => false,
            }
        })
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

/// The members of what code calls by these names are no literals: `settings.db`.
pub(crate) fn is_rooted(value: &[u8]) -> bool {
    let dot = memchr::memchr(b'.', value).unwrap_or(0);
    at(value, dot + 1).is_ascii_alphabetic()
        && matches!(
            part(value, 0, dot),
            b"self"
                | b"this"
                | b"req"
                | b"request"
                | b"args"
                | b"config"
                | b"os"
                | b"process"
                | b"settings"
                | b"env"
                | b"var"
                | b"local"
                | b"data"
                | b"module"
                | b"user"
                | b"props"
                | b"state"
                | b"params"
                | b"options"
                | b"opts"
                | b"cfg"
                | b"conf"
                | b"ctx"
                | b"form"
        )
}

/// Whether a word is the name of a type: `usize`, `VARCHAR`, `PostgresDsn`.
pub(crate) fn is_type(value: &[u8]) -> bool {
    let mut lower = [0u8; 16];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = byte.to_ascii_lowercase();
    }
    let word = part(&lower, 0, value.len().min(16));
    let bits = word
        .iter()
        .rposition(|b| !b.is_ascii_digit())
        .map_or(0, |last| last + 1);
    let sized = bits < word.len()
        && matches!(
            part(word, 0, bits),
            b"int" | b"uint" | b"float" | b"i" | b"u" | b"f" | b"decimal" | b"utf"
        );
    let made = value.first().is_some_and(u8::is_ascii_uppercase)
        && [
            &b"Str"[..],
            b"String",
            b"Bytes",
            b"Type",
            b"Config",
            b"Dsn",
            b"Namespace",
            b"Value",
            b"Field",
            b"Input",
            b"Id",
            b"ID",
            b"Ref",
            b"Schema",
            b"Class",
            b"Handler",
            b"Provider",
            b"Object",
            b"Buffer",
            b"Url",
            b"Path",
        ]
        .iter()
        .any(|tail| value.ends_with(tail));
    sized
        || made
        || is_harmless_word(word)
        || matches!(
            word,
            b"double"
                | b"byte"
                | b"unknown"
                | b"bigint"
                | b"long"
                | b"short"
                | b"decimal"
                | b"jsonb"
                | b"symbol"
                | b"list"
                | b"dict"
                | b"map"
                | b"usize"
                | b"isize"
                | b"url"
                | b"uri"
                | b"option"
                | b"optional"
                | b"vec"
                | b"tuple"
                | b"record"
                | b"partial"
                | b"promise"
                | b"function"
                | b"callable"
                | b"type"
                | b"money"
                | b"serial"
                | b"real"
                | b"numeric"
                | b"tinyint"
                | b"smallint"
                | b"longtext"
                | b"uuidv4"
        )
}

/// `MAX_TOKEN_LEN`: a constant.
pub(crate) fn has_upper_const(value: &[u8]) -> bool {
    memchr::memchr(b'_', value).is_some()
        && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

pub(crate) fn is_camel(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric)
        && value.iter().filter(|b| b.is_ascii_digit()).count() <= 3
        && value.first().is_some_and(u8::is_ascii_uppercase)
}

/// Whether an unquoted value is an expression: a call, a path of names, a type, a reference.
pub(crate) fn is_expression(scope: &Scope<'_>, from: usize, to: usize, style: Style) -> bool {
    let value = scope.part(from, to);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    match at(value, 0) {
        b'(' | b'{' | b'[' | b'<' | b'|' | b';' | b',' | b')' | b']' | b'}' => return true,
        b'&' | b'*' | b'!' | b'?' | b'-' | b'=' | b'>' | b'+' | b'/' | b'.' | b'~' | b':'
            if digits == 0 || !style.equals || style.spaced =>
        {
            return !(value.len() >= 20
                && digits >= 2
                && memchr::memchr2(b'(', b'<', value).is_none());
        }
        b'$' => {
            // `$VAR`, `$var->x`, `$2b$10$…` is a hash.
            return !at(value, 1).is_ascii_digit()
                && (digits == 0
                    || rest(value, 1).iter().all(|b| {
                        b.is_ascii_alphanumeric()
                            || matches!(b, b'_' | b'-' | b'>' | b'[' | b']' | b'.' | b':')
                    }) && !style.own_line);
        }
        _ => {}
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_');
    let head = value.iter().take_while(|b| is_word(b)).count();
    let behind = rest(value, head);
    let word = part(value, 0, head);
    if head > 0 && !word.first().is_some_and(u8::is_ascii_digit) {
        // `getToken()`, `Vec<u8>`, `params[:key]`, `vec![`, `Foo { .. }`
        if behind
            .first()
            .is_some_and(|b| matches!(b, b'(' | b'<' | b'[' | b'{'))
            || behind.starts_with(b"![")
            || behind.starts_with(b"!(")
            || behind.starts_with(b"::")
            || behind.starts_with(b"->")
            || behind.starts_with(b"?.")
        {
            return true;
        }
        let tag = scope.at(to) == b'<' && (matches!(scope.at(to + 1), b'/' | b'b'));
        if behind.is_empty() && to < scope.to && !tag && matches!(scope.at(to), b'(' | b'<' | b'[')
        {
            return true;
        }
        // `config.password`, `os.environ`, `self.token()`
        let path = value
            .split(|b| *b == b'.')
            .take(3)
            .filter(|part| !part.is_empty())
            .all(|part| {
                let name = part.iter().take_while(|b| is_word(b)).count();
                name > 0
                    && !part.first().is_some_and(u8::is_ascii_digit)
                    && (name == part.len()
                        || matches!(
                            at(part, name),
                            b'(' | b'[' | b'<' | b'?' | b'!' | b')' | b':'
                        ))
            });
        // `models.CharField(max_length=128)`
        let callee = memchr::memchr(b'(', value).map(|open| part(value, 0, open));
        let calls = callee.is_some_and(|callee| {
            memchr::memchr(b'.', callee).is_some()
                && callee.iter().all(|b| is_word(b) || *b == b'.')
        });
        if calls {
            return true;
        }
        let rooted = matches!(
            word,
            b"self" | b"this" | b"req" | b"request" | b"args" | b"config" | b"os" | b"process"
        );
        if rooted && at(behind, 0) == b'.' && at(behind, 1).is_ascii_alphabetic() && digits <= 1 {
            return true;
        }
        if memchr::memchr(b'.', value).is_some() && path && (digits <= 1 || rooted) {
            return true;
        }
        if memchr::memchr(b'(', value).is_some() && memchr::memchr(b')', value).is_some() && path {
            return true;
        }
    }
    // `await x`, `new X`, `not set`
    matches!(
        value,
        b"await"
            | b"new"
            | b"not"
            | b"function"
            | b"async"
            | b"lambda"
            | b"impl"
            | b"dyn"
            | b"mut"
            | b"ref"
            | b"if"
            | b"match"
            | b"unsafe"
            | b"move"
            | b"return"
            | b"yield"
            | b"typeof"
    ) || value.starts_with(b"http://")
        || value.starts_with(b"https://")
}
