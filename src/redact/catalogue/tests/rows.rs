//! All rows of the catalogue as the walk sees them: a text with a secret in it, given by the row or made of it.
//!
//! The rows of places and tools carry their example, since only the row knows the sentence around its secret. The others
//! are made from a template of their table: a key of a prefix or a shape, which a scanner would report if it stood here;
//! an address behind its host and path; an argument of a call; a value under a word, an ending or a role; a key behind a
//! vendor; and a number with its check digit.

use super::words::made_up;
use crate::redact::catalogue::calls::{self, CALLS, Call};
use crate::redact::catalogue::keys::{self, Body, PREFIXES, Prefix, Tail};
use crate::redact::catalogue::languages::LANGUAGES;
use crate::redact::catalogue::names::{self, ENDINGS, WORDS};
use crate::redact::catalogue::numbers::{self, IBANS, ISSUERS};
use crate::redact::catalogue::places::{self, PLACES};
use crate::redact::catalogue::roles::ROLES;
use crate::redact::catalogue::shaped::{self, Alphabet, Part, SHAPES};
use crate::redact::catalogue::tools::{self, PRINTERS, Place, TOOLS};
use crate::redact::catalogue::vendors;
use crate::redact::catalogue::webhooks::{self, WEBHOOKS};
use crate::redact::class::Class;
use crate::redact::judge::name;
use crate::redact::kind::{Kind, Role};

/// Made up, and of the kind that a generator makes.
const SECRET: &str = "kT7vq2mZx9Lw4b";

/// The same, as long as keys are.
const LONG: &str = "kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6";

/// The first of two keys, which goes whole alone: what a cut leaves may be the key of a row.
const OF_TWO: &str = "VKoI/jMVpSLRYkvIluHKMohzFK\u{6e}fEzI+/9P4IZ/YW9d=";

/// Commands and places whose secret goes behind any other word, too: their words name a secret, or are another row's.
#[rustfmt::skip]
const ANYWHERE: &[&str] = &[
    "--password-stdin|password_stdin", "elasticsearch-users useradd|passwd", "enable password|secret", "etcdctl",
    "expect *password*|*assword:*|*passphrase* send", "gcloud print-access-token|print-identity-token", "gh secret",
    "hdiutil", "ip ospf authentication-key", "machine * login * password", "mysqladmin password",
    "neo4j-admin set-initial-password", "ngrok authtoken|add-authtoken", "openssl", "passwd|smbpasswd|kpasswd",
    "plink|pscp|psftp|putty", "security find-generic-password|find-internet-password -w", "set psksecret",
    "set psksecret|password|passwd|secret|key ENC",
];

/// What a row says of one text.
pub(super) struct Row {
    /// Its table, and what tells it from the others there.
    pub(super) name: String,
    /// A text, `{}` in the place of the secret.
    pub(super) text: String,
    pub(super) secret: String,
    /// What takes its place: the mark of the row's class.
    pub(super) mark: String,
    /// A text that stays, where one comes near.
    pub(super) near_miss: String,
    /// Whether the text is cut at each place within the secret: one of a row is enough.
    pub(super) is_cut: bool,
}

impl Row {
    fn new(name: String, text: impl Into<String>, secret: impl Into<String>, class: Class) -> Self {
        Self {
            name,
            text: text.into(),
            secret: secret.into(),
            mark: class.mark().to_owned(),
            near_miss: String::new(),
            is_cut: true,
        }
    }

    fn but_not(self, near_miss: impl Into<String>) -> Self {
        Self {
            near_miss: near_miss.into(),
            ..self
        }
    }
}

