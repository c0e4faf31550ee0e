//! The small words of sentences about secrets: what links one to its name, whose it is, and what is done with it.

use crate::redact::catalogue::list::List;
use crate::redact::read::bytes;

/// What says of a name what it is: `the password is …`, `la contraseña es …`.
const COPULAS: &List = &List::of(&[
    "is", "are", "jest", "was", "ist", "lautet", "est", "es", "è", "é", "это", "to",
]);

pub(crate) fn is_copula(word: &[u8]) -> bool {
    COPULAS.has_ignoring_case(word)
}

/// What stands between a copula and a number: `le code est le 5502`.
pub(crate) fn points(word: &[u8]) -> bool {
    const { &List::of(&["le", "el", "il", "now", "jetzt", "nu"]) }.has_ignoring_case(word)
}

/// What gives out a secret behind its name: `token created: …`.
const GIVEN: &List = &List::of(&["created", "generated", "issued"]);

pub(crate) fn is_given(word: &[u8]) -> bool {
    GIVEN.has_ignoring_case(word)
}

/// Words between a name and its value that say nothing of their own.
#[rustfmt::skip]
const LINKS: &List = &List::of(&[
    "adalah", "agora", "ahora", "are", "as", "auf", "ay", "be", "been", "by", "changed", "currently", "er", "es",
    "est", "estas", "este", "from", "gewijzigd", "has", "have", "ir", "is", "ist", "je", "jest", "jetzt", "lautet",
    "là", "maintenant", "mudou", "naar", "now", "nu", "nun", "on", "ora", "reset", "rotated", "sera", "set", "still",
    "teraz", "to", "updated", "war", "was", "will", "with", "yra", "är", "è", "é", "είναι", "е", "на", "теперь", "це",
    "это", "є", "је", "הוא", "היא", "هو", "هي",
]);

pub(crate) fn is_link(word: &[u8]) -> bool {
    LINKS.has_ignoring_case(word)
}

/// Those of them that link nothing without another behind them: `changed to …`.
const CHANGES: &List = &List::of(&["changed", "mudou", "reset", "rotated", "set", "updated"]);

pub(crate) fn is_change(word: &[u8]) -> bool {
    CHANGES.has_ignoring_case(word)
}

/// Words for a one-time code, as the last of its name.
#[rustfmt::skip]
const CODES: &List = &List::of(&[
    "2fa", "abholcode", "alarmcode", "code", "codes", "codice", "codigo", "código", "deurcode", "einmalcode",
    "einmalkennwort", "einmalpasswort", "kod", "kodas", "kode", "koden", "kodu", "koodi", "kód", "mfa", "otp",
    "passcode", "password", "pin", "pincode", "puk", "tan", "toegangscode", "totp", "türcode", "zugangscode", "код",
]);

pub(crate) fn is_code(word: &[u8]) -> bool {
    CODES.has_ignoring_case(word)
}

/// What a dial is turned to.
pub(crate) fn is_combination(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "combination",
            "kombination",
            "combinaison",
            "combinación",
            "combinazione",
            "combinação",
        ])
    }
    .has_ignoring_case(word)
}

/// Those that say it without another word.
pub(crate) fn is_one_time(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "otp",
            "totp",
            "passcode",
            "2fa",
            "mfa",
            "puk",
            "einmalpasswort",
            "einmalkennwort",
            "einmalcode",
            "türcode",
        ])
    }
    .has_ignoring_case(word)
}

/// Whose a code is.
const OWNERS: &List = &List::of(&[
    "your", "ihr", "ihre", "dein", "deine", "votre", "ton", "tu", "su", "seu", "tuo", "suo", "je",
    "uw", "din", "ваш", "твой", "vase", "twój",
]);

pub(crate) fn is_owner(word: &[u8]) -> bool {
    OWNERS.has_ignoring_case(word)
}

/// What leads from a code to its name behind it: `482913 as your code`.
pub(crate) fn leads_to_name(word: &[u8]) -> bool {
    is_copula(word) || const { &List::of(&["as", "—"]) }.has_ignoring_case(word)
}

/// What is done with a code: `enter the code … to sign in`.
const USES: &List = &List::of(&[
    "enter",
    "use",
    "type",
    "eingeben",
    "saisissez",
    "ingrese",
    "introduzca",
    "inserisci",
    "digite",
    "logga",
    "logg",
]);

pub(crate) fn is_use(word: &[u8]) -> bool {
    USES.has_ignoring_case(word)
}

/// What leads to what a code is used for.
pub(crate) fn leads_to_aim(word: &[u8]) -> bool {
    const { &List::of(&["to", "zum", "pour", "para", "per"]) }.has_ignoring_case(word)
}

