//! Keys that have a shape and no prefix, a row each: parts of fixed lengths, joined by dots, colons or dashes.

use crate::redact::class::Class;

use Alphabet::{Base64, Digit, Dotted, Hex, HexDash, Lower, Tilde, Token, Upper};
use Looks::{Any, Cased, Digits, Mixed, Random, Strong, StrongWord};
use Part::{Is, Of, Run};

/// Which bytes a part is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Digit,
    Hex,
    /// Hexadecimal digits in groups, as of a UUID.
    HexDash,
    /// Capital letters and digits.
    Upper,
    Lower,
    /// Letters, digits, `_` and `-`.
    Token,
    /// The same and dots.
    Dotted,
    /// The same, dots and `~`.
    Tilde,
    /// The alphabet of base64.
    Base64,
}

/// A part of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// These bytes.
    Is(&'static str),
    /// One of these bytes.
    Of(&'static str),
    /// As many bytes of a kind as there are, at least and at most so many.
    Run(Alphabet, usize, usize),
}

/// How a part must look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    Any,
    /// Digits or capital letters among others.
    Mixed,
    Cased,
    Strong,
    /// Strong and not of hexadecimal digits alone.
    StrongWord,
    /// As a whole, like a key and not like words.
    Random,
    /// So many digits at least, and something else.
    Digits(usize),
}

/// A row: the parts of a key in their order.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) parts: &'static [Part],
    /// Which part the run of token bytes begins with that is the candidate for it.
    pub(crate) anchor: usize,
    /// How which of the parts must look.
    pub(crate) looks: (Looks, usize),
    pub(crate) rest: Rest,
    /// Whose key it is, in the vendor's words.
    #[cfg(test)]
    pub(crate) whose: &'static str,
}

/// What goes with a key behind its last part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing, and no byte of a token may stand there.
    Nothing,
    /// Parts joined by dots.
    Dotted,
    /// Base64, with its padding.
    Base64,
}

const MOST: usize = 4096;

const fn shape(whose: &'static str, parts: &'static [Part]) -> Shape {
    #[cfg(not(test))]
    let _ = whose;
    Shape {
        parts,
        anchor: 0,
        looks: (Any, 0),
        rest: Rest::Nothing,
        #[cfg(test)]
        whose,
    }
}

impl Shape {
    const fn at(mut self, anchor: usize) -> Self {
        self.anchor = anchor;
        self
    }

    const fn looks(mut self, looks: Looks, part: usize) -> Self {
        self.looks = (looks, part);
        self
    }

    const fn dotted(mut self) -> Self {
        self.rest = Rest::Dotted;
        self
    }

    const fn base64(mut self) -> Self {
        self.rest = Rest::Base64;
        self
    }
}

/// A key of an Azure service is base64, and what names the service stands in its middle.
const fn azure(whose: &'static str, parts: &'static [Part]) -> Shape {
    shape(whose, parts).looks(Random, parts.len())
}

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Key;