pub(super) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    keys(&mut rows);
    shapes(&mut rows);
    for place in PLACES {
        let of = format!("places: {}", place.words);
        let row = Row::new(of.clone(), place.example, SECRET, places::CLASS);
        rows.push(row.but_not(place.near_miss));
        let first = place.words.split(' ').next().unwrap_or_default();
        let first = first.split('|').find(|word| place.example.contains(word));
        if let Some(first) = first
            && place.near_miss.is_empty()
            && !ANYWHERE.contains(&place.words)
        {
            // Another word does not lead to a secret.
            let other = place.example.replacen(first, "harbour", 1);
            let other = other.replace("{}", SECRET);
            rows.push(Row::new(of, "", "", places::CLASS).but_not(other));
        }
    }
    commands(&mut rows);
    addresses(&mut rows);
    arguments(&mut rows);
    words(&mut rows);
    members(&mut rows);
    digits(&mut rows);
    for (index, vendor) in vendors::NAMES.iter().enumerate() {
        let with = |word: &str| format!("in {vendor} ({word}) of late");
        // `portkey` is also the name of a key.
        let class = match name::judge(vendor.as_bytes()) {
            Kind::Opaque => names::CLASS,
            _ => vendors::CLASS,
        };
        let row = Row::new(format!("vendors: {vendor}"), with("{}"), LONG, class);
        let row = row.but_not(with("harbour_lantern_of_the_north"));
        rows.push(Row {
            is_cut: index == 0,
            ..row
        });
    }
    rows
}

/// A row of the user's, whose class is `part_number`.
pub(super) fn of_the_user(anchor: &str) -> Row {
    let row = Row::new(
        format!("of the user: {anchor:?}"),
        "part {} is here",
        "PN-70931824",
        Class::Field,
    );
    Row {
        mark: "[REDACTED_PART_NUMBER]".to_owned(),
        ..row.but_not("part PN-7093 is here")
    }
}

/// Where the key of a row stands.
const AROUND: [&str; 4] = [
    "the one for the harbour is {}, until Friday",
    "{}",
    "export PLACE={}; ./start.sh --fast",
    r#"{"note":"north","place":"{}","count":7}"#,
];

/// The key of a row in all surroundings, cut in the first.
fn around<'a>(
    name: &'a str,
    key: &'a str,
    class: Class,
    is_cut: bool,
) -> impl Iterator<Item = Row> + 'a {
    AROUND
        .into_iter()
        .enumerate()
        .map(move |(index, text)| Row {
            is_cut: is_cut && index == 0,
            ..Row::new(name.to_owned(), text, key, class)
        })
}

fn keys(rows: &mut Vec<Row>) {
    let mut made = Made(7);
    for row in PREFIXES {
        let name = format!("keys: {}", row.whose);
        let least = usize::from(row.least);
        let joined = [
            row.begins,
            &*made.tail(row.tail, least.max(40)),
            joint(row),
            &*made.tail(Tail::Cased, 20),
        ];
        let tails = [least, least + 9].map(|length| made.tail(row.tail, length));
        let keys = tails
            .map(|tail| format!("{}{tail}", row.begins))
            .into_iter();
        let keys = keys.chain((!joint(row).is_empty()).then(|| joined.concat()));
        for (index, key) in keys.enumerate() {
            let around = around(&name, &key, keys::CLASS, index == 0);
            // One length is enough in all surroundings.
            rows.extend(around.take(if index == 1 { 1 } else { AROUND.len() }));
        }
        let short = made.tail(row.tail, least.min(8) / 2);
        for tail in [&*short, "harbour-lantern", "harbour_lantern_of_the_north"] {
            if row.tail != Tail::Any || tail == short {
                let near_miss = format!("it begins with {}{tail} and goes on", row.begins);
                rows.push(Row::new(name.clone(), "", "", keys::CLASS).but_not(near_miss));
            }
        }
    }
}

/// What joins the parts of a key.
fn joint(row: &Prefix) -> &'static str {
    match row.body {
        // In parts it is a JSON Web Token, which has a mark of its own.
        Body::Dotted if row.begins.ends_with("eyJ") => "",
        Body::Dotted => ".",
        Body::Base64 => "+/",
        Body::Run => "",
    }
}

