//! Values that stand for a secret and are none: marks, templates, asterisks, hints.

use crate::redact::catalogue::{code as code_words, formats, keys, shaped, words};
use crate::redact::class::MARK_START;
use crate::redact::judge::{code, random};
use crate::redact::read::bytes::{self, at, is_token, make_lowercase, part, rest};
use crate::redact::read::kinds::{
    ALPHANUMERIC, BACKSLASH, BAR, COLON, CURLY, DASH, DOT, EQUALS, HASH, HIGH, Kinds, PERCENT,
    ROUND, SLASH, SPACE, SQUARE, STAR, TOKEN, UNDERSCORE,
};

/// What is longer says something else.
const MAX_SAID: usize = 64;
/// Few prefixes of keys are longer.
const MAX_PREFIX: usize = 16;

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
    let parts = || version.split(|b| *b == b'.').take(2).map(<[u8]>::len);
    version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().filter(|b| **b == b'.').count() >= 2
        && value.len() <= 32
        && matches!(at(version, numbers), 0 | b'-' | b'+' | b' ')
        && parts().all(|n| (1..=4).contains(&n))
        // `529.982.247-25` is the number of a person.
        && !parts().all(|n| n == 3)
}

/// Whether the value stands for a secret and is none: a reference to a variable, a template, asterisks, the name
/// of a type, a pattern that a secret fits.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let kinds = Kinds::of(value);
    // Most secrets are letters and digits alone, which say little: a fifth of what all the questions cost.
    if kinds.only(ALPHANUMERIC) {
        let crossed = matches!(value.last(), Some(b'x' | b'X'));
        return value.is_empty() || is_said(value, kinds) || crossed && is_masked(value, kinds);
    }
    kinds.any(DASH) && is_public_key(value)
        || is_remark(value)
        || is_masked(value, kinds)
        || is_said(value, kinds)
        || !kinds.only(TOKEN) && is_written_for_one(value, kinds)
        || kinds.any(DASH | UNDERSCORE | DOT) && is_behind_prefix(value, kinds)
}

/// The same of what has signs in it, as most secrets have not; each question is asked of what has a sign that it is about.
fn is_written_for_one(value: &[u8], kinds: Kinds) -> bool {
    is_public_armour(value)
        || is_variable(value)
        || is_template(value)
        || kinds.any(DOT) && is_version(value)
        || kinds.any(BAR) && is_validation(value)
        || kinds.any(BACKSLASH | SQUARE | ROUND | STAR) && is_pattern(value, kinds)
        || kinds.any(EQUALS | SLASH | HASH | DOT | COLON | SQUARE) && is_selector(value)
        || kinds.any(SLASH | BACKSLASH) && code::is_path(value)
        || kinds.any(ROUND | SQUARE | DOT) && code::is_reference(value)
        || kinds.any(CURLY | PERCENT | ROUND) && is_mostly_template(value)
}

/// A certificate, or a key that everybody may have.
fn is_public_armour(value: &[u8]) -> bool {
    let line = part(value, 0, 40);
    line.starts_with(formats::ARMOUR)
        && formats::PUBLIC_ARMOURS
            .iter()
            .any(|what| bytes::find(line, what).is_some())
}

/// The first word of a key that everybody may have, perhaps behind a user: `ops:ssh-ed25519`.
fn is_public_key(value: &[u8]) -> bool {
    let colon = memchr::memrchr(b':', value).map_or(0, |n| n + 1);
    let of = rest(value, colon);
    formats::PUBLIC_KEYS
        .iter()
        .any(|key| of.starts_with(key.as_bytes()))
}

