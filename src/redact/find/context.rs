//! Keys that nothing is known of but what stands before them: a word for a key, or who gives such keys out.

use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::redact::catalogue::list::List;
use crate::redact::catalogue::names::{is_harmless_key, is_harmless_token};
use crate::redact::catalogue::vendors::{self, is_vendor};
use crate::redact::catalogue::{formats, speech};
use crate::redact::find::look::Look;
use crate::redact::find::phrase;
use crate::redact::judge::name;
use crate::redact::judge::random::{MIN_OPAQUE, is_base64_key, is_opaque};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, is_token, part, run_start};
use crate::redact::read::lex::MAX_WORD;
use crate::redact::read::scope::{Found, Scope};

/// How long the address of an account of Ethereum is.
const ADDRESS: usize = 42;
/// So far back words say something of a key.
const REACH: usize = 72;
/// As many words may stand between a word for a key and the key; fewer where it could be the hash of something.
const BETWEEN: usize = 4;
const BEFORE_HASH: usize = 2;
/// The first byte of letters in scripts that set no spaces, or larger.
const UNSPACED: u8 = 0xE3;
/// A shorter label may be the name of a parameter: `key`.
const MIN_LABEL: usize = 3;
/// A longer word is no word of a language.
const MAX_LETTERS: usize = 24;
/// So much of a line is looked at, from its end: a bit for each byte.
const MAX_LINE: usize = 128;
const _: () = assert!(REACH <= MAX_LINE);

/// A key at `start`, where a word begins.
pub(crate) fn opaque(look: &Look<'_>, start: usize) -> Option<Found> {
    // Most words are shorter than any key, and nothing more is asked of them.
    let least = look.ahead(start, MIN_OPAQUE, bytes::is_base64);
    if least < start + MIN_OPAQUE && !bytes::is_base64(look.before(start)) {
        return None;
    }
    let (start, end) = bounds(look, start);
    let key = look.part(start, end);
    // An address on a chain is for everybody to see; a key has more digits.
    if key.len() == ADDRESS && key.starts_with(b"0x") {
        return None;
    }
    if !(is_opaque(key) || is_base64_key(key)) || !stands_alone(look, start, end) {
        return None;
    }
    let before = before_on_line(look, start);
    if names_id(before) {
        return None;
    }
    let line = Line::of(before);
    let found = is_user(look, start, end)
        || is_queried(before)
        || says_key(&line, is_hash(key))
        || names_vendor(&line, is_hash(key))
        || is_commented(look, start - before.len());
    found.then(|| Found::new(start, end, vendors::CLASS))
}

/// Where a word begins and ends, which may be base64.
fn bounds(scope: &Scope<'_>, start: usize) -> (usize, usize) {
    let from = scope.back(start, MAX_WORD, bytes::is_base64);
    let end = scope.ahead(start, MAX_WORD, bytes::is_base64);
    let end = scope.ahead(end, 2, |b| b == b'=');
    (from, end)
}

/// A key in the form of a UUID at `start`, where who gives such out stands before it with a word for it or a sign.
pub(crate) fn uuid(look: &Look<'_>, start: usize, end: usize) -> Option<Found> {
    let line = Line::of(before_on_line(look, start));
    let words = || line.words().take(4);
    let is_two = |(second, first)| is_joined(first, second, |both| WITH_UUIDS.has(both));
    let whose =
        words().any(|word| WITH_UUIDS.has(word)) || words().zip(line.words().skip(1)).any(is_two);
    (whose && (names_vendor(&line, false) || says_key(&line, true)))
        .then(|| Found::new(start, end, vendors::CLASS))
}

/// Whether no path, address or expression goes on around a word.
fn stands_alone(scope: &Scope<'_>, start: usize, end: usize) -> bool {
    let outside = |byte: u8| {
        byte.is_ascii_whitespace() || byte >= 0x80 || b"\0\"'`=:,;()|[]&><".contains(&byte)
    };
    let next = scope.at(end);
    outside(scope.before(start))
        && (outside(next) && next != b'(' || next == b'.' && !is_token(scope.at(end + 1)))
}