fn shapes(rows: &mut Vec<Row>) {
    for shape in SHAPES {
        let name = format!("shaped: {}", shape.whose);
        let parts = shape.parts.iter().enumerate();
        let mut parts: Vec<_> = parts.map(|(seed, part)| made(*part, seed)).collect();
        let key = parts.concat();
        rows.extend(around(&name, &key, shaped::CLASS, true));
        let length = |part: &Part| match part {
            Part::Run(_, least, _) => *least,
            Part::Is(_) | Part::Of(_) => 0,
        };
        let longest = (0..parts.len()).max_by_key(|index| length(&shape.parts[*index]));
        let (part, longest) = longest
            .map(|index| (shape.parts[index], index))
            .expect("parts");
        let run = parts[longest].clone();
        // One byte too few, and one that is of no such part.
        let short = run[..length(&part) - 1].to_owned();
        let middle = run.len() / 2;
        let other = format!("{}{}{}", &run[..middle], outside(part), &run[middle + 1..]);
        // Behind `_secret_` a key goes, whatever stands before it.
        if parts.iter().any(|part| part == "_secret_") {
            continue;
        }
        for near in [short, other] {
            parts[longest] = near;
            let near_miss = AROUND[0].replace("{}", &parts.concat());
            rows.push(Row::new(name.clone(), "", "", shaped::CLASS).but_not(near_miss));
        }
    }
}

/// A byte that a part never has.
fn outside(part: Part) -> char {
    match part {
        Part::Run(Alphabet::Digit | Alphabet::Upper, ..) => 'k',
        Part::Run(Alphabet::Hex | Alphabet::HexDash, ..) => 'g',
        Part::Run(Alphabet::Lower, ..) => 'K',
        Part::Run(..) | Part::Is(_) | Part::Of(_) => '!',
    }
}

fn commands(rows: &mut Vec<Row>) {
    for tool in TOOLS.iter().chain(PRINTERS) {
        // Each of the tools that a row names takes its secret so.
        let first = tool.command.split(' ').next().unwrap_or_default();
        let shown = first
            .split('|')
            .find(|name| tool.example.split(' ').any(|word| word == *name))
            .unwrap_or_default();
        let names = first.split('|').filter(|name| !name.contains('*'));
        for name in names.chain([shown]) {
            let example = if shown.is_empty() || tool.place == Place::Stdin {
                tool.example.to_owned()
            } else {
                tool.example.replacen(shown, name, 1)
            };
            let of = format!("tools: {}", tool.command);
            // Another command takes no secret there.
            let is_bare = !shown.is_empty() && tool.near_miss.is_empty();
            if is_bare && !ANYWHERE.contains(&tool.command) {
                let other = tool.example.replacen(shown, "harbour", 1);
                let other =
                    Row::new(of.clone(), "", "", tools::CLASS).but_not(other.replace("{}", SECRET));
                rows.push(other);
            }
            let row = Row::new(of, example, SECRET, tools::CLASS);
            rows.push(row.but_not(tool.near_miss));
        }
    }
}

fn addresses(rows: &mut Vec<Row>) {
    for hook in WEBHOOKS {
        let path = hook.path;
        let host = hook.host.replacen(
            '*',
            if hook.host.starts_with("*.") {
                "eu1"
            } else {
                ".eu1."
            },
            1,
        );
        let host = host.trim_start_matches('.').replace("..", ".");
        let name = format!("webhooks: {}: {host}{path}", hook.whose);
        // Where it is a parameter it is one word.
        let (texts, secret) = if path.ends_with('=') {
            (
                &["https://"][..],
                "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a".to_owned(),
            )
        } else {
            (&["https://", ""][..], format!("T024B7/B7Q2/{LONG}"))
        };
        for scheme in texts {
            let text = format!("post to {scheme}{host}{path}{{}} when done");
            let row = Row::new(name.clone(), text, &*secret, webhooks::CLASS);
            rows.push(row.but_not(format!("see https://{host}/harbour/lantern for more")));
        }
    }
}

fn arguments(rows: &mut Vec<Row>) {
    for Call {
        name: call,
        argument: index,
        whose,
        ..
    } in CALLS
    {
        let before = "\"bob\", ".repeat(*index);
        let row = Row::new(
            format!("calls: {whose}: {call}, {index}"),
            format!("client.{call}({before}\"{{}}\")"),
            SECRET,
            calls::CLASS,
        );
        rows.push(row.but_not(format!("client.{call}({before}settings)")));
    }
}

/// A value that goes under a name of a kind.
fn value_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Secret | Kind::Secrets | Kind::Maybe | Kind::Handle | Kind::Pwd | Kind::Opaque => {
            Some(LONG)
        }
        Kind::Pin => Some("482913"),
        Kind::Phrase => Some(
            "abandon ability able about above absent absorb abstract absurd abuse access ocean",
        ),
        Kind::Phone => Some("+44 20 7946 0958"),
        Kind::Plain | Kind::Id => None,
    }
}