/// `$NAME`, `${name}`, `@{name}`, `%NAME%`, `:name`: what a shell, a script, or a statement puts a value in for.
fn is_variable(value: &[u8]) -> bool {
    let name = |from: usize| {
        value.len() > from + 1
            && rest(value, from)
                .iter()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':'))
    };
    // `$PASS1`, as shells name what they hold, and `$env:PASS1`.
    let shouted = || {
        let name = value
            .strip_prefix(words::ENVIRONMENT)
            .unwrap_or(rest(value, 1));
        at(name, 0).is_ascii_uppercase()
            && name
                .iter()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
    };
    match at(value, 0) {
        b'$' => {
            matches!(at(value, 1), b'{' | b'(') && memchr::memchr(b'@', value).is_none()
                || name(1)
                || shouted()
                // `$t('login.password')`
                || value.ends_with(b")") && memchr::memchr(b'(', value).is_some()
                || value.len() <= 3 && rest(value, 1).iter().all(u8::is_ascii_digit)
        }
        b'@' => at(value, 1) == b'{' || is_said(rest(value, 1), Kinds::of(value)),
        b'%' => {
            value.ends_with(b"%") && value.len() > 2
                || value.len() == 2 && at(value, 1).is_ascii_alphabetic()
                || value == b"%@"
                // `%(password)s`
                || at(value, 1) == b'(' && value.len() >= 2 && at(value, value.len() - 2) == b')'
        }
        b':' => name(1),
        // What a command prints.
        b'`' => value.len() > 2 && value.ends_with(b"`") && memchr::memchr(b' ', value).is_some(),
        _ => false,
    }
}

/// `{{name}}`, `<name>`, `{0}`, `[name]`: the place of a value in a text.
fn is_template(value: &[u8]) -> bool {
    let inside = |is: fn(&u8) -> bool| value.iter().all(is);
    let is = match (at(value, 0), at(value, value.len() - 1)) {
        (b'<', b'>') => true,
        (b'{', b'}') => inside(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'{' | b'}' | b'_' | b'.' | b'$' | b':' | b'!' | b'?')
        }),
        (b'[', b']') => {
            value.starts_with(b"[[") && value.ends_with(b"]]")
                || inside(|b| {
                    b.is_ascii_alphabetic() || matches!(b, b'[' | b']' | b'_' | b' ' | b'-')
                })
        }
        _ => false,
    };
    is || value.starts_with(b"{{") || value.starts_with(b"<%") || value.starts_with(b"#{")
}

/// What tools print in the place of a value: `(known after apply)`, `16 bytes` of Kubernetes, `?`; and a colour.
fn is_remark(value: &[u8]) -> bool {
    let first = at(value, 0);
    first == b'('
        && value.ends_with(b")")
        && value
            .iter()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'(' | b')' | b' '))
        || first.is_ascii_digit()
            && value
                .strip_suffix(formats::BYTES)
                .is_some_and(|count| count.iter().all(u8::is_ascii_digit))
        || value == b"?"
        // `\n`
        || first == b'\\' && value.len() == 2
        || value.starts_with(b"%5B") && value.ends_with(b"%5D")
        || first == b'#'
            && matches!(value.len(), 4 | 7)
            && rest(value, 1).iter().all(u8::is_ascii_hexdigit)
        || value.starts_with(b"__") && value.ends_with(b"__")
        || value.len() <= 2 && !value.iter().any(u8::is_ascii_alphanumeric)
}

/// `***`, `xxxx`, `...`, `----`, with at most a few characters left to recognize it by.
fn is_masked(value: &[u8], kinds: Kinds) -> bool {
    let cross = |b: &u8| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'#' | b'_' | b' ');
    // A key that is only hinted at.
    if value.len() <= 16 && (value.ends_with(b"...") || value.ends_with("\u{2026}".as_bytes()))
        || value.len() >= 3 && value.iter().all(cross)
        // `ghp_xxxxxxxxxxxxxxxx`
        || value.len() >= 8
            && rest(value, value.len() - 8)
                .iter()
                .all(|b| matches!(b, b'x' | b'X'))
    {
        return true;
    }
    // `***MASKED***`, the first of whose stars may be those of emphasis.
    let word = value.strip_suffix(b"***").unwrap_or_default();
    let word = word.strip_prefix(b"***").unwrap_or(word);
    if !word.is_empty() && word.iter().all(u8::is_ascii_uppercase) {
        return true;
    }
    // Most values have neither a star nor a sign of three bytes, and are not counted through.
    if !kinds.any(STAR | HIGH) {
        return false;
    }
    let dots = value
        .windows(3)
        .filter(|w| matches!(w, [0xE2, 0x80, 0xA2 | 0xA6] | [0xE2, 0x97, 0x8F]))
        .count()
        * 3;
    let masked = value.iter().filter(|b| cross(b)).count() + dots;
    let stars = value.iter().filter(|b| **b == b'*').count();
    masked == value.len() || stars >= 3 && masked * 2 >= value.len() || dots >= 9
}