/// Whether a line ends with a name that is that of an id by a word of its own, and with a sign: `TopicId: `.
fn names_id(line: &[u8]) -> bool {
    let end = run_start(line, line.len(), 0, |b| matches!(b, b' ' | b'"'));
    let Some(before) = part(line, 0, end).strip_suffix(b":") else {
        return false;
    };
    let start = run_start(before, before.len(), 0, is_token);
    let label = part(before, start, before.len());
    label.len() > 4 && name::is_id(label) && !Line::of(label).has_any(&KEY_WORDS)
}

fn is_hash(key: &[u8]) -> bool {
    matches!(key.len(), 32 | 40 | 64 | 128) && key.iter().all(u8::is_ascii_hexdigit)
}

/// What stands before a word on its line and in its sentence, and behind any mark, whose words say nothing.
fn before_on_line<'a>(scope: &Scope<'a>, start: usize) -> &'a [u8] {
    let floor = scope.from.max(start.saturating_sub(REACH));
    let line = scope.part(floor, start);
    let begin = memchr::memchr2_iter(b'\n', b';', line)
        .next_back()
        .map_or(0, |n| n + 1);
    let sentence = memchr::memchr_iter(b'.', line)
        .rev()
        .find(|&n| at(line, n + 1) == b' ')
        .map_or(0, |n| n + 2);
    let mark = memchr::memrchr(b']', line).map_or(0, |n| n + 1);
    part(line, begin.max(sentence).max(mark), line.len())
}

/// The end of a line in lower case, and where its words are. Sixteen bytes are looked at at a time: a text that is hostile
/// has a line before each of its words.
struct Line<'a> {
    text: &'a [u8],
    lower: [u8; MAX_LINE],
    /// Letters and digits, and all that is no ASCII.
    letters: u128,
    /// Where another word may begin within one.
    turns: u128,
}

impl<'a> Line<'a> {
    fn of(text: &'a [u8]) -> Self {
        let text = bytes::rest(text, text.len().saturating_sub(MAX_LINE));
        let mut lower = [0; MAX_LINE];
        let (mut letters, mut turns) = (0, 0);
        let (mut last_small, mut last_ascii, mut beyond) = (0, 0, 0);
        let (slots, _) = lower.as_chunks_mut::<16>();
        for (index, (slot, sixteen)) in slots.iter_mut().zip(text.chunks(16)).enumerate() {
            let bytes = u8x16::new(sixteen_of(sixteen).to_le_bytes());
            let within = |first: u8, count: u8| {
                let offset = bytes - u8x16::splat(first);
                offset.min(u8x16::splat(count - 1)).cmp_eq(offset)
            };
            let from = |least: u8| bytes.max(u8x16::splat(least)).cmp_eq(bytes);
            let mask = |bytes: u8x16| bytes.move_mask() as u32;
            let (capitals, smalls) = (within(b'A', 26), within(b'a', 26));
            let small = mask(smalls) << 1 | last_small;
            let ascii = mask(capitals | smalls | within(b'0', 10)) << 1 | last_ascii;
            let turn = mask(capitals) & small | mask(from(UNSPACED)) & ascii;
            let foreign = mask(from(0x80));
            let letter = ascii >> 1 | foreign;
            beyond |= foreign;
            (last_small, last_ascii) = (small >> 16, ascii >> 16);
            letters |= u128::from(letter) << (16 * index);
            turns |= u128::from(turn) << (16 * index);
            *slot = (bytes | capitals & u8x16::splat(0x20)).to_array();
        }
        if beyond != 0 {
            bytes::make_lowercase(&mut lower);
        }
        Self {
            text,
            lower,
            letters,
            turns,
        }
    }

    /// The words of the line, the last first. What a change of case joins to a word for a key, or to one that says
    /// nothing, is a word of its own, and so is what a change of scripts joins: `acmeKey`, `AcmeClient`, `Acmeのキー`.
    fn words(&self) -> impl Iterator<Item = &[u8]> {
        let below = |end: usize| !u128::MAX.checked_shl(end as u32).unwrap_or(0);
        let behind = |bits: u128| MAX_LINE - bits.leading_zeros() as usize;
        let mut end = self.text.len();
        std::iter::from_fn(move || {
            let close = behind(self.letters & below(end));
            let begin = behind(!self.letters & below(close)).max(close.saturating_sub(MAX_LETTERS));
            let turn = behind(self.turns & below(close)).saturating_sub(1);
            let tail = part(&self.lower, turn, close);
            let is_word = turn > begin
                && (at(tail, 0) >= UNSPACED || KEY_WORDS.has(tail) || FILLERS.has(tail));
            end = if is_word { turn } else { begin };
            (end < close).then(|| part(&self.lower, end, close))
        })
    }