fn words(rows: &mut Vec<Row>) {
    for row in WORDS {
        named(rows, "names", &row.names(), row.says);
    }
    for row in ENDINGS {
        named(rows, "endings", &row.names(), row.says);
    }
    for (language, says, phrases) in LANGUAGES {
        let phrases: Vec<_> = phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
        named(rows, language, &phrases, *says);
    }
}

/// Names that say the same, each in a text and over a member.
fn named(rows: &mut Vec<Row>, table: &str, names: &[String], says: Kind) {
    let class = match says {
        Kind::Phone => Class::Phone,
        _ => names::CLASS,
    };
    if names.is_empty() {
        rows.push(Row::new(
            format!("{table}: {says:?} of no name"),
            "",
            "",
            class,
        ));
    }
    for (index, name) in names.iter().enumerate() {
        let is_of_two = names::names_row(name.as_bytes());
        let secret = is_of_two.then_some(OF_TWO).or_else(|| value_of(says));
        let text = format!("{name}: {{}}");
        let json = format!("{{\"{name}\":\"{{}}\",\"count\":7}}");
        for (text, is_cut) in [(text, index == 0 && !is_of_two), (json, false)] {
            let of = format!("{table}: {name}");
            let row = match secret {
                Some(secret) => {
                    // Nothing goes under a name that says nothing.
                    let other = text.replacen(name, &made_up("", name), 1);
                    // A number with the code of a country goes under any.
                    let value = if says == Kind::Phone {
                        "030 901820"
                    } else {
                        secret
                    };
                    let other = other.replace("{}", value);
                    Row::new(of, text, secret, class).but_not(other)
                }
                None => Row::new(of, "", "", class).but_not(text.replace("{}", LONG)),
            };
            rows.push(Row { is_cut, ..row });
        }
    }
}

/// Members that say something of others: what stands in their object or array with a secret.
fn members(rows: &mut Vec<Row>) {
    for (name, role) in ROLES {
        let text = match role {
            Role::Label => r#"{"N":"db_password","value":"{}"}"#,
            Role::Value => r#"{"name":"db_password","N":"{}"}"#,
            Role::Element => r#"{"N":"Password field","text":"{}"}"#,
            Role::Typed => r#"{"element":"Password field","N":"{}"}"#,
            Role::Type => r#"{"N":"password","value":"{}"}"#,
            Role::Operation => r#"{"N":"add","path":"/db/password","value":"{}"}"#,
            Role::Path => r#"{"op":"add","N":"/db/password","value":"{}"}"#,
            Role::Columns => r#"{"N":["user","password"],"rows":[["bob","{}"]]}"#,
            Role::Turns => r#"{"N":["Accept","text/html","X-Api-Key","{}"]}"#,
            Role::KeyType => r#"{"N":"RSA","e":"AQAB","dq":"{}"}"#,
            Role::KeyPart => r#"{"kty":"RSA","e":"AQAB","N":"{}"}"#,
            Role::Kind => r#"{"N":"api_key","value":"{}"}"#,
            Role::Issued => r#"{"api_key":"","role_id":"","N":"{}"}"#,
            // Of an object of secrets it goes as a whole.
            Role::Data | Role::About | Role::Schema | Role::Items | Role::Other => "",
            // A code is a number.
            Role::Code => "",
        };
        // Of fields, and no values of them.
        let near_miss = match role {
            Role::About => r#"{"N":{"password":"must be longer than that"}}"#,
            Role::Schema => r#"{"N":{"password":{"type":"string","title":"harbour12"}}}"#,
            Role::Data => r#"{"kind":"ConfigMap","N":{"db":"harbour12"}}"#,
            _ if name::judge(name.as_bytes()).hides() => "",
            _ => r#"{"N":"harbour_lantern","note":"of the north"}"#,
        };
        // In lower case it is a member of Kubernetes alone.
        let name = if *name == "data" { "Data" } else { name };
        let of = |text: &str| text.replacen('N', name, 1);
        let row = Row::new(format!("roles: {name}"), of(text), LONG, names::CLASS);
        rows.push(Row {
            is_cut: false,
            ..row.but_not(of(near_miss))
        });
    }
}