#[rustfmt::skip] // A row is one line.
pub(crate) static SHAPES: &[Shape] = &[
    azure("Azure IoT Hub", &[Run(Base64, 33, 33), Is("AIoT"), Run(Base64, 0, 6)]),
    azure("Azure Service Bus", &[Run(Base64, 33, 33), Is("+ASb"), Run(Base64, 0, 6)]),
    azure("Azure Event Hubs", &[Run(Base64, 33, 33), Is("+AEh"), Run(Base64, 0, 6)]),
    azure("Azure Relay", &[Run(Base64, 33, 33), Is("+ARm"), Run(Base64, 0, 6)]),
    azure("Azure Cache for Redis", &[Run(Base64, 33, 33), Is("AzCa"), Run(Base64, 0, 6)]),
    azure("Azure AI Search", &[Run(Base64, 42, 42), Is("AzSe"), Run(Base64, 0, 6)]),
    azure("Azure Container Registry", &[Run(Base64, 42, 42), Is("+ACR"), Run(Base64, 0, 6)]),
    azure("Azure Functions", &[Run(Base64, 44, 44), Is("AzFu"), Run(Base64, 0, 6)]),
    azure("Azure, common annotated key", &[Run(Base64, 52, 52), Is("JQQJ99"), Run(Base64, 0, 26)]),
    azure("Azure DevOps", &[Run(Base64, 76, 76), Is("AZDO"), Run(Base64, 0, 4)]),
    azure("Azure API Management", &[Run(Base64, 76, 76), Is("APIM"), Run(Base64, 0, 6)]),
    azure("Azure Cosmos DB", &[Run(Base64, 76, 76), Is("ACDb"), Run(Base64, 0, 6)]),
    azure("Azure Batch", &[Run(Base64, 76, 76), Is("+ABa"), Run(Base64, 0, 6)]),
    azure("Azure Machine Learning", &[Run(Base64, 76, 76), Is("+AMC"), Run(Base64, 0, 6)]),
    azure("Azure Storage", &[Run(Base64, 76, 76), Is("+ASt"), Run(Base64, 0, 6)]),

    // The run is behind a sign.
    shape("SendGrid API key", &[Is("SG."), Run(Token, 12, MOST)]).at(1).looks(Mixed, 1).dotted(),
    shape("Vault service token before 1.10", &[Is("s."), Run(Token, 24, 24)]).at(1).looks(Strong, 1),
    shape("Zhipu AI API key", &[Run(Hex, 32, 32), Is("."), Run(Token, 16, 16)]).at(2).looks(Mixed, 2),
    shape("Infisical service token", &[Is("st."), Run(Hex, 24, 24), Is("."), Run(Dotted, 12, MOST)]).at(1),
    shape("Bitwarden Secrets Manager access token", &[Is("0."), Run(HexDash, 36, 36), Is("."), Run(Token, 20, MOST), Is(":"), Run(Base64, 0, MOST)]).at(1).base64(),
    shape("Zoho OAuth token", &[Is("1000."), Run(Hex, 32, 32)]).at(1).looks(Digits(1), 1).dotted(),
    shape("HCP Terraform API token", &[Run(Token, 2, 24), Is(".atlasv1."), Run(Token, 12, MOST)]).at(2),
    shape("Microsoft Entra client secret", &[Run(Tilde, 3, 3), Run(Digit, 1, 1), Is("Q~"), Run(Tilde, 12, MOST)]).at(3).looks(Mixed, 3),
    shape("OpenShift token", &[Is("sha256~"), Run(Token, 40, MOST)]).at(1),
    shape("DataStax Astra application token", &[Is("AstraCS:"), Run(Token, 16, MOST), Is(":"), Run(Token, 0, MOST)]).at(1).looks(Mixed, 1),
    shape("DataStax Astra application token, cut", &[Is("AstraCS:"), Run(Token, 16, MOST)]).at(1).looks(Mixed, 1),
    shape("Login with Amazon access token", &[Is("Atza|"), Run(Token, 20, MOST)]).at(1).looks(Mixed, 1).base64(),
    shape("Login with Amazon refresh token", &[Is("Atzr|"), Run(Token, 20, MOST)]).at(1).looks(Mixed, 1).base64(),
    shape("Google OAuth refresh token", &[Is("1//"), Is("0"), Run(Token, 29, MOST)]).at(1).looks(Mixed, 2),
    shape("Asana personal access token", &[Run(Digit, 1, 20), Is("/"), Run(Digit, 12, 24), Is(":"), Run(Hex, 12, 64)]).at(2).looks(Digits(2), 4),
    shape("Braintree access token", &[Is("access_token$production$"), Run(Token, 12, MOST), Is("$"), Run(Token, 0, MOST)]).at(1),
    shape("Braintree sandbox access token", &[Is("access_token$sandbox$"), Run(Token, 12, MOST), Is("$"), Run(Token, 0, MOST)]).at(1),
    shape("Convex deploy key", &[Is("prod:"), Run(Token, 12, MOST), Is("|"), Run(Token, 39, MOST)]).at(1).base64(),
    shape("Convex deploy key for development", &[Is("dev:"), Run(Token, 12, MOST), Is("|"), Run(Token, 39, MOST)]).at(1).base64(),
    shape("Vault batch token before 1.10", &[Is("b."), Run(Token, 24, 24)]).at(1).looks(Strong, 1),
    shape("Vault recovery token before 1.10", &[Is("r."), Run(Token, 24, 24)]).at(1).looks(Strong, 1),
    shape("Pushbullet access token", &[Is("o."), Run(Token, 32, 32)]).at(1).looks(Cased, 1),
    shape("Zoho ZAPI key", &[Is("1001."), Run(Hex, 32, 32)]).at(1).looks(Digits(1), 1).dotted(),
    shape("Zoho ZAPI key", &[Is("1002."), Run(Hex, 32, 32)]).at(1).looks(Digits(1), 1).dotted(),
    shape("Zoho ZAPI key", &[Is("1003."), Run(Hex, 32, 32)]).at(1).looks(Digits(1), 1).dotted(),
    shape("Endor Labs API key", &[Is("endr+"), Run(Token, 16, 16)]).at(1).looks(Mixed, 1),
    shape("PagerDuty API token", &[Is("u+"), Run(Token, 18, 18)]).at(1).looks(Strong, 1),
    shape("PagerDuty OAuth token", &[Is("pdus+"), Run(Token, 20, MOST)]).at(1).looks(Mixed, 1),
    shape("PagerDuty OAuth token of the EU", &[Is("pdeu+"), Run(Token, 20, MOST)]).at(1).looks(Mixed, 1),
    shape("Tableau personal access token", &[Run(Token, 22, 22), Is("==:"), Run(Token, 32, 32)]).at(2).looks(Mixed, 2),
    shape("Unleash client token", &[Is(":production."), Run(Hex, 40, 64)]).at(1).looks(Digits(4), 1),
    shape("Unleash client token", &[Is(":development."), Run(Hex, 40, 64)]).at(1).looks(Digits(4), 1),
    shape("Unleash personal access token", &[Is("user:"), Run(Hex, 48, 64)]).at(1).looks(Digits(4), 1),
    shape("PASETO token", &[Is("v2.local."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("PASETO token", &[Is("v2.public."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("PASETO token", &[Is("v3.local."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("PASETO token", &[Is("v3.public."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("PASETO token", &[Is("v4.local."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("PASETO token", &[Is("v4.public."), Run(Token, 40, MOST)]).at(1).dotted(),
    shape("Firebase Cloud Messaging server key", &[Run(Token, 11, 11), Is(":"), Is("APA91b"), Run(Token, 60, MOST)]).at(2),
    shape("Firebase Cloud Messaging registration token", &[Run(Token, 22, 22), Is(":"), Is("APA91b"), Run(Token, 60, MOST)]).at(2),
    shape("PASERK secret key", &[Is("k4.secret."), Run(Token, 40, MOST)]).at(1),
    shape("PASERK local key", &[Is("k4.local."), Run(Token, 40, MOST)]).at(1),
    shape("Ably API key", &[Run(Token, 6, 6), Is("."), Run(Token, 6, 6), Is(":"), Run(Token, 43, 43)]).at(4).looks(Cased, 4),
    shape("Meta Quest app token", &[Is("OC|"), Run(Digit, 10, 20), Is("|"), Run(Token, 24, 64)]).at(3).looks(Mixed, 3),
    shape("Roblox session cookie", &[Is("-items.|"), Run(Token, 90, MOST)]).at(1),
    shape("password of a file of users of Dovecot", &[Is("{PLAIN}"), Run(Token, 8, 64)]).at(1).looks(Mixed, 1),
    shape("LDAP password hash", &[Is("{SHA}"), Run(Base64, 27, MOST)]).at(1).base64(),
    shape("LDAP password hash", &[Is("{SSHA}"), Run(Base64, 27, MOST)]).at(1).base64(),
    shape("LDAP password hash", &[Is("{SSHA256}"), Run(Base64, 43, MOST)]).at(1).base64(),
    shape("LDAP password hash", &[Is("{SSHA512}"), Run(Base64, 43, MOST)]).at(1).base64(),

    shape("Sumsub app token", &[Is("prd:"), Run(Token, 20, 30), Is("."), Run(Token, 30, 34)]).at(1).looks(Mixed, 1),
    shape("Sumsub sandbox app token", &[Is("sbx:"), Run(Token, 20, 30), Is("."), Run(Token, 30, 34)]).at(1).looks(Mixed, 1),
    shape("Dagster agent token", &[Is("agent:"), Run(Token, 2, 40), Is(":"), Run(Hex, 32, 32)]).at(3).looks(Digits(4), 3),
    shape("Apollo GraphOS API key of a graph", &[Is("service:"), Run(Token, 2, 60), Is(":"), Run(Token, 20, 40)]).at(3).looks(Strong, 3),
    shape("Laravel Sanctum token", &[Run(Digit, 1, 8), Is("|"), Run(Token, 40, 48)]).at(2).looks(Cased, 2),

    // The run is the key, or its first part.
    shape("Discord bot token", &[Of("MNO"), Run(Token, 21, 29), Is("."), Run(Token, 5, 7), Is("."), Run(Token, 12, MOST)]),
    shape("Discord bot token, cut", &[Of("MNO"), Run(Token, 21, 29), Is("."), Run(Token, 5, 7), Is("."), Run(Token, 4, 11)]).looks(Strong, 1),
    shape("Grafana API key", &[Is("eyJrIjoi"), Run(Base64, 32, MOST)]).base64(),
    shape("Airtable personal access token", &[Is("pat"), Run(Token, 14, 14), Is("."), Run(Hex, 20, MOST)]),
    shape("Mailchimp API key", &[Run(Hex, 32, 32), Is("-us"), Run(Digit, 1, 2)]),
    shape("Mailgun API key", &[Run(Hex, 32, 32), Is("-"), Run(Hex, 8, 8), Is("-"), Run(Hex, 8, 8)]),
    shape("Infobip API key", &[Run(Hex, 32, 32), Is("-"), Run(HexDash, 36, 36)]),
    shape("Jenkins API token", &[Is("11"), Run(Hex, 32, 32)]).looks(Digits(6), 1),
    shape("PayPal client secret", &[Is("E"), Run(Upper, 1, 1), Run(Token, 78, 78)]).looks(Cased, 2),
    shape("New Relic license key", &[Run(Hex, 28, 64), Is("NRAL")]).looks(Digits(4), 0),
    shape("New Relic license key of the EU", &[Is("eu01xx"), Run(Hex, 22, 64), Is("NRAL")]).looks(Digits(4), 1),
    shape("Keygen token", &[Run(Lower, 2, 24), Is("-"), Run(Hex, 64, 64), Is("v"), Of("23")]),
    shape("Close API key", &[Is("api_"), Run(Token, 22, 22), Is("."), Run(Token, 22, 22)]).looks(Mixed, 3),
    shape("Meta app access token", &[Run(Digit, 15, 16), Is("|"), Run(Token, 27, 40)]).looks(Mixed, 2),
    shape("Ghost Admin API key", &[Run(Hex, 24, 24), Is(":"), Run(Hex, 64, 64)]),
    shape("Authress service client key", &[Is("sc_"), Run(Token, 1, 64), Is("."), Run(Token, 4, 6), Is(".acc"), Run(Token, 1, 64), Is("."), Run(Base64, 12, MOST)]).base64(),
    shape("Authress service client key", &[Is("ext_"), Run(Token, 1, 64), Is("."), Run(Token, 4, 6), Is(".acc"), Run(Token, 1, 64), Is("."), Run(Base64, 12, MOST)]).base64(),
    shape("Authress service client key", &[Is("scauth_"), Run(Token, 1, 64), Is("."), Run(Token, 4, 6), Is(".acc"), Run(Token, 1, 64), Is("."), Run(Base64, 12, MOST)]).base64(),
    shape("Authress service client key", &[Is("authress_"), Run(Token, 1, 64), Is("."), Run(Token, 4, 6), Is(".acc"), Run(Token, 1, 64), Is("."), Run(Base64, 12, MOST)]).base64(),
    shape("Fal key", &[Run(HexDash, 36, 36), Is(":"), Run(Hex, 12, 64)]).looks(Digits(2), 2),
    shape("Salesforce session id", &[Is("00D"), Run(Token, 9, 15), Is("!"), Run(Dotted, 40, MOST)]),
    shape("Okta API token", &[Is("00"), Run(Token, 40, 40)]).looks(StrongWord, 1),
    shape("ClickHouse Cloud key secret", &[Is("4b1d"), Run(Token, 38, 38)]).looks(StrongWord, 1),
    shape("MaxMind license key", &[Run(Token, 36, 36), Is("_mmk")]),
    shape("ngrok API key", &[Is("2"), Run(Token, 26, 26), Is("_"), Run(Token, 20, 22)]).looks(Strong, 1),
    shape("RapidAPI key", &[Run(Token, 10, 10), Is("msh"), Run(Token, 22, 22), Is("jsn"), Run(Token, 12, 12)]),
    shape("ClickUp API token", &[Is("pk_"), Run(Digit, 5, 10), Is("_"), Run(Upper, 32, 32)]),
    shape("Dropbox long-lived access token", &[Run(Token, 11, 11), Is("AAAAAAAAAA"), Run(Token, 43, 43)]).looks(Cased, 2),
    shape("DeepL API key", &[Run(HexDash, 36, 36), Is(":fx")]),
    shape("Firebase Cloud Messaging registration token, its second part", &[Is("APA91b"), Run(Token, 60, MOST)]).looks(Strong, 1),
    shape("Trend Micro API key", &[Is("tmc1"), Run(Token, 20, 30), Is(":"), Run(Token, 40, MOST)]),
    shape("K3s server token", &[Is("K10"), Run(Hex, 64, 64), Is("::server:"), Run(Token, 8, MOST)]),
    shape("K3s node token", &[Is("K10"), Run(Hex, 64, 64), Is("::node:"), Run(Token, 8, MOST)]),
    shape("Rancher API token", &[Is("token-"), Run(Token, 5, 5), Is(":"), Run(Token, 54, 54)]).at(3),
    shape("Rancher kubeconfig token", &[Is("kubeconfig-"), Run(Token, 5, 40), Is(":"), Run(Token, 54, 54)]),
    shape("SMTP2GO API key", &[Is("api-"), Run(Upper, 32, 32)]).looks(Digits(4), 1),
    shape("DingTalk secret of a robot", &[Is("SEC"), Run(Hex, 64, 64)]).looks(Digits(8), 1),
    shape("Stripe client secret of a payment", &[Is("pi_"), Run(Token, 24, 24), Is("_secret_"), Run(Token, 20, 32)]).looks(Mixed, 3),
    shape("Stripe client secret of a setup", &[Is("seti_"), Run(Token, 24, 24), Is("_secret_"), Run(Token, 20, 32)]).looks(Mixed, 3),
    shape("Netatmo token", &[Run(Hex, 24, 24), Is("|"), Run(Hex, 32, 32)]),
    shape("Codefresh API key", &[Run(Hex, 24, 24), Is("."), Run(Hex, 32, 32)]).looks(Digits(2), 2),
    shape("Ceph key", &[Is("AQ"), Run(Base64, 36, 36), Is("==")]).looks(Cased, 1),
    shape("Stellar secret seed", &[Is("S"), Run(Upper, 55, 55)]).looks(Digits(3), 1),
    shape("Telegram bot token", &[Run(Digit, 8, 11), Is(":A"), Run(Token, 23, MOST)]),
];

/// What stands in the middle of a key that is made in the manner of Stripe's, of a vendor that is not listed.
pub(crate) const MIDDLES: &[&[u8]] = &[b"live", b"sk", b"pat", b"secret", b"prod", b"sandbox"];

/// How a word ends that says that a key follows.
pub(crate) const KEY_ENDS: &[&[u8]] =
    &[b"key", b"token", b"tok", b"pat", b"api", b"secret", b"auth"];

/// A bit for each row.
pub(crate) type Rows = u128;

/// Longer runs are as long as this to the tables.
pub(crate) const LONGEST: usize = 96;

/// The rows whose part at the anchor a run of this length can be.
pub(crate) static BY_LENGTH: [Rows; LONGEST + 1] = by_length();

/// The rows that may begin at the run with this byte, by its lowest five bits.
pub(crate) static BY_FIRST: [Rows; 32] = by_first();

/// The rows with a part before the run.
pub(crate) static LED: Rows = rows_that(true);

/// The rows that begin with base64, of which a run is a part only.
pub(crate) static IN_BASE64: Rows = rows_that(false);

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn rows_that(are_led: bool) -> Rows {
    assert!(SHAPES.len() <= Rows::BITS as usize);
    let mut rows = 0;
    let mut row = 0;
    while row < SHAPES.len() {
        let is = if are_led {
            SHAPES[row].anchor > 0
        } else {
            matches!(SHAPES[row].parts[0], Run(Base64, ..))
        };
        if is {
            rows |= 1 << row;
        }
        row += 1;
    }
    rows
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn by_length() -> [Rows; LONGEST + 1] {
    let mut table = [0; LONGEST + 1];
    let mut row = 0;
    while row < SHAPES.len() {
        let (mut length, most) = run_of(&SHAPES[row]);
        while length <= most && length <= LONGEST {
            table[length] |= 1 << row;
            length += 1;
        }
        row += 1;
    }
    table
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn by_first() -> [Rows; 32] {
    let mut table = [0; 32];
    let mut row = 0;
    while row < SHAPES.len() {
        let anchor = SHAPES[row].parts[SHAPES[row].anchor];
        let mut bits = 0;
        while bits < table.len() {
            let fits = match anchor {
                Is(text) => text.as_bytes()[0] as usize % table.len() == bits,
                Of(_) | Run(..) => true,
            };
            if fits {
                table[bits] |= 1 << row;
            }
            bits += 1;
        }
        row += 1;
    }
    table
}

/// How long the run of token bytes is at least and at most that begins with the anchor of a row.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn run_of(shape: &Shape) -> (usize, usize) {
    let (mut least, mut most) = (0, 0);
    let mut part = shape.anchor;
    while part < shape.parts.len() {
        match shape.parts[part] {
            Is(text) => {
                let text = text.as_bytes();
                let mut at = 0;
                while at < text.len() {
                    if !(text[at].is_ascii_alphanumeric() || matches!(text[at], b'_' | b'-')) {
                        return (least, most);
                    }
                    least += 1;
                    most += 1;
                    at += 1;
                }
            }
            Of(_) => {
                least += 1;
                most += 1;
            }
            // A dot, a `+` or a `/` may end the run anywhere.
            Run(Base64 | Dotted | Tilde, ..) => return (least, LONGEST),
            Run(_, from, to) => {
                least += from;
                most += to;
            }
        }
        part += 1;
    }
    // What is told by its end may be longer in the text.
    let is_open = !matches!(shape.rest, Rest::Nothing);
    (least, if is_open { LONGEST } else { most })
}
/// Whether a key of a shape begins with exactly this.
pub(crate) fn is_prefix(text: &[u8]) -> bool {
    SHAPES.iter().any(
        |shape| matches!(shape.parts.first(), Some(Part::Is(begins)) if begins.as_bytes() == text),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_the_length_and_the_first_byte_of_its_run() {
        for (row, shape) in SHAPES.iter().enumerate() {
            let has = |rows: Rows| rows >> row & 1 == 1;
            let (least, most) = run_of(shape);
            for length in [least, most.min(LONGEST)] {
                assert!(has(BY_LENGTH[length]), "{row}");
            }
            assert!(least == 0 || !has(BY_LENGTH[least - 1]), "{row}");
            let begins = |first: u8| has(BY_FIRST[usize::from(first & 31)]);
            match shape.parts[shape.anchor] {
                Is(text) => assert!(begins(text.as_bytes()[0]), "{row}"),
                Of(_) | Run(..) => assert!((0..32).all(begins), "{row}"),
            }
            assert_eq!(has(LED), shape.anchor > 0, "{row}");
        }
    }

    #[test]
    fn a_prefix_is_the_whole_beginning_of_a_shape() {
        for shape in SHAPES {
            if let Some(Is(begins)) = shape.parts.first() {
                assert!(is_prefix(begins.as_bytes()));
                assert!(
                    !is_prefix(format!("{begins}{begins}").as_bytes()),
                    "{begins}"
                );
            }
        }
        assert!(!is_prefix(b""));
    }
}