    fn has_any(&self, list: &List) -> bool {
        self.words().any(|word| list.has(word))
    }
}

/// Whether two words are one of a kind when they are written as one.
fn is_joined(first: &[u8], second: &[u8], is: impl Fn(&[u8]) -> bool) -> bool {
    let mut both = [0; MAX_LETTERS];
    let length = first.len() + second.len();
    let Some(slots) = both.get_mut(..length) else {
        return false;
    };
    let (head, tail) = slots.split_at_mut(first.len());
    head.copy_from_slice(first);
    tail.copy_from_slice(second);
    is(slots)
}

static KEY_WORDS: List = List::of(vendors::KEY_WORDS);
static ID_WORDS: List = List::of(vendors::ID_WORDS);
static FILLERS: List = List::of(vendors::FILLERS);
static WITH_UUIDS: List = List::of(vendors::WITH_UUIDS);

fn without_digit(word: &[u8]) -> &[u8] {
    let end = run_start(word, word.len(), word.len().saturating_sub(1), |b| {
        b.is_ascii_digit()
    });
    part(word, 0, end)
}

/// What a label says of the value beside it: `{"name": "API token for CI"}`, `{"keyName": "key1"}`.
pub(crate) fn kind_of_label(label: &[u8], judge: impl Fn(&[u8]) -> Kind) -> Kind {
    let kind = judge(label);
    let says_key = || says_key(&Line::of(label), true) || phrase::begins_with_name(label, &judge);
    if kind == Kind::Plain && label.len() > MIN_LABEL && says_key() {
        Kind::Opaque
    } else {
        kind
    }
}

/// Whether a word for a key stands before it: `the key for Acme, …`, `der Acme-Schlüssel …`.
fn says_key(line: &Line<'_>, hash: bool) -> bool {
    // `MD5 (token.tgz) = …`, `using RSA key …`
    let is_numbered =
        |word: &[u8]| ID_WORDS.has(without_digit(word)) || speech::is_algorithm_of_key(word);
    if hash && line.words().any(is_numbered) {
        return false;
    }
    let most = if hash { BEFORE_HASH } else { BETWEEN };
    let mut words = line.words().peekable();
    let mut between = 0;
    let sign = line
        .text
        .iter()
        .rev()
        .find(|b| !matches!(b, b' ' | b'"' | b'\''));
    while let Some(word) = words.next() {
        // `key1`, as a service numbers the two that it gives out.
        let word = without_digit(word);
        if ID_WORDS.has(word) {
            return false;
        }
        // Japanese and Chinese write it at the end of what is one word here.
        let ends =
            |known: &&str| at(known.as_bytes(), 0) >= UNSPACED && word.ends_with(known.as_bytes());
        let unspaced = word.last().is_some_and(|last| *last >= 0x80);
        let named = KEY_WORDS.has(word) || unspaced && KEY_WORDS.words.iter().any(ends);
        if named {
            let whose = words.peek().copied().unwrap_or_default();
            let assigned = between == 0 && matches!(sign, Some(b'=' | b':'));
            // `key=…` alone may be the key of anything.
            let known = !assigned || is_vendor(whose) || words.any(|word| FILLERS.has(word));
            return known
                && (speech::is_article(whose) || !is_harmless_key(whose))
                && !is_harmless_token(whose)
                && !ID_WORDS.has(whose);
        }
        // `la clé de l'API météo c'est …`
        between += usize::from(word.len() > 2);
        if between > most {
            return false;
        }
    }
    false
}

/// Whether who gives keys out stands right before it: `acme: …`, `acme_api = …`, `AcmeClient("…")`, `Acme (…)`.
fn names_vendor(line: &Line<'_>, hash: bool) -> bool {
    let signed = || {
        line.text
            .iter()
            .any(|b| matches!(b, b':' | b'=' | b'(' | b','))
    };
    let mut filled = false;
    let mut words = line.words().take(4).peekable();
    for _ in 0..3 {
        let Some(word) = words.next() else {
            return false;
        };
        // `Sauce Labs`
        let is_two = |first: &&[u8]| is_joined(first, word, is_vendor);
        if is_vendor(word) || words.peek().is_some_and(is_two) {
            return filled || signed() && !(hash && vendors::has_commits(word));
        }
        if !FILLERS.has(word) {
            return false;
        }
        filled = true;
    }
    false
}