fn digits(rows: &mut Vec<Row>) {
    for (country, length) in IBANS {
        let country = String::from_utf8_lossy(&country[..]);
        let account: String = "7093182456"
            .chars()
            .cycle()
            .take(usize::from(*length) - 4)
            .collect();
        let number = |check: u32| format!("{country}{check:02}{account}");
        let check = 98 - remainder(&number(0));
        rows.push(
            Row::new(
                format!("numbers: {country}"),
                "pay to {} today",
                number(check),
                numbers::IBAN,
            )
            .but_not(format!("part {} is here", number((check + 1) % 97 + 2))),
        );
    }
    for (from, to, lengths) in ISSUERS {
        for (begins, length) in lengths
            .iter()
            .flat_map(|length| [(from, length), (to, length)])
        {
            let mut number = begins.to_string();
            number.extend("7093182456".chars().cycle().take(length - 1 - number.len()));
            let check = |add: u32| (luhn(&number) + add) % 10;
            rows.push(
                Row::new(
                    format!("numbers: {begins} of {length}"),
                    "paid with {} today",
                    format!("{number}{}", check(0)),
                    numbers::CARD,
                )
                .but_not(format!("part {number}{} is here", check(1))),
            );
        }
    }
}

/// What is left of an account number when it is divided by 97, its first four characters behind the others.
fn remainder(number: &str) -> u32 {
    let (head, account) = number.split_at(4);
    let digits = account.chars().chain(head.chars());
    digits.fold(0, |rest, digit| match digit.to_digit(36) {
        Some(letter) if letter > 9 => (rest * 100 + letter) % 97,
        digit => (rest * 10 + digit.unwrap_or_default()) % 97,
    })
}

/// The last digit of a card number that begins so.
fn luhn(number: &str) -> u32 {
    let digits = number.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(index, digit)| match digit * 2 {
            twice if index % 2 == 0 => twice / 10 + twice % 10,
            _ => digit,
        })
        .sum();
    (10 - sum % 10) % 10
}

const CAPITALS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWZ";
const SMALL: &[u8] = b"abcdefghijkmnopqrstuvwz";
const DIGITS: &[u8] = b"0123456789";

/// The same bytes on every machine.
struct Made(u64);

impl Made {
    fn one_of(&mut self, bytes: &[u8]) -> char {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(bytes[(self.0 >> 33) as usize % bytes.len()])
    }

    /// A tail of a kind: each class of bytes that it asks for comes in turn.
    fn tail(&mut self, kind: Tail, length: usize) -> String {
        let classes: &[&[u8]] = match kind {
            Tail::Hex => &[DIGITS, b"abcdef", DIGITS],
            Tail::Capital => &[CAPITALS, DIGITS, CAPITALS],
            Tail::Any | Tail::Random | Tail::Strong | Tail::Parted | Tail::Cased => {
                &[CAPITALS, SMALL, DIGITS]
            }
        };
        (0..length)
            .map(|at| match (kind, at) {
                (Tail::Parted, 8) => '_',
                _ => self.one_of(classes[at % classes.len()]),
            })
            .collect()
    }
}

/// A part of a key, made of the bytes that it may have.
fn made(part: Part, seed: usize) -> String {
    let from = |letters: &str, length: usize| {
        (0..length)
            .map(|index| {
                char::from(letters.as_bytes()[(index * 7 + seed * 3 + index / 5) % letters.len()])
            })
            .collect()
    };
    match part {
        Part::Is(text) => text.to_owned(),
        Part::Of(letters) => letters[..1].to_owned(),
        Part::Run(Alphabet::Digit, least, _) => from("7093182456", least),
        Part::Run(Alphabet::Hex, least, _) => from("3f9a0c7158b24d6e", least),
        // A UUID.
        Part::Run(Alphabet::HexDash, ..) => "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a".to_owned(),
        Part::Run(Alphabet::Upper, least, _) => from("QWZ3RT9KL7M", least),
        Part::Run(Alphabet::Lower, least, _) => from("production", least),
        Part::Run(_, least, most) => {
            from("Zk3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0", least.max(12).min(most))
        }
    }
}
