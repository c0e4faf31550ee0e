//! Numbers that can be validated: who gives them out, how long they are, and the words that introduce them.

use crate::redact::catalogue::list::List;
use crate::redact::catalogue::speech;
use crate::redact::class::Class;
use crate::redact::read::bytes;

/// The classes of what the rows for accounts and cards find.
pub(crate) const IBAN: Class = Class::Iban;
pub(crate) const CARD: Class = Class::Card;

/// Countries and the length of their account numbers, from the registry of SWIFT.
#[rustfmt::skip]
pub(crate) const IBANS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"GT", 28),
    (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25),
    (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29),
    (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24), (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

/// What such a number is called.
pub(crate) const NAME_OF_IBANS: &[u8] = b"iban";

/// Beginnings of British insurance numbers that are not given out.
pub(crate) const NINO_NOT_GIVEN: &[&str] = &["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];

/// Letters that no British insurance number has first, and none second.
pub(crate) const NINO_LETTERS: [&[u8]; 2] = [b"DFIQUV", b"DFIOQUV"];

/// Codes of countries, or how they begin, and how many digits a number has at most there, the code included. The
/// first row that fits counts.
#[rustfmt::skip]
pub(crate) const DIALLED: &[(&[&str], usize)] = &[
    (&["1", "7"], 11),
    (&["33", "34", "31", "32", "41", "46", "48", "61", "27", "30"], 12),
    (&["45", "47", "65"], 10),
    (&["44", "91", "81", "82", "52", "90", "39", "86", "55"], 13),
    (&["21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "85", "88", "96", "97", "99"], 13),
];

/// What a number has at most anywhere else.
pub(crate) const MOST_DIALLED: usize = 14;

/// Issuers of cards: the first digits of their numbers, from and to, and how many digits these have.
///
/// From the issuers' own descriptions and the public lists of issuer identification numbers.
#[rustfmt::skip]
pub(crate) const ISSUERS: &[(u32, u32, &[usize])] = &[
    (4, 4, &[13, 16]),                                          // Visa; of 19 digits, it is one in groups or behind a name
    (51, 55, &[16]), (2221, 2720, &[16]),                       // Mastercard
    (34, 34, &[15]), (37, 37, &[15]),                           // American Express
    (36, 36, &[14]), (38, 39, &[14]), (300, 305, &[14]),        // Diners Club
    (6011, 6011, &[16, 17, 18, 19]), (644, 659, &[16]),         // Discover
    (3528, 3589, &[16, 17, 18, 19]),                            // JCB
    (62, 62, &[16, 17, 18, 19]), (81, 81, &[16]),               // UnionPay
    (60, 60, &[16]), (65, 65, &[16]),                           // RuPay, Discover
    (2200, 2204, &[16, 17, 18, 19]),                            // Mir
    (9792, 9792, &[16]),                                        // Troy
    (5060, 5062, &[16, 18, 19]),                                // Verve
    (5067, 5067, &[16]),                                        // Elo
    (5018, 5020, &[12, 13, 14, 15, 16, 17, 18, 19]),            // Maestro
    (5024, 5024, &[12, 13, 14, 15, 16, 17, 18, 19]), (56, 58, &[16]),
    (5038, 5038, &[12, 13, 14, 15, 16, 17, 18, 19]), (5893, 5893, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6304, 6304, &[12, 13, 14, 15, 16, 17, 18, 19]), (6759, 6759, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (6761, 6763, &[12, 13, 14, 15, 16, 17, 18, 19]),
];

/// What is done with a telephone, and words that are also those of other things: more has to speak for a number behind
/// them. The words that say no more than telephone stand with those of their languages.
#[rustfmt::skip]
const CALLS: &List = &List::of(&[
    "anrufen", "appeler", "appelez", "bellen", "call", "cell", "chiamare", "contact", "contacter", "dial", "direct",
    "festnetz", "fone", "hotline", "joignable", "joindre", "landline", "ligar", "llamar", "llame", "matkapuhelin",
    "ponsel", "portable", "portatile", "puhelin", "puhelinnumero", "rappeler", "reach", "ring", "rufnummer", "simu",
    "text",
]);

/// What may stand between such a word and the number: `phone number is`, `call me at`.
#[rustfmt::skip]
const BETWEEN: &List = &List::of(&[
    "al", "at", "au", "cislo", "fijo", "fisso", "fixe", "fixo", "her", "him", "kom", "me", "my", "móvel", "no",
    "nomor", "nr", "num", "numara", "numarasi", "numarası", "number", "numer", "numeris", "numero", "nummer",
    "numéro", "número", "on", "unter", "us", "č", "číslo", "động", "для", "номер", "связи", "همراه", "नंबर", "번호",
]);

/// Words for a card with a number.
#[rustfmt::skip]
const CARDS: &List = &List::of(&[
    "amex", "card", "carta", "carte", "cartão", "kaart", "kart", "karta", "karte", "kort", "kreditkarte", "maestro",
    "mastercard", "pan", "tarjeta", "visa", "карта", "карты", "カード", "信用卡", "卡号", "카드",
]);

/// What a state numbers a person with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    /// How many digits such a number has.
    pub(crate) digits: &'static [usize],
    /// Whether the name is also that of other things, and how the digits of a number are then weighed.
    pub(crate) check: Option<Check>,
}

/// How the check digits of a number are made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The sum of the digits, each as often as its weight says, is a multiple of eleven.
    Eleven(&'static [i32]),
    /// The last two are ten times the sum of those before them by weights that end with two, in elevens.
    Two,
    /// The last is that of ISO 7064, MOD 11,10, and of those before it one stands there twice or three times.
    Iso,
}

const fn person(name: &'static str, digits: &'static [usize]) -> Person {
    Person {
        name,
        digits,
        check: None,
    }
}

const fn checked(name: &'static str, digits: &'static [usize], check: Check) -> Person {
    Person {
        name,
        digits,
        check: Some(check),
    }
}

#[rustfmt::skip] // A row is one line.
const PERSONS: &[Person] = &[
    person("aadhaar", &[12]),
    checked("bsn", &[9], Check::Eleven(&[9, 8, 7, 6, 5, 4, 3, 2, -1])),
    checked("cpf", &[11], Check::Two),
    person("fødselsnummer", &[11]),
    checked("idnr", &[11], Check::Iso),
    person("personnummer", &[10, 12]),
    person("pesel", &[11]),
    person("steueridentifikationsnummer", &[11]),
    person("sécu", &[13, 15]),
    person("tckn", &[11]),
    checked("tfn", &[9], Check::Eleven(&[1, 4, 3, 7, 5, 8, 6, 9, 10])),
    person("снилс", &[11]),
    person("주민등록번호", &[13]),
    person("マイナンバー", &[12]),
];

/// What a word says of the digits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Introduces {
    /// A phone number, if it is a long one.
    LongPhone,
    SocialSecurity,
    /// What a state numbers a person with.
    Person(&'static Person),
    Card,
    /// Nothing yet: the word before it may say it.
    Between,
    Nothing,
}

/// What a word before digits says of them.
pub(crate) fn introduces(word: &[u8]) -> Introduces {
    if CALLS.has_ignoring_case(word) {
        Introduces::LongPhone
    } else if const { &List::of(&["ssn", "security"]) }.has_ignoring_case(word) {
        Introduces::SocialSecurity
    } else if let Some(person) = PERSONS
        .iter()
        .find(|person| bytes::is_same(word, person.name.as_bytes()))
    {
        Introduces::Person(person)
    } else if CARDS.has_ignoring_case(word) {
        Introduces::Card
    } else if BETWEEN.has_ignoring_case(word) || speech::is_copula(word) || speech::points(word) {
        Introduces::Between
    } else {
        Introduces::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::languages::LANGUAGES;
    use crate::redact::catalogue::list::assert_in_order;
    use crate::redact::kind::Kind;

    #[test]
    fn rows_are_in_order_and_plausible() {
        assert_in_order(CALLS.words);
        assert_in_order(BETWEEN.words);
        for pair in IBANS.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        for (from, to, lengths) in ISSUERS {
            assert!(from <= to && from.ilog10() == to.ilog10(), "{from}");
            assert!(
                lengths.iter().all(|length| (12..=19).contains(length)),
                "{from}"
            );
        }
    }

    /// Names of members are those of the languages; a few words say it in texts alone.
    #[test]
    fn what_numbers_a_person_is_named_so_in_its_language() {
        let in_texts = [
            "idnr",
            "personnummer",
            "steueridentifikationsnummer",
            "sécu",
            "tfn",
        ];
        for person in PERSONS {
            let is_named = LANGUAGES
                .iter()
                .any(|row| row.1 == Kind::Secret && row.2.contains(&person.name));
            assert_ne!(is_named, in_texts.contains(&person.name), "{}", person.name);
        }
    }

    #[test]
    fn words_introduce_numbers() {
        assert_eq!(introduces(b"call"), Introduces::LongPhone);
        assert_eq!(introduces(b"SSN"), Introduces::SocialSecurity);
        assert_eq!(introduces(b"Visa"), Introduces::Card);
        assert_eq!(introduces(b"is"), Introduces::Between);
        assert_eq!(introduces("numéro".as_bytes()), Introduces::Between);
        assert_eq!(introduces(b"order"), Introduces::Nothing);
    }
}