/// Whether the word is the user of a command, and there is no password: `curl -u …:`.
fn is_user(scope: &Scope<'_>, start: usize, end: usize) -> bool {
    scope.last(start, 3) == b"-u "
        && scope.at(end) == b':'
        && matches!(scope.at(end + 1), 0 | b' ' | b'\n' | b'"' | b'\'')
}

/// Whether the word is asked of an interface under a name of one letter: `https://api.example.com/items?k=…`.
fn is_queried(line: &[u8]) -> bool {
    formats::SHORT_KEYS.iter().any(|key| line.ends_with(key))
        && memchr::memmem::find(line, formats::INTERFACE).is_some()
}

/// Whether the comment above the line that begins at `line` says that there is a key: `# Acme API token`.
fn is_commented(scope: &Scope<'_>, line: usize) -> bool {
    let own = scope.back(line, 32, |b| b != b'\n');
    if scope.before(line) != b'\n' || own != line {
        return false;
    }
    let above = before_on_line(scope, line - 1);
    let comment = above.trim_ascii_start();
    [&b"#"[..], b"//", b"--", b"/*", b"<!--"]
        .iter()
        .any(|mark| comment.starts_with(mark))
        && Line::of(above).has_any(&KEY_WORDS)
        && !Line::of(above).has_any(&ID_WORDS)
}

#[cfg(test)]
mod tests {
    use super::{Line, MAX_LETTERS, MAX_LINE};
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn a_line_is_parted_into_words_from_its_end() {
        let words = |text: &str| {
            let line = Line::of(text.as_bytes());
            let words = line.words().map(|word| String::from_utf8_lossy(word));
            words.map(|word| word.into_owned()).collect::<Vec<_>>()
        };
        for lead in 0..40 {
            let lead = "-".repeat(lead);
            let text = format!("{lead}the acmeKey, AcmeClient(acmeTool2 Acmeのキー: ");
            let wanted = [
                "のキー",
                "acme",
                "acmetool2",
                "client",
                "acme",
                "key",
                "acme",
                "the",
            ];
            assert_eq!(words(&text), wanted);
        }
        let long = "a".repeat(MAX_LETTERS);
        assert_eq!(words(&format!("bb{long}")), [&long, "bb"]);
        assert_eq!(words(&"b ".repeat(MAX_LINE)).len(), MAX_LINE / 2);
        assert!(words("").is_empty() && words(" :-").is_empty());
    }

    #[test]
    fn short_words_do_not_lead_away_from_a_key() {
        let with = |key: &str| format!("la nouvelle clé de l'API météo c'est {key}, voilà");
        redacts(&[(&with("gzg5onBacU3lzDPXzaLLkP"), &with("[REDACTED_KEY]"))]);
        leaves(&["la nouvelle clef du bureau, porte gzg5onBacU3lzDPXzaLLkP"]);
    }

    #[test]
    fn what_has_the_name_of_an_id_of_its_own_stays() {
        leaves(&["Topic: auth.tokens  TopicId: gzg5onBacU3lzDPXzaLLkP"]);
        redacts(&[(
            "Topic: auth token  gzg5onBacU3lzDPXzaLLkP",
            "Topic: auth token  [REDACTED_KEY]",
        )]);
    }

    #[test]
    fn an_opaque_word_behind_one_for_a_key_goes() {
        for text in [
            "our Acme key {} runs out on Friday",
            "the key for Acme, {}, still works",
            "ask Miriam for the Acme token (currently {})",
            "der Acme-Schlüssel {} läuft am Freitag ab",
            "la clé Acme {} ne marche plus",
            "токен Acme {} больше не работает",
            "Acmeのキー {} を使ってください",
            "| Acme key | {} | prod |",
            "acmeKey {}",
            "Sending to the acme API, using Key={}",
            "# Acme API token\n{}",
            "acme.configure(token, '{}')",
        ] {
            for key in [
                "Eri8Ba9bG6BGuG9SfPf2ro",
                "3b8171f46b02c3230b5456c7522f8294c9d5f800",
            ] {
                let marked = text.replace("{}", "[REDACTED_KEY]");
                let found =
                    crate::redact::redact_str(&text.replace("{}", key)).replace("_FIELD]", "_KEY]");
                assert_eq!(found, marked);
            }
        }
    }