/// Whether a key begins as a vendor's does, and nothing but a placeholder follows: `npm_REPLACE_ME`, `SG.xxxx.yyyy`.
fn is_behind_prefix(value: &[u8], kinds: Kinds) -> bool {
    let is_sign = |b: &u8| matches!(b, b'-' | b'_' | b'.');
    part(value, 0, MAX_PREFIX)
        .iter()
        .enumerate()
        .filter(|(_, byte)| is_sign(byte))
        .map(|(sign, _)| value.split_at(sign + 1))
        .any(|(prefix, tail)| {
            !tail.is_empty()
                && (is_said(tail, kinds)
                    || is_template(tail)
                    || random::is_filler(tail)
                    || is_masked(tail, kinds))
                && (keys::is_prefix(prefix) || shaped::is_prefix(prefix))
        })
}

/// Whether a value is a regular expression, or a line of a grammar: it says what a secret is made of.
fn is_pattern(value: &[u8], kinds: Kinds) -> bool {
    let has = |sign: &[u8]| bytes::find(value, sign).is_some();
    let class = || {
        value
            .windows(2)
            .any(|two| matches!(two, [b'\\', b'w' | b'W' | b'd' | b'D' | b's' | b'S' | b'b']))
            && value
                .iter()
                .any(|b| matches!(b, b'+' | b'*' | b'{' | b'[' | b'(' | b'^' | b'$' | b'?'))
    };
    // `1*tchar`
    let repeated = || {
        let count = value.iter().take_while(|b| b.is_ascii_digit()).count();
        at(value, count) == b'*' && matches!(at(value, count + 1), b'<' | b'(' | b'a'..=b'z')
    };
    kinds.any(BACKSLASH) && class()
        || kinds.any(SQUARE)
            && (["[^", "[a-z", "[A-Z", "[0-9"]
                .iter()
                .any(|class| has(class.as_bytes()))
                || bytes::find(value, b"]{")
                    .is_some_and(|count| at(value, count + 2).is_ascii_digit()))
        || kinds.any(ROUND) && has(b"(?")
        || kinds.any(STAR) && repeated()
}

/// Whether a value finds an element of a page: `input[name=password]`, `#login-password`, `//input[@id='pw']`.
fn is_selector(value: &[u8]) -> bool {
    let has = |sign: &[u8]| bytes::find(value, sign).is_some();
    let is_attribute = || {
        memchr::memchr(b'[', value).is_some()
            && code_words::ATTRIBUTES
                .iter()
                .any(|attribute| has(attribute.as_bytes()))
    };
    words::is_locator(value)
        || value.ends_with(b"]") && is_attribute()
        || is_way_to_element(value)
        || is_selector_of_css(value)
}

/// `//input[@id='pw']`, `/html/body/div[2]/input`
fn is_way_to_element(value: &[u8]) -> bool {
    let mut steps = value.split(|b| *b == b'/').filter(|step| !step.is_empty());
    let is_step = |step: &[u8]| {
        let sign = |b: &u8| matches!(b, b'[' | b'(' | b':');
        let name = part(step, 0, step.iter().position(sign).unwrap_or(step.len()));
        code_words::is_tag(name) || name == b"*"
    };
    value.starts_with(b"/") && steps.next().is_some_and(is_step) && {
        let rest: usize = steps.take_while(|step| is_step(step)).count();
        value.starts_with(b"//") && memchr::memchr2(b'[', b'*', value).is_some() || rest >= 2
    }
}