/// What a code is used for.
pub(crate) fn is_aim(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "log",
            "login",
            "sign",
            "verify",
            "confirm",
            "authenticate",
            "anmelden",
            "vous",
            "iniciar",
            "accedere",
        ])
    }
    .has_ignoring_case(word)
}

/// What counts, behind a number, in a language that sets no spaces.
const UNITS: &[&str] = &[
    "秒", "分", "時間", "小时", "天", "日", "次", "回", "个", "位", "초", "분", "시간", "일", "회",
    "자",
];

pub(crate) fn counts(behind: &[u8]) -> bool {
    UNITS.iter().any(|unit| behind.starts_with(unit.as_bytes()))
}

/// What a query asks for, right before a colon: `password repo:acme/app`.
pub(crate) fn is_qualifier(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "author", "filename", "from", "has", "in", "is", "label", "language", "org", "path",
            "repo", "sort", "state", "subject", "to", "type", "user",
        ])
    }
    .has_ignoring_case(word)
}

/// What names a secret by its id: `--secret id=npm`.
pub(crate) fn is_id(word: &[u8]) -> bool {
    word == b"id"
}

/// Words for what a user and a password give: `login: bob / hunter2`.
#[rustfmt::skip]
const LOGINS: &List = &List::of(&[
    "acceso", "access", "accesso", "account", "accès", "acesso", "anmeldung", "bilgileri", "bİlgİlerİ", "connexion", "dostęp",
    "identifiants", "konto", "login", "logon", "logowania", "toegang", "wi-fi", "wifi", "wlan", "zugang", "данные", "доступ",
    "الدخول", "ログイン", "ログイン情報", "정보",
]);

pub(crate) fn is_login(word: &[u8]) -> bool {
    LOGINS.has_ignoring_case(word)
}

/// What is said of a user and a password that somebody tried.
pub(crate) fn is_used(word: &[u8]) -> bool {
    const { &List::of(&["used", "using", "with", "tried"]) }.has_ignoring_case(word)
}

/// Words for the one whose password follows the name: `user bob pass hunter2`.
pub(crate) fn is_user(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "user",
            "username",
            "login",
            "usr",
            "uname",
            "usuario",
            "usuário",
            "utilisateur",
            "benutzer",
            "utente",
            "wifi",
            "wlan",
            "ssid",
            "gebruiker",
            "użytkownik",
            "kullanıcı",
            // What `KULLANICI` is in lower case, where only ASCII letters are compared.
            "kullanici",
        ])
    }
    .has_ignoring_case(word)
}

/// Whether a user is assigned in a piece of code or of JSON: `user: 'bob', `.
pub(crate) fn names_user(before: &[u8]) -> bool {
    [&b"user"[..], b"login", b"username", b"email", b"ssid"]
        .iter()
        .any(|word| {
            memchr::memmem::rfind(before, word).is_some_and(|at| {
                let behind = bytes::rest(before, at + word.len());
                let behind = behind.strip_prefix(b"\"").unwrap_or(behind);
                matches!(behind.trim_ascii_start().first(), Some(b':' | b'='))
            })
        })
}

/// The last words before a secret that is named further ahead: of a login, of a change, of a statement.
#[rustfmt::skip]
const LEADS: &List = &List::of(&[
    "a", "and", "auf", "by", "clave", "code", "en", "key", "na", "naar", "pass", "pin", "schlüssel", "til", "till", "to", "with", "на",
]);

pub(crate) fn leads(word: &[u8]) -> bool {
    LEADS.has_ignoring_case(word)
}

/// What a password is called behind the user's name, and is not alone.
pub(crate) fn is_short_for_password(word: &[u8]) -> bool {
    const { &List::of(&["pass", "clave", "key", "code", "pin", "schlüssel"]) }
        .has_ignoring_case(word)
}

/// What ends before the user that someone logs in as: `log in as bob with hunter2`.
#[rustfmt::skip]
pub(crate) const LOGS_IN: &[&str] = &[
    "login with ", "login as ", "log in with ", "log in as ", "logged in with ", "logged in as ", "sign in with ", "sign in as ",
    "signed in as ", "credentials are ", "credentials: ",
];

/// What leads from the user to the password.
pub(crate) const WITH: &[&str] = &[" and ", " with "];

/// What leads from what something was changed from to what it was changed to, and to the former.
pub(crate) const TO: &[&str] = &[
    " to ", " auf ", " en ", " a ", " naar ", " na ", " till ", " til ", " на ",
];
pub(crate) const FROM: &[&str] = &[
    " from ", " von ", " de ", " da ", " van ", " z ", " från ", " fra ", " с ",
];