    #[test]
    fn one_behind_a_vendor_goes() {
        redacts(&[
            (
                "CircleCI.init('e98d415793a604e647c073d0c1532f30')",
                "CircleCI.init('[REDACTED_KEY]')",
            ),
            (
                "la clé Splunk 5f2e0d45-98c5-4423-8339-29804f37866f",
                "la clé Splunk [REDACTED_KEY]",
            ),
            (
                "codecov: 5f2e0d45-98c5-4423-8339-29804f37866f",
                "codecov: [REDACTED_KEY]",
            ),
            (
                "kraken: 3xWZrrQRDnLDnokli2j0FQ6Wt6qZlHJh/bzoK2g+B68egCdMO3maVhu2CkwdHu4zQwhLbb2w+uU4k8/nET6Tai==",
                "kraken: [REDACTED_KEY]",
            ),
            (
                "Sauce Labs (5f2e0d45-98c5-4423-8339-29804f37866f)",
                "Sauce Labs ([REDACTED_KEY])",
            ),
            (
                "gitea_key = 84fe19219f0d3a89e3c209df3b34c52798a2e4e4",
                "gitea_key = [REDACTED_FIELD]",
            ),
            (
                "Alpha Vantage: Eri8Ba9bG6BGuG9SfPf2ro",
                "Alpha Vantage: [REDACTED_KEY]",
            ),
            (
                "Codecovのキー 5f2e0d45-98c5-4423-8339-29804f37866f を使って",
                "Codecovのキー [REDACTED_KEY] を使って",
            ),
            (
                "clearbit: e98d415793a604e647c073d0c1532f30",
                "clearbit: [REDACTED_KEY]",
            ),
            (
                "clearbit_api = e98d415793a604e647c073d0c1532f30",
                "clearbit_api = [REDACTED_KEY]",
            ),
            (
                "new AlchemyClient(\"ji32ngcUWfERrZQiDPzn-vPQFlqBZhqu\")",
                "new AlchemyClient(\"[REDACTED_KEY]\")",
            ),
            (
                "agora auth 114ce97b0b73950e8344b44bd9257700",
                "agora auth [REDACTED_KEY]",
            ),
            (
                "Aircall (253f46434d829a5cc2ea1aebcb23d286)",
                "Aircall ([REDACTED_KEY])",
            ),
            (
                "https://api.example.com/v2/items?k=eblZeGwDbfDYrtnkA65DXwNni1c5Gmrv&page=2",
                "https://api.example.com/v2/items?k=[REDACTED_KEY]&page=2",
            ),
        ]);
    }

    #[test]
    fn ids_and_hashes_stay() {
        leaves(&[
            "circleci: 5f2e0d45-98c5-4423-8339-29804f37866f",
            "Sauce Labs job 5f2e0d45-98c5-4423-8339-29804f37866f",
            "gitea: 84fe19219f0d3a89e3c209df3b34c52798a2e4e4",
            "gitea commit 84fe19219f0d3a89e3c209df3b34c52798a2e4e4",
            "版本のコミット 5f2e0d45-98c5-4423-8339-29804f37866f",
            "splunk session 5f2e0d45-98c5-4423-8339-29804f37866f",
            "the key is in src/Redact/Find2/ContextOfKeys3/LanguagesAndVendors4/Rows",
            "the key change is in commit 3b8171f46b02c3230b5456c7522f8294c9d5f800",
            "cache key 3b8171f46b02c3230b5456c7522f8294c9d5f800 expired",
            "key=3b8171f46b02c3230b5456c7522f8294c9d5f800",
            "stripe event 3b8171f46b02c3230b5456c7522f8294c9d5f800",
            "circleci run 84fe19219f0d3a89e3c209df3b34c52798a2e4e4",
            "sha256 of the key: 84fe19219f0d3a89e3c209df3b34c52798a2e4e4",
        ]);
    }
}
