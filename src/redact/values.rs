//! What a value looks like: a mark, a placeholder, an expression, something that could be a secret.

use crate::redact::catalogue::words::{is_complaint, is_harmless_word, is_outcome, scheme_len};
use crate::redact::class::MARK_START;
use crate::redact::kind::Kind;
use crate::redact::names;
use crate::redact::read::bytes::{self, at, has_word_at, part, rest, run_end};
use crate::redact::read::lex;
use crate::redact::read::scope::Scope;

/// How a value is assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// By `=` and not by `:`.
    pub(crate) equals: bool,
    /// With spaces around the sign.
    pub(crate) spaced: bool,
    /// The name is in quotes: JSON and the like.
    pub(crate) quoted_name: bool,
    /// By `=>` or `==`, which only a literal can follow.
    pub(crate) literal_only: bool,
    /// The name is the first thing on its line.
    pub(crate) own_line: bool,
    /// The quote right before the name, which the value ends with, or 0.
    pub(crate) quote: u8,
    /// Where the name begins.
    pub(crate) name: usize,
}

/// Whether the value is nothing but marks, and what may stand around them: it was judged before.
pub(crate) fn is_mark(value: &[u8]) -> bool {
    let mut rest = value;
    let mut any = false;
    while let Some(start) = memchr::memchr(b'[', rest) {
        let (before, mark) = rest.split_at(start);
        let Some(end) = memchr::memchr(b']', mark).filter(|_| mark.starts_with(MARK_START)) else {
            return false;
        };
        if before.iter().any(u8::is_ascii_alphanumeric) {
            return false;
        }
        any = true;
        rest = bytes::rest(mark, end + 1);
    }
    any && !rest.iter().any(u8::is_ascii_alphanumeric)
}

/// Whether there is a mark in a value of a text: some of it was judged before, and the text around it is not what
/// it was.
pub(crate) fn has_mark(value: &[u8]) -> bool {
    bytes::find(value, MARK_START).is_some()
}

/// Whether a string under a name of this kind goes whole.
pub(crate) fn goes(value: &[u8], kind: Kind, name: &[u8]) -> bool {
    let takes = match kind {
        Kind::Plain | Kind::Phone | Kind::Id => false,
        Kind::Secret | Kind::Secrets => !value.is_empty(),
        Kind::Maybe | Kind::Pin | Kind::Pwd | Kind::Phrase => fits(value, kind),
    };
    // `Bearer ${TOKEN}` holds no more than `${TOKEN}`.
    let bare = rest(value, scheme_len(value));
    takes
        && !is_mark(value)
        && !is_placeholder(value)
        && !is_placeholder(bare)
        && !is_label(value, name)
}

/// Whether a value is one that a name of this kind stands over when it is a secret.
pub(crate) fn fits(value: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Maybe => looks_secret(value),
        Kind::Pin => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
        Kind::Pwd => {
            value.len() >= 3
                && memchr::memchr2(b'/', b'\\', value).is_none()
                && value != b"."
                && value != b".."
        }
        Kind::Phrase => {
            looks_secret(value)
                || value.iter().filter(|b| **b == b' ').count() >= 10
                    && value
                        .iter()
                        .all(|b| b.is_ascii_lowercase() || matches!(b, b' ' | b','))
        }
        _ => true,
    }
}

/// Whether a value under a name that need not be sensitive looks like a secret: one word that no one would choose
/// as the name of a thing.
pub(crate) fn looks_secret(value: &[u8]) -> bool {
    if value.len() < 6 || matches!(at(value, 0), b'/' | b'.' | b'~') {
        return false;
    }
    let (mut digits, mut letter, mut symbol) = (0, false, false);
    for byte in value {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' | b'A'..=b'Z' => letter = true,
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => return false,
            b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*' | b'+' | b'=' | b'~' => symbol = true,
            _ => {}
        }
    }
    value.len() >= 8 && digits > 0 && letter && !value.starts_with(b"http")
        || symbol && letter
        || digits >= 12
}

