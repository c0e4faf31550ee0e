//! One-time codes in messages: a few digits, and words that say that they are for one person to type once.

use crate::redact::catalogue::{names, speech};
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::look::Look;
use crate::redact::judge::name::judge_foreign;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{at, is_same, part, rest, run_start};
use crate::redact::read::lex::{is_address, is_of_key, split_last};
use crate::redact::read::scope::{Found, Scope};

/// How many digits a code has.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=8;
/// So many words before a code may name it.
const AHEAD: usize = 14;
/// So far around a code words say what it is.
const REACH: usize = 96;

/// A code whose first digit stands at `start`: `482913`, `482 913`.
pub(crate) fn code(look: &Look<'_>, start: usize) -> Option<Found> {
    // Most numbers are shorter than any code, or longer, and nothing more is asked of them.
    let count = look.ahead(start, 9, |b| b.is_ascii_digit()) - start;
    if count == 2 && look.at(start + 2) == b'-' {
        return combination(look, start);
    }
    if !(3..=*DIGITS.end()).contains(&count) {
        return None;
    }
    let end = joined_end(look, start, count);
    // In a row of numbers none is a code, unless the one before ends the name of a card's: `CVV2 321`.
    let before = |back: usize| look.before(start.saturating_sub(back));
    let is_number = |sign: u8, digit: u8| sign == b' ' && digit.is_ascii_digit();
    let in_row = is_number(before(0), before(1)) && is_number(look.at(end), look.at(end + 1));
    if in_row && before(2).is_ascii_digit() {
        return None;
    }
    if let Some(end) = of_card(look, start) {
        return Some(Found::new(start, end, Class::Field));
    }
    if in_row || !is_apart(look, start, end) {
        return None;
    }
    // `your code: [482913]`
    let brackets = (before(0), look.at(end));
    let is_round = brackets == (b'(', b')');
    let is_aside = is_round && end - start == 4;
    let first = start - usize::from(is_round || brackets == (b'[', b']'));
    if before(0) == b':' && is_of_key(look, start) {
        return None;
    }
    let line = line_before(look, first, end);
    let behind = look.part(end, end + REACH);
    (is_used(line, behind)
        || is_named_behind(look, behind)
        || is_named_before(look, line, behind, is_aside))
    .then(|| Found::new(start, end, Class::Field))
}

/// The numbers that a dial is turned to, behind a word for them: `Combination: 34-12-88`.
fn combination(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let end = scope.ahead(start, 9, |b| b.is_ascii_digit() || b == b'-');
    let name = scope.back(start, 2, |b| matches!(b, b' ' | b':'));
    let word = scope.part(scope.back(name, 12, is_letter), name);
    let groups = scope.part(start, end).split(|b| *b == b'-');
    let is_one = groups.map(<[u8]>::len).eq([2, 2, 2]) && !is_letter(scope.at(end));
    (is_one && speech::is_combination(word)).then(|| Found::new(start, end, Class::Field))
}

/// What stands before a code on its line, or on the line above where the code stands alone, with the ends of lines
/// between.
fn line_before<'a>(look: &Look<'a>, start: usize, end: usize) -> &'a [u8] {
    let line = |before: &[u8]| memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
    let before = look.last(start, REACH);
    let own = rest(before, line(before));
    let is_alone = matches!(look.at(end), 0 | b'\n' | b'\r') && own.iter().all(|b| *b == b' ');
    if !is_alone {
        return own;
    }
    // Other codes may stand above it, which were found.
    let before = part(
        look.text,
        look.origin.max(start.saturating_sub(REACH)),
        start,
    );
    let is_of_codes = |b: u8| b.is_ascii_digit() || b" -\r\n".contains(&b);
    let above = run_start(before, before.len(), 0, is_of_codes);
    let line = line(part(before, 0, above));
    let end = memchr::memchr(b'\n', rest(before, above)).map_or(before.len(), |n| above + n + 1);
    part(before, line, end)
}

/// Where the code on the back of a card ends, behind its name: `CVV 321`.
fn of_card(scope: &Scope<'_>, start: usize) -> Option<usize> {
    let end = scope.ahead(start, 5, |b| b.is_ascii_digit());
    if !(3..=4).contains(&(end - start)) || is_letter(scope.at(end)) {
        return None;
    }
    let name = scope.back(start, 2, |b| matches!(b, b' ' | b':'));
    let word = scope.back(name, 5, |b| b.is_ascii_alphanumeric());
    let is_named = name < start && names::is_code_of_card(scope.part(word, name));
    is_named.then_some(end)
}