/// What leads into what something is changed to.
pub(crate) fn leads_into(word: &[u8]) -> bool {
    const { &List::of(&["a", "in", "en", "veranderd"]) }.has_ignoring_case(word)
}

/// What leads into it, or to whom it is changed for: `a senha mudou para …`.
pub(crate) fn leads_into_or_for(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"para")
}

/// Whether a sentence says that something is changed, in any form of the word.
pub(crate) fn speaks_of_change(sentence: &[u8]) -> bool {
    [
        "chang", "cambia", "mudou", "mudad", "änder", "verander", "wijzig",
    ]
    .iter()
    .any(|stem| {
        sentence
            .windows(stem.len())
            .any(|part| bytes::is_same(part, stem.as_bytes()))
    })
}

/// Words for a number that a person keeps in mind.
pub(crate) fn is_pin(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "pin",
            "pincode",
            "tan",
            "mtan",
            "пин",
            "geheimzahl",
            "alarmcode",
            "abholcode",
        ])
    }
    .has_ignoring_case(word)
}

/// Words for how a code is sent.
pub(crate) fn is_message(word: &[u8]) -> bool {
    const { &List::of(&["sms", "texted", "texto", "смс"]) }.has_ignoring_case(word)
}

/// How a message says, right behind the word for a code, that somebody received it: `the code I received: …`.
#[rustfmt::skip]
pub(crate) const RECEIVED: &[&str] = &[
    " i received", " i just received", " they sent me", " you sent me", " she sent me", " he sent me", " we sent you",
    " sent to my phone", " sent to your phone", " sent to my email", " sent to your email", ", den ich bekommen habe",
    ", den ich erhalten habe", " que j'ai reçu", " que recibí", " que recebi", " che ho ricevuto",
    ", который я получил", ", который я получила",
];

/// Words that say it where a copula follows, and are said of other codes where a colon does: `code received: 200`,
/// `I ran the code I got: 4829`.
pub(crate) const RECEIVED_IF_SAID: &[&str] = &[" i got", " received"];

/// Words that say it where an address follows: `the code sent to ann@example.com is …`.
pub(crate) const SENT_TO: &[&str] = &[" sent to"];

/// What may stand between such words and the code: `the code that I got is …`.
pub(crate) const THAT: &[u8] = b" that";

/// What a program is measured in, which is called code, too.
pub(crate) fn measures_code(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "bytes",
            "characters",
            "chars",
            "files",
            "lines",
            "loc",
            "tokens",
        ])
    }
    .has_ignoring_case(word)
}

/// What leads from a name to whose it is: `the API key for production is …`.
#[rustfmt::skip]
pub(crate) const PREPOSITIONS: &[&str] = &[
    " for ", " to ", " au ", " of ", " on ", " in ", " du ", " de ", " del ", " do ", " von ", " от ", " для ", " per ",
    " für ", " pour ", " para ", " voor ", " dla ", " till ", " til ",
    " you should use ", " you can use ", " you have to use ",
];

/// What joins a word to something that it is no part of the name of.
pub(crate) fn parts(word: &[u8]) -> bool {
    const { &List::of(&["in", "from", "with", "and", "or", "as", "is"]) }.has_ignoring_case(word)
}

/// What joins the last item of a list to those before it.
pub(crate) fn joins(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "and", "or", "und", "oder", "et", "ou", "y", "o", "e", "en", "i", "och", "og", "ve",
            "и", "或", "和", "&",
        ])
    }
    .has_ignoring_case(word)
}

/// Words that follow the name of an option in a text about it: `the --token flag`.
const OF_USAGE: &List = &List::of(&[
    "flag",
    "option",
    "argument",
    "parameter",
    "switch",
    "options",
    "flags",
    "if",
    "can",
]);

pub(crate) fn is_of_usage(word: &[u8]) -> bool {
    OF_USAGE.has_ignoring_case(word)
}

/// Words that say nothing of whose a key is, or what for.
pub(crate) fn is_article(word: &[u8]) -> bool {
    const { &List::of(&["the", "this", "that", "a"]) }.has_ignoring_case(word)
}

/// What may stand between the name of a secret and the secret in a language that sets no spaces.
#[rustfmt::skip]
pub(crate) const PARTICLES: &[&str] = &[
    "固定填", "填", "：", ":", "=", " ", "是", "为", "為", "は", "が", "を", "은", "는", "이", "를", "로", "「", "“", "\"", "'", "了", "成", "改", "です",
    "これ", "입니다", "คือ",
];

/// What leads from a name to whose it is, or what for: `password of the database`.
#[rustfmt::skip]
const OF: &List = &List::of(&[
    "cho", "của", "da", "de", "del", "della", "der", "di", "dla", "do", "du", "for", "für", "ke", "ku", "na",
    "od", "of", "on", "para", "pentru", "por", "pour", "til", "till", "to", "untuk", "van", "von",
    "voor", "za", "zum", "για", "від", "для", "до", "за", "к", "на", "од", "от",
]);