/// Whether a word in a sentence can only be a secret: letters and digits mixed, or symbols among them.
pub(crate) fn looks_chosen(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let symbol = value.iter().any(|b| b"!@#$%^*+=~&?".contains(b));
    let lead = value
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    // `256-bit`, `32bytes`, `v2.1` and `sha256` are no secrets.
    let measure = lead > 0
        && !symbol
        && rest(value, lead)
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b'-');
    // `size:36477`, `newer_than:7d`
    let named = memchr::memchr(b':', value).is_some_and(|colon| {
        let number = rest(value, colon + 1);
        let number = match number.split_last() {
            Some((unit, number)) if unit.is_ascii_lowercase() => number,
            _ => number,
        };
        part(value, 0, colon)
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b'_')
            && number.iter().all(u8::is_ascii_digit)
    });
    // `from=md5`
    let assigned = memchr::memchr(b'=', value).is_some_and(|sign| {
        sign + 1 < value.len() && part(value, 0, sign).iter().all(u8::is_ascii_lowercase)
    });
    value.len() >= 6
        && digits > 0
        && letters > 0
        && !is_algorithm(value)
        && !measure
        && !assigned
        && memchr::memchr_iter(b':', value).count() < 2
        && !named
        && !is_snake(value, 3)
        && (value.len() >= 7 || symbol || digits >= 2)
        && !value.starts_with(b"http")
        && (at(value, 0) != b'/' || is_secret_of_aws(value))
        && at(value, 0) != b'('
        && memchr::memchr(b'(', value).is_none()
        && memchr::memchr(b'/', value).is_none_or(|_| value.len() >= 20)
}

/// Whether a value that begins like a path is 40 characters of base64, which no path is by chance.
fn is_secret_of_aws(value: &[u8]) -> bool {
    value.len() == 40
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+'))
        && value.iter().filter(|b| **b == b'/').count() <= 3
        && value.iter().filter(|b| b.is_ascii_uppercase()).count() >= 5
        && value.iter().filter(|b| b.is_ascii_lowercase()).count() >= 5
}

/// Whether a value is the path of a file: `/run/secrets/db1.json`.
fn is_path(value: &[u8]) -> bool {
    let extension = memchr::memrchr(b'.', value).map_or(&[][..], |dot| rest(value, dot + 1));
    (value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~/"))
        && memchr::memchr(b'/', rest(value, 2)).is_some()
        && (2..=5).contains(&extension.len())
        && extension.iter().all(u8::is_ascii_lowercase)
}

/// Whether a word names an algorithm: `Argon2id`, `ed25519`, `PBKDF2-SHA256`.
fn is_algorithm(value: &[u8]) -> bool {
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

/// Whether a value is the version of a package: `^6.0.0`.
fn is_version(value: &[u8]) -> bool {
    let start = value
        .iter()
        .take_while(|b| matches!(b, b'^' | b'~' | b'>' | b'=' | b'<' | b'v' | b' '))
        .count();
    let version = rest(value, start);
    let numbers = version
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().filter(|b| **b == b'.').count() >= 2
        && value.len() <= 32
        && matches!(at(version, numbers), 0 | b'-' | b'+' | b' ')
        && version
            .split(|b| *b == b'.')
            .take(2)
            .all(|n| (1..=4).contains(&n.len()))
}

/// Whether the value stands for a secret and is none: a reference to a variable, a template, asterisks, the name
/// of a type.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let (first, last) = (at(value, 0), value.last().copied().unwrap_or(0));
    let identifier = |from: usize| {
        value.len() > from + 1
            && rest(value, from)
                .iter()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':'))
    };
    // `$PASS1`, as shells name what they hold.
    let variable = || {
        rest(value, 1)
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
            && at(value, 1).is_ascii_uppercase()
    };
    if value.is_empty()
        || first == b'$'
            && (matches!(at(value, 1), b'{' | b'(') && memchr::memchr(b'@', value).is_none()
                || identifier(1)
                || variable()
                || value.len() <= 3 && rest(value, 1).iter().all(u8::is_ascii_digit))
        || first == b'@'
            && (matches!(at(value, 1), b'{') || value.starts_with(b"@Microsoft.KeyVault("))
        || value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || value.starts_with(b"#{")
        || first == b'{'
            && last == b'}'
            && value.iter().all(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b'{' | b'}' | b'_' | b'.' | b'$' | b':' | b'!' | b'?')
            })
        || first == b'<' && last == b'>'
        || first == b'%'
            && (last == b'%' && value.len() > 2
                || matches!(value, b"%s" | b"%d" | b"%v" | b"%q" | b"%r" | b"%@" | b"%p"))
        || first == b'['
            && last == b']'
            && value
                .iter()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'[' | b']' | b'_' | b' ' | b'-'))
        // `(known after apply)`
        || first == b'('
            && last == b')'
            && value
                .iter()
                .all(|b| b.is_ascii_lowercase() || matches!(b, b'(' | b')' | b' '))
        // `16 bytes`, which Kubernetes says of a secret.
        || first.is_ascii_digit()
            && value
                .strip_suffix(b" bytes")
                .is_some_and(|count| count.iter().all(u8::is_ascii_digit))
        || first == b':' && identifier(1)
        || value == b"?"
        || value.starts_with(b"%5B") && value.ends_with(b"%5D")
        // A key that is only hinted at, a colour.
        || value.len() <= 16 && (value.ends_with(b"...") || value.ends_with("\u{2026}".as_bytes()))
        || first == b'#' && matches!(value.len(), 4 | 7) && rest(value, 1).iter().all(u8::is_ascii_hexdigit)
        || first == b'_' && value.starts_with(b"__") && value.ends_with(b"__")
        || matches!(first, b'^' | b'~' | b'>' | b'=' | b'v' | b'0'..=b'9') && is_version(value)
        || value.len() <= 2 && !value.iter().any(u8::is_ascii_alphanumeric)
        || is_validation(value)
    {
        return true;
    }
    // ***, xxxx, ..., ----, with at most a few characters left to recognize it by.
    let cross = |b: &u8| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'#' | b'_' | b' ');
    if value.len() >= 3 && value.iter().all(cross) {
        return true;
    }
    // `ghp_xxxxxxxxxxxxxxxx`
    if value.len() >= 8
        && rest(value, value.len() - 8)
            .iter()
            .all(|b| matches!(b, b'x' | b'X'))
    {
        return true;
    }
    // Most values have neither a star nor a sign of three bytes, and are not counted through.
    if memchr::memchr2(b'*', 0xE2, value).is_some() {
        let dots = value
            .windows(3)
            .filter(|w| matches!(w, [0xE2, 0x80, 0xA2 | 0xA6] | [0xE2, 0x97, 0x8F]))
            .count()
            * 3;
        let masked = value.iter().filter(|b| cross(b)).count() + dots;
        let stars = value.iter().filter(|b| **b == b'*').count();
        if masked == value.len() || stars >= 3 && masked * 2 >= value.len() || dots >= 9 {
            return true;
        }
    }
    // A key that was shortened so that it can be recognized: `sk-…abcd`, `ghp_...x1y2`.
    if value.len() > 64 {
        return false;
    }
    let mut lower = [0u8; 64];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = if matches!(byte, b'-' | b' ') {
            b'_'
        } else {
            byte.to_ascii_lowercase()
        };
    }
    let word = part(&lower, 0, value.len());
    is_harmless_word(word)
        || bytes::find(word, b"_your_").is_some()
        || [
            &b"your_"[..],
            b"my_secret_here",
            b"insert_",
            b"enter_",
            b"replace_",
            b"<your",
            b"env:",
            b"env.",
            b"vault:",
            b"op://",
            b"secret://",
            b"arn:aws:secretsmanager",
            b"arn:aws:ssm",
            b"projects/",
            b"ssm:",
            b"file:",
            b"example_",
            b"dummy_",
            b"placeholder",
            b"changeme_",
            b"todo_",
            b"fill_",
            b"put_your",
            b"add_your",
            b"some_",
            b"process.env",
            b"os.environ",
            b"secrets.",
            b"var.",
        ]
        .iter()
        .any(|head| at(head, 0) == at(word, 0) && word.starts_with(head))
        || [&b"_here"[..], b"_placeholder", b"_goes_here"]
            .iter()
            .any(|tail| word.ends_with(tail))
}