/// Where the digits of a code end, in one group or in two of three; the first has so many.
fn joined_end(scope: &Scope<'_>, start: usize, count: usize) -> usize {
    let end = start + count;
    let second = |from: usize| scope.ahead(from, 4, |b| b.is_ascii_digit());
    if count == 3 && matches!(scope.at(end), b' ' | b'-') && second(end + 1) == end + 4 {
        end + 4
    } else {
        end
    }
}

/// Whether digits are as many as a code has, and stand apart from what is around them.
fn is_apart(scope: &Scope<'_>, start: usize, end: usize) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let apart =
        |b: u8| !letter(b) && !matches!(b, b'/' | b'.' | b'@' | b'=' | b'$' | b'%' | b'-' | b'+');
    let next = scope.at(end);
    let ends = apart(next) || next == b'.' && !letter(scope.at(end + 1));
    // `G-482913`
    let sender = scope.last(start, 3);
    let is_sent =
        matches!(sender, [before @ .., b'A'..=b'Z', b'-'] if before.iter().all(|b| !letter(*b)));
    DIGITS.contains(&(end - start)) && ends && (is_sent || apart(scope.before(start)))
}

/// `use 482913 to log in`
fn is_used(before: &[u8], behind: &[u8]) -> bool {
    let verb = before.trim_ascii_end().rsplit(|b| !is_letter(*b)).next();
    let mut words = behind
        .split(|b| !is_letter(*b))
        .filter(|word| !word.is_empty());
    verb.is_some_and(speech::is_use)
        && words.next().is_some_and(speech::leads_to_aim)
        && words.next().is_some_and(speech::is_aim)
}

/// `482913 is your Acme code`, `use 482913 as your login code`
fn is_named_behind(look: &Look<'_>, behind: &[u8]) -> bool {
    let end = memchr::memchr3(b'.', b',', b'\n', behind).unwrap_or(behind.len());
    let mut words = part(behind, 0, end)
        .split(|b| matches!(b, b' ' | b'-'))
        .filter(|word| !word.is_empty());
    at(behind, 0) == b' '
        && words.next().is_some_and(speech::leads_to_name)
        && words
            .by_ref()
            .take(2)
            .any(|word| speech::is_owner(word) || speech::is_article(word))
        && words
            .take(5)
            .any(|word| speech::is_code(word) || word.len() > 6 && look.judge(word) == Kind::Pin)
}

/// `your Acme code is 482913`, `enter the code 482913`, `login code: 482913`; four digits in round
/// brackets may be a year: `review your code (2023)`.
fn is_named_before(look: &Look<'_>, before: &[u8], behind: &[u8], is_aside: bool) -> bool {
    let end = run_start(before, before.len(), before.len().saturating_sub(6), |b| {
        matches!(b, b' ' | b':' | b'"' | b'\'' | b'\r' | b'\n')
    });
    let line = part(before, 0, end);
    // `code sent to [REDACTED_EMAIL]: …`
    let is_word = |last: &u8| is_letter(*last) || is_addressee(split_last(line).1);
    if end == before.len() || !line.last().is_some_and(is_word) {
        return false;
    }
    let link = Link::before(line);
    let is_linked = link.is_there || at(before, end) == b':';
    let name = last_word(link.name);
    let mut words = words(without_last(link.name));
    if !speech::is_code(name) {
        let (of, code) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let said = |name: &[u8]| {
            memchr::memmem::find(before, name).is_some()
                && matches!(look.judge(name), Kind::Pin | Kind::Secret)
        };
        // `le code secret …`, `votre code de validation est …`
        return speech::is_code(of) && said(&[of, name].join(&b' '))
            || of.len() <= 2 && speech::is_code(code) && said(&[code, of, name].join(&b' '))
            || says_in_full(name, before)
            || is_linked && says_received(&link, behind)
            || is_linked && says_further_ahead(look, line);
    }
    let whose = (is_linked || !is_aside || speech::is_pin(name))
        && words
            .clone()
            .take(3)
            .any(|word| speech::is_owner(word) || speech::is_use(word));
    let qualifier = words.next().unwrap_or_default();
    // `sign-in code`, `key box code`
    let verb = words.next().unwrap_or_default();
    let is_short = (1..=3).contains(&qualifier.len());
    whose
        || is_linked && speech::is_pin(name)
        || speech::is_pin(qualifier)
        || !qualifier.is_empty()
            && matches!(
                look.judge(&[qualifier, b"_", name].concat()),
                Kind::Pin | Kind::Secret
            )
        || is_short && look.judge(&[verb, qualifier, b"_", name].concat()) == Kind::Pin
        || speech::is_one_time(name)
}