/// Those that are part of a name if they have a capital: `Password Pro`.
const OF_IN_LOWER_CASE: &List = &List::of(&["k", "ng", "per", "pre", "pro", "v", "w"]);

pub(crate) fn is_of(word: &[u8]) -> bool {
    OF.has_ignoring_case(word) || OF_IN_LOWER_CASE.has(word)
}

/// Whether an article or a preposition is written as one with the word behind it: `clé d'API`.
pub(crate) fn is_elided(word: &[u8]) -> bool {
    const { &List::of(&[" d'", " l'"]) }.has_ignoring_case(word)
}

/// A copula whose subject is what was named before: `le mot de passe, c'est …`.
pub(crate) const REFERS_BACK: &[&str] = &[", c'est", ", c’est", " c'est", " c’est"];

/// Prepositions that no secret follows right away: `the password for user42`.
pub(crate) fn is_of_place(word: &[u8]) -> bool {
    const { &List::of(&["for", "of", "in"]) }.has_ignoring_case(word)
}

/// Whose something is, or which.
pub(crate) fn is_determiner(word: &[u8]) -> bool {
    const { &List::of(&["my", "our", "your", "his", "her", "the", "a", "this"]) }
        .has_ignoring_case(word)
}

/// Articles of other languages, before the name of a secret. Behind a copula they begin what is no name more often:
/// `ES256 es el algoritmo de token`.
pub(crate) fn is_foreign_article(word: &[u8]) -> bool {
    const { &List::of(&["der", "den", "le", "el", "il", "o"]) }.has_ignoring_case(word)
}

/// What a secret is called stands behind it: `use … as password`.
const NAMING: &List = &List::of(&["as", "als", "como", "come", "comme"]);

/// Whether a secret is called what stands behind this word. In capitals it names a column: `SELECT a1 AS password`.
pub(crate) fn names(word: &[u8]) -> bool {
    NAMING.has(word)
}

/// What leads from a secret to its name behind it: `type … into the password field`.
pub(crate) fn leads_to_field(word: &[u8]) -> bool {
    NAMING.has_ignoring_case(word) || const { &List::of(&["in", "into"]) }.has_ignoring_case(word)
}

/// What a secret is that takes the place of another: `… as the new password`.
pub(crate) fn is_new(word: &[u8]) -> bool {
    const {
        &List::of(&[
            "new",
            "neues",
            "temporary",
            "initial",
            "nueva",
            "nouveau",
            "nuova",
            "nova",
        ])
    }
    .has(word)
}

/// A key of any kind.
pub(crate) fn is_key(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"key")
}

/// Where something is typed.
pub(crate) fn is_field(word: &[u8]) -> bool {
    const { &List::of(&["field", "input", "box", "textbox"]) }.has_ignoring_case(word)
}

/// Algorithms that name a key.
pub(crate) fn is_algorithm_of_key(word: &[u8]) -> bool {
    const { &List::of(&["rsa", "dsa", "pgp", "gpg"]) }.has_ignoring_case(word)
}

/// What is done to an object that is called a secret: `kubectl get secret db-1`.
const DONE_TO_RESOURCES: &List = &List::of(&[
    "get", "delete", "describe", "edit", "patch", "create", "inspect", "rm", "apply", "label",
    "annotate",
]);

pub(crate) fn is_done_to_resource(verb: &[u8]) -> bool {
    DONE_TO_RESOURCES.has_ignoring_case(verb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    #[test]
    fn long_lists_are_in_order() {
        assert_in_order(LINKS.words);
        assert_in_order(LOGINS.words);
        assert_in_order(OF.words);
        assert_in_order(CODES.words);
    }

    #[test]
    fn small_words_are_known_in_either_case() {
        assert!(is_link(b"IS") && is_link("är".as_bytes()) && !is_link(b"hunter2"));
        assert!(is_copula(b"lautet") && !is_copula(b"as") && leads_to_name(b"as"));
        assert!(is_change(b"reset") && is_link(b"reset") && is_given(b"created"));
        assert!(is_code(b"Code") && is_owner(b"Your") && is_use(b"enter") && is_one_time(b"OTP"));
        assert!(is_login(b"Login") && !is_login(b"page") && is_pin(b"PIN") && is_message(b"SMS"));
        assert!(speaks_of_change(b"I changed it") && leads_into(b"in") && parts(b"and"));
        assert!(is_of_usage(b"flag") && is_article(b"The") && !is_article(b"acme"));
    }
}