/// Whether a value says what is asked of a field: `required|min:8|confirmed`.
fn is_validation(value: &[u8]) -> bool {
    let mut rules = value
        .split(|b| *b == b'|')
        .map(|rule| part(rule, 0, memchr::memchr(b':', rule).unwrap_or(rule.len())));
    memchr::memchr(b'|', value).is_some()
        && rules.clone().any(|rule| {
            matches!(
                rule,
                b"required"
                    | b"string"
                    | b"nullable"
                    | b"sometimes"
                    | b"min"
                    | b"max"
                    | b"confirmed"
                    | b"bail"
            )
        })
        && rules.all(|rule| {
            !rule.is_empty() && rule.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
        })
}

/// Whether the value is what a person reads beside a field: the field's own name, or a sentence about it.
pub(crate) fn is_label(value: &[u8], name: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.is_empty()
        || value.len() > 200
        || !value.iter().enumerate().all(|(index, b)| {
            b.is_ascii_alphabetic()
                // `Use at least 8 characters`
                || b.is_ascii_digit() && index > 3 && matches!(at(value, index - 1), b' ' | b'0'..=b'9')
                || matches!(
                    b,
                    b' ' | b'\''
                        | b'?'
                        | b'!'
                        | b'.'
                        | b','
                        | b':'
                        | b'-'
                        | b'_'
                        | b'('
                        | b')'
                        | b'/'
                )
                || *b >= 0x80
        })
    {
        return false;
    }
    if is_complaint(value) {
        return true;
    }
    // A text in another alphabet.
    if memchr::memchr(b' ', value).is_some() && value.iter().all(|b| *b >= 0x80 || *b == b' ') {
        return true;
    }
    let same = value
        .iter()
        .filter(|b| b.is_ascii_alphabetic())
        .map(u8::to_ascii_lowercase)
        .eq(name
            .iter()
            .filter(|b| b.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase));
    if same {
        return true;
    }
    // The field's name in another language: `Mot de passe`.
    let foreign = memchr::memchr(b' ', value).is_some() || value.iter().any(|b| *b >= 0x80);
    let foreign = foreign && value.split(|b| *b == b' ').all(|word| word.len() >= 2);
    if foreign && value.len() <= 40 && names::judge(value) == Kind::Secret {
        return true;
    }
    let mut words = 0;
    let mut about = false;
    let mut small = false;
    for word in value
        .split(|b| !b.is_ascii_alphabetic() && *b != b'\'')
        .filter(|w| !w.is_empty())
    {
        words += 1;
        let is = |list: &[&[u8]]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
        about |= is(&[
            b"password",
            b"passwords",
            b"passphrase",
            b"secret",
            b"secrets",
            b"token",
            b"tokens",
            b"key",
            b"keys",
            b"credentials",
            b"cookie",
            b"cookies",
            b"login",
            b"pin",
            b"code",
            b"authorization",
            b"session",
            b"api",
        ]);
        small |= is(&[
            b"your",
            b"the",
            b"enter",
            b"please",
            b"must",
            b"is",
            b"are",
            b"for",
            b"to",
            b"of",
            b"with",
            b"new",
            b"old",
            b"forgot",
            b"confirm",
            b"at",
            b"least",
            b"characters",
            b"invalid",
            b"required",
            b"not",
            b"used",
            b"optional",
            b"current",
            b"repeat",
            b"reset",
            b"change",
            b"wrong",
            b"missing",
            b"incorrect",
            b"expired",
            b"was",
            b"has",
            b"and",
            b"or",
            b"an",
            b"in",
            b"on",
            b"by",
            b"from",
            b"via",
            b"no",
        ]);
    }
    // `my password is secret` is nobody's label.
    words >= 2 && about && !has_word_at(value, 0, b"my ")
        || words >= 4 && small && value.first().is_some_and(u8::is_ascii_uppercase)
}