/// What links a name to a code, at the end of a line: `is`, `is now`, `is changed to`.
struct Link<'a> {
    /// The line up to the name.
    name: &'a [u8],
    /// There is such a word.
    is_there: bool,
    /// One of the words says what the code is: `is`, `now`.
    says: bool,
    /// One of them says no more than that something follows: `changed`, `with`.
    leads: bool,
}

impl<'a> Link<'a> {
    fn before(line: &'a [u8]) -> Self {
        let mut link = Self {
            name: line,
            is_there: false,
            says: false,
            leads: false,
        };
        if speech::points(last_word(line)) {
            (link.name, link.says) = (without_last(line), true);
        }
        for _ in 0..3 {
            let word = last_word(link.name);
            let is_copula = speech::is_copula(word);
            if is_copula || speech::is_link(word) {
                let says = is_copula || speech::points(word);
                (link.name, link.is_there) = (without_last(link.name), true);
                link.says |= says;
                link.leads |= !says;
            }
        }
        link
    }
}

/// Whether the words up to this one are the name of a code in another language: `código de un solo uso`.
fn says_in_full(last: &[u8], before: &[u8]) -> bool {
    let start = memchr::memmem::rfind(before, last).unwrap_or(0);
    judge_foreign(part(before, 0, start + last.len())) == Kind::Pin
}

/// Whether a line says who received a code: `the code I got is`, but not `the error code I got is`.
fn says_received(link: &Link<'_>, behind: &[u8]) -> bool {
    // `the code I got is 4829 lines long`
    let unit = behind.strip_prefix(b" ").unwrap_or_default();
    let unit = unit.split(|b| !is_letter(*b)).next();
    if link.leads || unit.is_some_and(speech::measures_code) {
        return false;
    }
    // `the code sent to ann@example.com is`
    let line = without_addressees(link.name);
    let is_addressed = line.len() < link.name.len();
    let without = |words: &&str| {
        let (before, tail) = line.split_at(line.len().saturating_sub(words.len()));
        is_same(tail, words.as_bytes()).then_some(before)
    };
    let said = speech::RECEIVED_IF_SAID.iter().filter(|_| link.says);
    let sent = speech::SENT_TO.iter().filter(|_| is_addressed);
    let name = speech::RECEIVED
        .iter()
        .chain(said)
        .chain(sent)
        .find_map(without);
    name.is_some_and(|name| {
        let name = name.strip_suffix(speech::THAT).unwrap_or(name);
        let mut words = name.rsplit(|b| !is_letter(*b));
        words.next().is_some_and(speech::is_code)
            && words.next().is_none_or(|word| {
                word.is_empty() || speech::is_determiner(word) || speech::is_foreign_article(word)
            })
    })
}

/// Whether a word is the address of who receives a code, or the mark of any number.
fn is_addressee(word: &[u8]) -> bool {
    is_address(word) || word.starts_with(MARK_START)
}

/// A line without the addresses that it ends in, and the words that join them.
fn without_addressees(line: &[u8]) -> &[u8] {
    let mut left = line;
    loop {
        let (before, word) = split_last(left);
        let is_one = is_addressee(word) || left.len() < line.len() && speech::joins(word);
        match before.split_last() {
            Some((_, before)) if is_one => left = before,
            _ => return left,
        }
    }
}