/// `#login > input.pw`, `.form-2 .pw`, `div.row`: elements, each a tag, an id, classes, or several of them.
fn is_selector_of_css(value: &[u8]) -> bool {
    let is_joint = |b: &u8| matches!(b, b' ' | b'>' | b'+' | b'~');
    if value.len() > MAX_SAID || !value.iter().any(|b| matches!(b, b'#' | b'.' | b':' | b'[')) {
        return false;
    }
    let elements = || value.split(is_joint).filter(|element| !element.is_empty());
    let is_mark = |b: &u8| matches!(b, b'#' | b'.' | b':' | b'[');
    let tag = |element: &[u8]| element.iter().position(is_mark).unwrap_or(element.len());
    let is_name = |name: &[u8]| {
        let end = name.iter().position(|b| matches!(b, b'(' | b'='));
        !at(name, 0).is_ascii_digit()
            && part(name, 0, end.unwrap_or(name.len()))
                .split(|b| matches!(b, b'-' | b'_' | b']'))
                .all(code::is_word_and_number)
    };
    let is_element = |element: &[u8]| {
        let tag = tag(element);
        (tag == 0 || code_words::is_tag(part(element, 0, tag)))
            && rest(element, tag + 1).split(is_mark).all(is_name)
    };
    // `.dog9` is a password.
    let is_sure = |element: &[u8]| {
        !element.iter().any(u8::is_ascii_digit) || element.iter().any(|b| b"-_([".contains(b))
    };
    let is_alone = || {
        let name = rest(value, 1);
        tag(value) > 0 || name.len() >= 4 && !name.iter().any(u8::is_ascii_uppercase)
    };
    elements().all(is_element)
        && (elements().count() > 1 || is_alone() && is_sure(value))
        && elements().any(|element| tag(element) < element.len())
}

/// Whether words and places of values in a text are all there is: `prefix-${X}`, `{user}:{pw}`, `%s/%s`.
fn is_mostly_template(value: &[u8]) -> bool {
    let (mut pos, mut any, mut word) = (0, false, 0);
    while pos < value.len() {
        let slot = slot(rest(value, pos), at(value, pos.wrapping_sub(1)));
        if slot == 0 && at(value, pos).is_ascii_digit() {
            return false;
        }
        if slot > 0 {
            if random::is_scrambled(part(value, word, pos)) {
                return false;
            }
            word = pos + slot;
        }
        any |= slot > 0;
        pos += slot.max(1);
    }
    any && !random::is_scrambled(rest(value, word))
}

/// How long the place of a value is that a text begins with, or what is left of one, behind `before`.
fn slot(text: &[u8], before: u8) -> usize {
    let is_verb = matches!(text, [b'%', b's' | b'd' | b'v' | b'q', ..]);
    if is_verb && !before.is_ascii_alphanumeric() && !at(text, 2).is_ascii_alphanumeric() {
        return 2;
    }
    let is_of_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.-:!".contains(b);
    words::SLOTS
        .iter()
        .find_map(|(open, close)| {
            let inside = text.strip_prefix(open.as_bytes())?;
            let is_sure = open.len() > 1;
            let is_inside = |b: &&u8| is_of_name(b) || is_sure && b"/ |'\"()$".contains(b);
            let mut end = inside.iter().take_while(is_inside).count();
            if is_sure && part(inside, 0, end).ends_with(close.as_bytes()) {
                end -= close.len();
            }
            let name = part(inside, 0, end);
            let is_closed = rest(inside, end).starts_with(close.as_bytes());
            (end > 0
                && (is_closed || is_sure && end == inside.len())
                && !name.split(|b| !is_token(*b)).any(random::is_opaque))
            .then(|| (open.len() + end + close.len()).min(text.len()))
        })
        .unwrap_or(0)
}

/// Whether the catalogue has the words of a value, or those that it begins or ends with.
fn is_said(value: &[u8], kinds: Kinds) -> bool {
    // Most are told by their ends, and are not written in lower case.
    let is_joined = kinds.any(UNDERSCORE | DASH | SPACE);
    if !is_joined && !words::may_stand_for_secret(value) {
        return false;
    }
    let mut lower = [0u8; MAX_SAID];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = if matches!(byte, b'-' | b' ') {
            b'_'
        } else {
            byte.to_ascii_lowercase()
        };
    }
    if !value.is_ascii() {
        make_lowercase(&mut lower);
    }
    let lower = part(&lower, 0, value.len().min(MAX_SAID));
    if value.len() > MAX_SAID {
        return words::begins_reference(lower);
    }
    words::stands_for_secret(lower) || is_joined && words::says_whose(lower)
}