/// Whether an unquoted value `from..to` is a secret and not code, prose or a placeholder.
pub(crate) fn is_unquoted_secret(
    scope: &Scope<'_>,
    from: usize,
    to: usize,
    name: &[u8],
    kind: Kind,
    style: Style,
) -> bool {
    let value = scope.part(from, to);
    if value.len() < 3 && !value.iter().any(u8::is_ascii_alphanumeric)
        || value.len() < 2
        || value.starts_with(MARK_START)
        || is_placeholder(value)
    {
        return false;
    }
    if is_path(value) || is_algorithm(value) {
        return false;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let plain = value
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    match kind {
        Kind::Maybe | Kind::Pwd | Kind::Phrase if !fits(value, kind) => return false,
        Kind::Pin => return fits(value, kind),
        Kind::Secrets if digits == value.len() => return false,
        _ => {}
    }
    let next = at(
        scope.text,
        run_end(scope.text, to, scope.to.min(to + 4), |b| b == b' '),
    );
    let code_line = scope.at(to) == b';' && !lex::is_assignment(scope, to + 1)
        || to < scope.to && matches!(scope.at(to), b'(' | b'<' | b'[' | b'{' | b'!');
    // `0x02`
    if value.starts_with(b"0x")
        && value.len() <= 10
        && rest(value, 2).iter().all(u8::is_ascii_hexdigit)
    {
        return false;
    }
    if digits == value.len() {
        let code = part(name, name.len().saturating_sub(3), name.len());
        let long = value.len() >= 4 || matches!(code, b"cvv" | b"cvc" | b"CVV" | b"CVC");
        return long && !(style.spaced && style.equals && code_line);
    }
    // A parameter of SQL: `token = @token`
    if at(value, 0) == b'@' && style.equals && names::judge(rest(value, 1)).hides() && digits == 0 {
        return false;
    }
    // `token: Type = value`
    if !style.equals && next == b'=' && scope.at(to) == b' ' {
        return false;
    }
    if is_expression(scope, from, to, style) {
        return false;
    }
    // `jwt: alg=RS256`: a list of its own follows.
    let bare = part(
        value,
        0,
        value
            .iter()
            .take_while(|b| !matches!(b, b'>' | b']' | b')'))
            .count(),
    );
    if bare.len() < value.len() && is_harmless_word(bare) {
        return false;
    }
    let listed = memchr::memchr(b'=', value).is_some_and(|sign| {
        sign + 1 < value.len()
            && part(value, 0, sign)
                .iter()
                .all(|b| b.is_ascii_lowercase() || *b == b'_')
            && at(value, sign + 1) != b'='
    }) || value.last() == Some(&b'=') && value.len() < 12 && digits == 0;
    if !style.equals && style.spaced && listed {
        return false;
    }
    // Beside quoted names a word without quotes is a variable: `"x-api-key": key1 }`.
    let ends = matches!(next, b',' | b'}' | b')') && to < scope.to;
    if style.quoted_name
        && !style.equals
        && ends
        && value.len() < 16
        && digits <= 2
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    {
        return false;
    }
    // `credentials: AWS/IAM`
    let choice =
        kind == Kind::Secrets && value.iter().all(|b| b.is_ascii_alphabetic() || *b == b'/');
    if !plain {
        return !choice;
    }
    let letters_only = digits == 0;
    // In a query nothing refers to anything.
    let query = matches!(
        scope.before(from.saturating_sub(1 + name.len())),
        b'?' | b'&'
    );
    let refers = !query && names::judge(value) != Kind::Plain && digits <= 1;
    if refers || has_upper_const(value) && letters_only {
        return false;
    }
    if letters_only {
        // `imagePullSecrets: regcred`
        if value.len() < 4 || kind == Kind::Secrets && name.ends_with(b"ecrets") {
            return false;
        }
        let lower = value
            .iter()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'));
        let alone = matches!(scope.at(to), 0 | b'\n' | b'\r');
        if style.equals && (!style.spaced || style.quoted_name) {
            return !code_line && memchr::memchr(b'.', value).is_none();
        }
        // A word after a colon is prose or a type unless the line is nothing but the assignment.
        // `"token:count"` is the name of something.
        let quoted = style.quote != 0 && scope.at(to) == style.quote;
        return (style.own_line && alone || quoted && (style.spaced || is_password_name(name)))
            && lower
            && !(style.equals && memchr::memchr(b'[', name).is_some());
    }
    // `token: u32`, `key: Ed25519`
    if style.spaced && !style.quoted_name && value.len() < 6 && !style.own_line {
        return false;
    }
    if code_line && style.spaced && is_camel(value) {
        return false;
    }
    true
}

/// Whether a name is that of a password: what stands under it is hardly ever the name of a thing.
pub(crate) fn is_password_name(name: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"pass",
        b"pwd",
        b"secret",
        b"kennwort",
        b"contrase",
        b"senha",
        b"heslo",
        b"parola",
    ];
    (0..name.len()).any(|at| {
        bytes::at(name, at) >= 0x80 || WORDS.iter().any(|word| has_word_at(name, at, word))
    }) || name.len() >= 2 && has_word_at(name, name.len() - 2, b"pw")
}