/// Whether the words before a copula or a sign begin with the name of a code: `the PIN of the card is …`, `the one-time
/// code they sent me is …`.
fn says_further_ahead(look: &Look<'_>, line: &[u8]) -> bool {
    let mut words = words(line).take(AHEAD).peekable();
    let mut sent = false;
    let mut behind: [&[u8]; 2] = [b"", b""];
    while let Some(word) = words.next() {
        let before = words.peek().copied().unwrap_or_default();
        sent |= speech::is_message(word);
        if speech::is_pin(word)
            || speech::is_code(word)
                && (sent
                    // `Enter this code to sign in: …`
                    || speech::leads_to_aim(behind[0]) && speech::is_aim(behind[1])
                    || !before.is_empty()
                        && look.judge(&[before, b"_", word].concat()) == Kind::Pin
                    // `le code d'accès au local est …`
                    || (speech::is_of(behind[0]) || behind[0] == b"d")
                        && matches!(
                            look.judge(&[word, b" ", behind[0], b" ", behind[1]].concat()),
                            Kind::Pin | Kind::Secret
                        ))
        {
            return true;
        }
        behind = [word, behind[0]];
    }
    false
}

/// The words of a line, the last first.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    line.rsplit(|b| !is_letter(*b))
        .filter(|word| !word.is_empty())
}

fn last_word(line: &[u8]) -> &[u8] {
    rest(line, run_start(line, line.len(), 0, is_letter))
}

