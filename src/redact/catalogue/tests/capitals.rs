//! Words in capitals: what a list has with a letter beyond ASCII says the same with a capital first letter, and in
//! capitals.

use std::collections::{BTreeMap, BTreeSet};

use super::words::literals;
use crate::redact::tests::in_capitals;
use crate::redact::{Redactor, redact_str};

/// The tables that have such words, but for that of the languages, whose tests have all of them in capitals.
const SOURCES: &[&str] = &[
    include_str!("../labels.rs"),
    include_str!("../names.rs"),
    include_str!("../numbers.rs"),
    include_str!("../speech.rs"),
    include_str!("../vendors.rs"),
    include_str!("../words.rs"),
];

/// Words, and sentences that each of them stands in at `@`: what stands at `{}` goes.
#[rustfmt::skip]
const SENTENCES: &[(&[&str], &[&str], &str)] = &[
    (&["fält"], &[r#"{"element":"Lösenords@","text":"{}"}"#], "hunter2xK9"),
    (&["поле"], &[r#"{"element":"Пароль @","text":"{}"}"#], "hunter2xK9"),
    (&["serviço"], &[r#"[["@","password"],["acme","{}"]]"#], "hunter2xK9"),
    (&["móvel", "numarası", "numéro", "número", "č", "číslo", "động", "для", "номер", "связи"], &["phone @ {}"], "030 901820"),
    (&["fødselsnummer", "снилс"], &["@ {}"], "44051401359"),
    (&["sécu"], &["@ {}"], "2 85 07 75 116 048 72"),
    (&["cartão", "карта", "карты"], &["@ {}"], "6304 0000 0000 0000"),
    (&["è", "é", "это", "är"], &["the password @ {}", "the password @ \"{}\""], "hunter2xK9"),
    (&["là", "είναι", "е", "на", "теперь", "це", "є", "је"], &["the password @ {}"], "hunter2xK9"),
    (&["на"], &["password с x7k2m9p @ {}"], "hunter2xK9"),
    (&["från", "с"], &["password @ x7k2m9p to {}"], "hunter2xK9"),
    (&["código", "kód", "türcode", "код"], &["your @ {}"], "482913"),
    (&["türcode"], &["@ {}"], "482913"),
    (&["combinación", "combinação"], &["@: {}"], "34-12-88"),
    (&["ваш", "твой", "twój"], &["{} is @ Acme code"], "482913"),
    (&["accès", "dostęp", "данные", "доступ"], &["@: bob / {}"], "Hj7mQ2xv"),
    (&["usuário", "użytkownik", "kullanıcı"], &["@ bob pass {}"], "hunter2xK9"),
    (&["änder"], &["Passwort ge@t in {}"], "hunter2xK9"),
    (&["пин"], &["@: {}"], "4829"),
    (&["смс"], &["Код из @: {}"], "482913"),
    (&["от", "для", "für"], &["API key @ staging is {}", "password @ staging database is {}"], "hunter2xK9ab"),
    (&["của", "για", "від", "до", "за", "к", "од"], &["password @ staging database is {}"], "hunter2xK9ab"),
    (&["que j'ai reçu", "que recibí"], &["the code @ is {}"], "482913"),
    (&[", который я получил", ", который я получила"], &["the code@ is {}"], "482913"),
    (&["и"], &["passwords: x7k2m9pQ @ {}"], "hunter2xK9"),
    (&["anahtarı", "clé", "khóa", "klíč", "nøgle", "nøkkel", "schlüssel", "κλειδί", "ключ", "ключа", "токен", "токена"],
        &["@ Acme {}, and more"], "4f2c19a07b3e58d6c1f0a9e2b7d43865"),
    (&["códigos"], &["@ de respaldo: {}, none"], "48291037"),
    (&["communiqué", "généré"], &["mot de passe @ : {}"], "hunter2xK9"),
];

/// The same where nothing goes.
#[rustfmt::skip]
const HARMLESS: &[(&[&str], &str)] = &[
    (&["znaków"], "hasło: minimum 8 @"),
    (&["hayır", "não", "sì", "sí", "да", "нет"], "password: @"),
];

/// The words of the tables with a letter that has a capital beyond ASCII.
fn words() -> BTreeSet<String> {
    let words = SOURCES.iter().map(|source| literals(source));
    words
        .flat_map(BTreeMap::into_values)
        .flatten()
        .filter(|word| {
            word.chars()
                .any(|c| !c.is_ascii() && !c.to_uppercase().eq([c]))
        })
        .map(|word| word.trim().to_owned())
        .collect()
}

fn redacted(text: &str) -> String {
    match text.starts_with(['{', '[']) {
        true => Redactor::default().redact_json(text).into_owned(),
        false => redact_str(text).into_owned(),
    }
}

#[test]
fn a_word_in_capitals_says_the_same() {
    let mut faults = Vec::new();
    for (words, sentences, secret) in SENTENCES {
        for (word, sentence) in words
            .iter()
            .flat_map(|word| sentences.iter().map(move |s| (word, s)))
        {
            let [title, capitals] = in_capitals(word);
            for word in [(*word).to_owned(), title, capitals] {
                let text = sentence.replace('@', &word).replace("{}", secret);
                if redacted(&text).contains(secret) {
                    faults.push(text);
                }
            }
        }
    }
    for (words, sentence) in HARMLESS {
        for word in *words {
            let [title, capitals] = in_capitals(word);
            for word in [(*word).to_owned(), title, capitals] {
                let text = sentence.replace('@', &word);
                if redacted(&text) != text {
                    faults.push(text);
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_word_with_a_capital_beyond_ascii_has_a_sentence() {
    let said = SENTENCES.iter().map(|(words, ..)| *words);
    let said = said.chain(HARMLESS.iter().map(|(words, _)| *words));
    let said: BTreeSet<_> = said.flatten().map(ToString::to_string).collect();
    assert_eq!(words(), said);
}