/// Whether a word that can only be a literal where it stands is a secret, and not a placeholder or a reference.
pub(crate) fn is_literal(value: &[u8], name: &[u8]) -> bool {
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = value.iter().any(u8::is_ascii_digit);
    let refers = !digits && (names::judge(value) != Kind::Plain || has_upper_const(value));
    // `ENC[…]`, `Vec<u8>`, a call.
    let head = value
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count();
    let expression = head > 0 && matches!(at(value, head), b'(' | b'[' | b'<' | b'{');
    value.len() >= 4
        && letters >= 2
        && (!matches!(at(value, 0), b'/' | b'.' | b'~') || !is_path(value))
        && !expression
        && !refers
        && !is_rooted(value)
        && !has_mark(value)
        && !is_placeholder(value)
        && !is_type(value)
        && !is_outcome(value)
        && !is_label(value, name)
        // A substitution.
        && bytes::find(value, b"://").is_none()
        && bytes::find(value, b"${").is_none()
        && bytes::find(value, b"$(").is_none()
        && bytes::find(value, b"{{").is_none()
}

/// The members of what code calls by these names are no literals: `settings.db`.
fn is_rooted(value: &[u8]) -> bool {
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
fn has_upper_const(value: &[u8]) -> bool {
    memchr::memchr(b'_', value).is_some()
        && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

fn is_camel(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric)
        && value.iter().filter(|b| b.is_ascii_digit()).count() <= 3
        && value.first().is_some_and(u8::is_ascii_uppercase)
}

/// Whether an unquoted value is an expression: a call, a path of names, a type, a reference.
fn is_expression(scope: &Scope<'_>, from: usize, to: usize, style: Style) -> bool {
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