/// A line without its last word, and what stands before that.
fn without_last(line: &[u8]) -> &[u8] {
    let word = run_start(line, line.len(), 0, is_letter);
    part(line, 0, run_start(line, word, 0, |b| !is_letter(b)))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn what_a_dial_is_turned_to_goes() {
        for text in ["Tresor: Kombination {}, unten.", "combination: {}"] {
            let with = |code: &str| text.replace("{}", code);
            redacts(&[(&with("34-12-88"), &with("[REDACTED_FIELD]"))]);
        }
        leaves(&[
            "Termin 34-12-88, unten.",
            "Kombination 34-12-88-2 fehlt",
            "The combination 34-1288",
        ]);
    }

    #[test]
    fn a_code_goes_that_stands_alone_below_the_line_that_names_it() {
        for text in [
            "Your verification code:\n\n{}\n\nDo not share it.",
            "Subject: Your sign-in code\r\n\r\n  {}\r\n",
            "Enter this code to sign in:\n{}",
            "Backup codes\n{}\n{}\n{}",
        ] {
            let with = |code: &str| text.replace("{}", code);
            redacts(&[(&with("48291037"), &with("[REDACTED_FIELD]"))]);
        }
        leaves(&[
            "Postal code\n48291\n",
            "Error code:\n48291\n57281",
            "Enter the code below.\n\nroom 48291\n",
        ]);
    }

    #[test]
    fn a_number_in_the_key_of_a_cache_stays() {
        leaves(&[
            "otp:attempts:48213",
            "key: auth:token:993817",
            "GET ratelimit:password-reset:48213",
            "DEL cache:session-token:48213",
            "EXPIRE throttle:otp:482913 60",
        ]);
        redacts(&[("otp:482913", "otp:[REDACTED_FIELD]")]);
    }

    #[test]
    fn a_code_goes_by_its_many_names() {
        for text in [
            "{} is your Acme verification code",
            "{} is your Acme code. Do not share it.",
            "Use {} as your login code",
            "Use {} to log in to Acme",
            "2FA: {}",
            "mfa {}",
            "Your code is {}",
            "Your Acme code: {}",
            "Enter the code {} to sign in",
            "2FA code {}",
            "two-factor code: {}",
            "SMS code: {}",
            "one-time code {}",
            "OTP {}",
            "passcode {}",
            "confirmation code: {}",
            "{} ist Ihr Acme-Code",
            "{} ist dein Best\u{e4}tigungscode",
            "G-{} is your Google verification code",
            "Ihr Code lautet {}",
            "Votre code est {}",
            "Le code PIN de votre badge est le {}",
            "Votre code de confirmation pour l'achat de 48,90 EUR chez FNAC est {}",
            "Ihr Abholcode f\u{fc}r Fach 17 lautet {}",
            "MFA bypass code {}",
            "de alarmcode is gewijzigd naar {}",
            "Logga in med kod {} och",
            "Votre code de validation est {}",
            "Ihre TAN lautet {}",
            "le code secret {}",
            "Le code d'acc\u{e8}s au local est {}",
            "the PIN of the card is {}",
            "O PIN do cartão é {}",
            "PIN do karty to {}",
            "Kartın PIN kodu {}",
            "ПИН-код карты: {}",
            "The one-time code they texted me is {}",
            "Le code reçu par SMS est {}",
            "the door code is {}",
            "Ваш код: {}",
            "TOTP {}",
            "PUK {}",
            "authenticator code {}",
            "Your verification code is [{}]",
            "your code: ({})",
            "your code is ({})",
            "your verification code ({})",
            "your PIN ({})",
            "your code [{}]",
            "sure, the code I got is {}, thanks",
            "the code that I received is {}",
            "the code I received: {}",
            "code sent to my phone is {}",
            "der Code, den ich bekommen habe, ist {}",
            "le code que j'ai reçu est {}",
            "the key box code is {}",
            "sign-in code {}",
            "Einmalpasswort {}",
            "Ihr Einmalpasswort lautet {}",
            "code à usage unique {}",
            "código de un solo uso: {}",
            "su código de un solo uso es {}",
            "codice monouso {}",
            "eenmalige code {}",
            "kod jednorazowy {}",
            "tek kullanımlık şifre {}",
            "动态码 {}",
            "一次性密码 {}",
        ] {
            for code in ["482913", "4829", "482-913"] {
                let with = |value: &str| text.replace("{}", value);
                redacts(&[(&with(code), &with("[REDACTED_FIELD]"))]);
            }
        }
    }

    #[test]
    fn the_code_of_a_card_goes_and_its_date_stays() {
        redacts(&[("exp 09/27, CVV 321", "exp 09/27, CVV [REDACTED_FIELD]")]);
    }

    #[test]
    fn a_code_goes_whatever_number_it_was_sent_to() {
        for (number, mark) in [
            ("4111111111111111", "[REDACTED_CARD]"),
            ("123-45-6789", "[REDACTED_SSN]"),
            ("DE89370400440532013000", "[REDACTED_IBAN]"),
            ("[REDACTED_FIELD]", "[REDACTED_FIELD]"),
            ("[REDACTED_KEY]", "[REDACTED_KEY]"),
            ("[REDACTED_IP]", "[REDACTED_IP]"),
        ] {
            redacts(&[(
                &format!("The code sent to {number} is 482913"),
                &format!("The code sent to {mark} is [REDACTED_FIELD]"),
            )]);
        }
    }

    #[test]
    fn other_codes_stay() {
        leaves(&[
            "exit code 1280",
            "error code: 482913",
            "the error code of the job is 1280",
            "le code postal de Lyon est 69001",
            "GPIO pin layout in document 4912",
            "the status code is 4040",
            "zip code: 94107",
            "482913 is the order number",
            "your order code is AB-482913-X",
            "country code 4912",
            "your code coverage is 4829",
            "your code (4829 lines)",
            "the error code I got is 4829",
            "le code erreur reçu est 4829",
            "le code d'erreur reçu est 4829",
            "o código de erro que recebi é 4829",
            "error code [4829]",
            "the code [4829]",
            "the box code is 4829",
            "Use 482913 as your limit",
            "error in code 482913",
            "código postal 48291",
            "un solo uso 482913",
            "I ran the code and got: 4829",
            "I ran the code I got: 4829",
            "the code I got is 4829 lines long",
            "the code I received from 48213",
            "The code was sent to review; the line count is 4829",
            "I pushed the code. The total I got is 4829",
            "the code we sent has a bug, total loss is 48213 EUR",
            "Code received: 1006",
            "Code sent: 4040",
            "please review your code (2023)",
            "enter the code (2023)",
        ]);
        redacts(&[(
            "The code was sent to bob@example.com, ticket is 48213",
            "The code was sent to [REDACTED_EMAIL], ticket is 48213",
        )]);
        let far = format!("bob@{}example.com", "north-harbour.".repeat(17));
        for code in ["4041", "404113"] {
            for text in ["Code sent to {}: ", "Your code sent to {} is "] {
                let with = |who: &str, code: &str| text.replace("{}", who) + code;
                let marks = with("[REDACTED_EMAIL]", "[REDACTED_FIELD]");
                for address in ["bob@example.com", "[REDACTED_EMAIL]", &far] {
                    redacts(&[(&with(address, code), &marks)]);
                }
            }
        }
    }
}