/// Whether a value says what is asked of a field: `required|min:8|confirmed`.
fn is_validation(value: &[u8]) -> bool {
    let mut rules = value
        .split(|b| *b == b'|')
        .map(|rule| part(rule, 0, memchr::memchr(b':', rule).unwrap_or(rule.len())));
    rules.clone().any(words::is_validator)
        && rules.all(|rule| {
            !rule.is_empty() && rule.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands for a secret.
    const NONE: &[&str] = &[
        "",
        "[use 'op item get db --reveal' to reveal]",
        "$PASS1",
        "${DB_PASSWORD}",
        "@{pw}",
        "%PASSWORD%",
        "%s",
        "%(password)s",
        ":password",
        "{{ token }}",
        "<your token>",
        "{user}:{password}",
        "[password]",
        "(known after apply)",
        "16 bytes",
        "\\n",
        "#a0b1c2",
        "npm_REPLACE_ME",
        "SG.xxxx.yyyy",
        "glpat-<token>",
        "re_123456789",
        "********",
        "xxx",
        "sk-…",
        "ghp_xxxxxxxxxxxx",
        "^6.0.0",
        "required|min:8",
        "^(?=.*[A-Z]).{8,}$",
        r"[^\W\d]\w*",
        "[A-Za-z0-9]{20}",
        "[a-f0-9]{40}",
        "[[PASSWORD1]]",
        "%s:%s",
        "prefix-${X1}",
        "app-${ENV}-${X2",
        "{user}-{pw2}",
        "%{db_pw1}",
        "pre-{{ vault_db_pw2 }}",
        "`cat /run/secrets/db1`",
        "@Microsoft.KeyVault(SecretUri=https://kv1.example.com/db)",
        "gcp:secretmanager:proj1/db",
        "!Ref DbPw1",
        "css=#pass",
        "#login-form > div.row-2 input",
        ".form-2 .pw",
        "#user_password2",
        "input:nth-child(2)",
        "//div[2]/form/input[3]",
        "/html/body/div[2]/form/input[3]",
        "/run/secrets/db2",
        "~/secrets/db2",
        r"C:\\secrets\\db2.txt",
        "@secrets/db2.txt",
        "getenv('DB_PW1')",
        "[parameters('pw1')]",
        "this.state.pw1",
        "settings.DB_PASSWORD_1",
        "params[:password1]",
        "={{ $json.body.pw1 }}",
        "$env:DB_PASSWORD1",
        "varchar(255) NOT NULL",
        "Optional[str]",
        "bcrypt(10)",
        "random_password.db1.result",
        "1*tchar",
        "#login-password",
        ".password-field",
        "input[name=password]",
        "//input[@id='pw']",
        "arn:aws:iam::123456789012:role/app",
        "your-api-key",
        "sua-senha",
        "-----BEGIN CERTIFICATE-----\nMIID",
        "token_here",
        "changeme",
    ];

    /// What comes near.
    const SECRETS: &[&str] = &[
        "hunter2",
        "529.982.247-25",
        "$2b$10$abcdefghijklmnopqrstuv",
        "#Passw0rd",
        "P@ss[word]1",
        "#hunter2",
        "npm_hunter2",
        "sg.dog.cat",
        ".Passw0rd",
        "/Tr0ub4dor",
        "~hunter2",
        "dragon.slayer9",
        "form.hunter2",
        "/wJalrXUtnFEMI/K7MDENG",
        "100%sure9",
        "kT7vq2{x}",
        "{bannerbear wD6W7VJ1Gc0YPSCGvfHEmO}",
        "hunter2/dog",
        "(hunter2)",
        "hunter(2)",
        "user.dragon9",
        "table[9]",
        "Summer_[2024]",
        "Tr0ub4dor&3",
        r"a\dog1",
        ":colon9",
        "s3cr3t*",
        "%x7%q",
    ];

    #[test]
    fn what_stands_for_a_secret_is_told_from_one() {
        for value in NONE {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in SECRETS {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
