//! Keys that have a shape and no prefix: parts of fixed lengths, joined by dots, colons or dashes.

use crate::redact::catalogue::keys::Tail::Strong;
use crate::redact::class::Class;
use crate::redact::find::token;
use crate::redact::judge::random::{digits, is_cased, is_mixed, is_random, is_strong};
use crate::redact::read::bytes::{self, at, is_token, part, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit)
}

/// The end of a key that is base64, and of further ones behind commas.
pub(crate) fn long_end(scope: &Scope<'_>, end: usize) -> usize {
    let mut end = run_end(scope.text, end, scope.to, |b| {
        is_token(b) || matches!(b, b'+' | b'/' | b'=')
    });
    while scope.at(end) == b',' && scope.part(end + 1, end + 3) == b"fm" {
        end = run_end(scope.text, end + 1, scope.to, |b| {
            is_token(b) || matches!(b, b'+' | b'/' | b'=')
        });
    }
    end
}

/// Goes on behind dots that more of the key follows.
pub(crate) fn dotted_end(scope: &Scope<'_>, run: usize) -> usize {
    let mut end = run;
    for _ in 0..4 {
        if scope.at(end) != b'.' {
            break;
        }
        let next = run_end(scope.text, end + 1, scope.to, is_token);
        let more = scope.part(end + 1, next);
        if more.len() < 2 || !more.iter().any(u8::is_ascii_digit) && more.len() < 12 {
            break;
        }
        end = next;
    }
    end
}

/// Keys whose mark is not at their beginning.
pub(crate) fn shaped(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    if scope.before(start) == b'.' {
        return behind_dot(scope, start, end);
    }
    if let Some(found) = behind_sign(scope, start, end) {
        return Some(found);
    }
    let text = scope.text;
    let run = scope.part(start, end);
    let found = |from: usize, to: usize| Some(Found::new(from, to, Class::Key));
    if let Some(end) = joined(scope, start, end) {
        return found(start, end);
    }
    // Discord: user id in base64, six characters of time, a signature.
    if matches!(at(run, 0), b'M' | b'N' | b'O')
        && (22..=30).contains(&run.len())
        && scope.at(end) == b'.'
    {
        let time = run_end(text, end + 1, scope.to, is_token);
        if (5..=7).contains(&(time - end - 1)) && scope.at(time) == b'.' {
            let mac = run_end(text, time + 1, scope.to, is_token);
            // Of a cut one the id has to look like one.
            if mac - time > 12 || mac - time > 4 && is_strong(run) {
                return found(start, mac);
            }
        }
    }
    // Airtable's personal tokens.
    if run.starts_with(b"pat") && run.len() == 17 && scope.at(end) == b'.' {
        let mac = run_end(text, end + 1, scope.to, |b| b.is_ascii_hexdigit());
        if mac - end > 20 {
            return found(start, mac);
        }
    }
    // Mailchimp: the data centre stands behind the key.
    if (36..=38).contains(&run.len()) && part(run, 32, 35) == b"-us" && is_hex(part(run, 0, 32)) {
        return found(start, end);
    }
    if let Some(found) = azure(scope, start, end) {
        return Some(found);
    }
    (is_of_a_shape(run) || has_a_key_word(run)).then(|| Found::new(start, end, Class::Key))
}

/// Keys of which the run is a part behind a dot.
fn behind_dot(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    let text = scope.text;
    let run = scope.part(start, end);
    let found = |from: usize, to: usize| Some(Found::new(from, to, Class::Key));
    let word = run_start(
        text,
        start - 1,
        scope.from.max(start.saturating_sub(24)),
        is_token,
    );
    let lead = scope.part(word, start - 1);
    if lead == b"SG" && run.len() >= 12 {
        return found(word, dotted_end(scope, end));
    }
    // The service tokens of Vault before version 1.10.
    if lead == b"s" && run.len() == 24 && is_strong(run) {
        return found(word, end);
    }
    // Zhipu: 32 hexadecimal digits before it.
    if run.len() == 16 && lead.len() >= 23 && is_mixed(run) {
        let word = run_start(text, word, scope.from.max(start.saturating_sub(34)), |b| {
            b.is_ascii_hexdigit()
        });
        if start - word == 33 {
            return found(word, end);
        }
    }
    // Infisical: an id and a secret. Bitwarden: the version, an id, a secret and a key.
    if lead == b"st" && run.len() == 24 && is_hex(run) {
        let last = dotted_end(scope, end);
        return (last - end > 12).then(|| Found::new(word, last, Class::Key));
    }
    if lead == b"0" && run.len() == 36 && scope.at(end) == b'.' {
        let secret = run_end(text, end + 1, scope.to, is_token);
        let last = long_end(scope, (secret + 1).min(scope.to));
        if secret - end > 20 && scope.at(secret) == b':' {
            return found(word, last);
        }
    }
    // Zoho: two halves of 32 hexadecimal digits each.
    if lead == b"1000" && run.len() == 32 && is_hex(run) && digits(run) < 32 {
        return found(word, dotted_end(scope, end));
    }
    if lead == b"atlasv1" && run.len() >= 12 {
        let head = run_start(
            text,
            word.saturating_sub(1),
            scope.from.max(word.saturating_sub(24)),
            is_token,
        );
        return found(head, end);
    }
    None
}

/// Keys of which the run is the part behind another sign.
fn behind_sign(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    let text = scope.text;
    let run = scope.part(start, end);
    let found = |from: usize, to: usize| Some(Found::new(from, to, Class::Key));
    match scope.before(start) {
        // The secret of an Azure application has `8Q~` at its fourth byte.
        b'~' if run.len() >= 12
            && is_mixed(run)
            && at(text, start.wrapping_sub(2)) == b'Q'
            && at(text, start.wrapping_sub(3)).is_ascii_digit() =>
        {
            let head = run_start(
                text,
                start - 1,
                scope.from.max(start.saturating_sub(8)),
                |b| is_token(b) || b == b'.' || b == b'~',
            );
            let tail = run_end(text, end, scope.to, |b| {
                is_token(b) || matches!(b, b'.' | b'~')
            });
            found(head, token::trim_end(scope, head, tail))
        }
        // OpenShift, and what else is named by the hash it is checked with.
        b'~' if run.len() >= 40 && scope.part(start.saturating_sub(7), start) == b"sha256~" => {
            found(start - 7, end)
        }
        // The application tokens of DataStax Astra.
        b':' if run.len() >= 16
            && scope.part(start.saturating_sub(8), start) == b"AstraCS:"
            && is_mixed(run) =>
        {
            let next = usize::from(scope.at(end) == b':');
            found(start - 8, run_end(text, end + next, scope.to, is_token))
        }
        // Login with Amazon: access tokens and refresh tokens.
        b'|' if run.len() >= 20
            && matches!(
                scope.part(start.saturating_sub(5), start),
                b"Atza|" | b"Atzr|"
            )
            && is_mixed(run) =>
        {
            found(start - 5, long_end(scope, end))
        }
        // The refresh tokens of Google.
        b'/' if at(run, 0) == b'0'
            && run.len() >= 30
            && scope.part(start.saturating_sub(3), start) == b"1//"
            && is_mixed(run) =>
        {
            found(start - 3, end)
        }
        _ => None,
    }
}

/// Whether a run as a whole has the shape of a vendor's keys.
fn is_of_a_shape(run: &[u8]) -> bool {
    let groups = || run.split(|b| *b == b'-').map(<[u8]>::len);
    match run.len() {
        // Jenkins: the version of the token, which makes it longer than any hash.
        34 if run.starts_with(b"11") && is_hex(run) && (8..32).contains(&digits(run)) => true,
        // Mailgun: a key, an id and a check, in hexadecimal digits. Infobip: a key and an id.
        50 | 69
            if (groups().eq([32, 8, 8]) || groups().eq([32, 8, 4, 4, 4, 12]))
                && run.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
                && digits(run) >= 8 =>
        {
            true
        }
        // PayPal: the secret of an application.
        80 if at(run, 0) == b'E' && at(run, 1).is_ascii_uppercase() && is_cased(run) => true,
        // The license keys of New Relic say so at their end.
        40.. if run.ends_with(b"NRAL") && digits(run) >= 4 => true,
        // Keygen: what the token is for, 64 hexadecimal digits, its version.
        length @ 69.. => {
            matches!(part(run, length - 2, length), b"v2" | b"v3")
                && at(run, length - 67) == b'-'
                && is_hex(part(run, length - 66, length - 2))
        }
        _ => false,
    }
}

/// Whether a run is a key in the manner of Stripe, of a vendor that is not listed.
fn has_a_key_word(run: &[u8]) -> bool {
    if run.len() < 24 {
        return false;
    }
    for place in memchr::memchr2_iter(b'_', b'-', part(run, 0, 32)) {
        let rest = bytes::rest(run, place);
        let middle = [
            &b"_live_"[..],
            b"_sk_",
            b"_pat_",
            b"_secret_",
            b"-sk-",
            b"_prod_",
        ]
        .into_iter()
        .find(|middle| rest.starts_with(middle));
        // Keys to be published say so.
        if let Some(middle) = middle.filter(|_| !run.starts_with(b"pk_")) {
            let tail = bytes::rest(rest, middle.len());
            if tail.len() >= 20 && is_random(tail, Strong) && !tail.contains(&b'_') {
                return true;
            }
        }
    }
    false
}

/// What Azure writes into its keys, service by service: after how many bytes, and how long the key is.
const AZURE: &[(&[u8], usize, usize)] = &[
    (b"AIoT", 33, 43),
    (b"+ASb", 33, 43),
    (b"+AEh", 33, 43),
    (b"+ARm", 33, 43),
    (b"AzCa", 33, 43),
    (b"AzSe", 42, 52),
    (b"+ACR", 42, 52),
    (b"AzFu", 44, 54),
    (b"JQQJ99", 52, 84),
    (b"AZDO", 76, 84),
    (b"APIM", 76, 86),
    (b"ACDb", 76, 86),
    (b"+ABa", 76, 86),
    (b"+AMC", 76, 86),
    (b"+ASt", 76, 86),
];

/// A key of Azure, which is base64: the run `start..end` is its first long part. Only two beginnings are tried, and
/// a few bytes looked back at, so that a path of many parts costs no more than its length.
fn azure(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    let joined = |b: u8| matches!(b, b'+' | b'/');
    let is_key = |b: u8| is_token(b) || joined(b);
    if end - start < 37 && !joined(scope.before(start)) && !joined(scope.at(end)) {
        return None;
    }
    let floor = scope.from.max(start.saturating_sub(32));
    let before = run_start(scope.text, start, floor, is_key);
    AZURE.iter().find_map(|(mark, place, length)| {
        let from = [start, before].into_iter().find(|from| {
            let middle = from + place;
            scope.at(middle) == at(mark, 0) && scope.part(middle, middle + mark.len()) == *mark
        })?;
        let to = run_end(scope.text, from, scope.to.min(from + length), is_key);
        let is_whole = !is_token(scope.before(from)) && !is_token(scope.at(to));
        (to >= from + place + mark.len() && is_whole && is_random(scope.part(from, to), Strong))
            .then(|| {
                let end = run_end(scope.text, to, scope.to, |b| b == b'=');
                Found::new(from, end, Class::Key)
            })
    })
}

/// Keys of several parts, the first of which is the run `start..end`: where the last part ends.
fn joined(scope: &Scope<'_>, start: usize, end: usize) -> Option<usize> {
    let run = scope.part(start, end);
    let part_end = |from: usize| run_end(scope.text, from, scope.to, is_token);
    let next = part_end((end + 1).min(scope.to));
    let tail = scope.part(end + 1, next);
    match scope.at(end) {
        // Close: two halves of 22 letters and digits each.
        b'.' if run.len() == 26
            && run.starts_with(b"api_")
            && tail.len() == 22
            && is_mixed(tail)
            && is_mixed(run) =>
        {
            Some(next)
        }
        // Meta: the id of an application, and its secret.
        b'|' if matches!(run.len(), 15 | 16)
            && run.iter().all(u8::is_ascii_digit)
            && (27..=40).contains(&tail.len())
            && is_mixed(tail) =>
        {
            Some(next)
        }
        // Ghost: 24 hexadecimal digits, and 64.
        b':' if run.len() == 24 && is_hex(run) && tail.len() == 64 && is_hex(tail) => Some(next),
        // Authress: a client, a key, an account, a secret.
        b'.' if [&b"sc_"[..], b"ext_", b"scauth_", b"authress_"]
            .iter()
            .any(|head| run.starts_with(head)) =>
        {
            let account = part_end((next + 1).min(scope.to));
            let is_account = matches!(scope.part(next + 1, next + 5), b"acc_" | b"acc-");
            let last = long_end(scope, (account + 1).min(scope.to));
            ((4..=6).contains(&tail.len())
                && scope.at(next) == b'.'
                && is_account
                && scope.at(account) == b'.'
                && last - account > 12)
                .then_some(last)
        }
        // Asana: a user, perhaps the token's number, 32 hexadecimal digits. Fal: an id and as many.
        b':' => {
            let numbers = run.iter().all(u8::is_ascii_digit) && scope.before(start) == b'/';
            let id = run.len() == 36 && run.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
            ((numbers || id) && tail.len() >= 12 && is_hex(tail) && digits(tail) >= 2)
                .then_some(next)
        }
        // Braintree: `access_token$production$…$…`.
        b'$' if [&b"access_token$production$"[..], b"access_token$sandbox$"]
            .iter()
            .any(|head| scope.part(start.saturating_sub(head.len()), start) == *head) =>
        {
            Some(next)
        }
        // A session of Salesforce is named by its organization.
        b'!' if run.starts_with(b"00D") && run.len() <= 18 => {
            let last = run_end(scope.text, end + 1, scope.to, |b| is_token(b) || b == b'.');
            (last - end >= 40).then_some(last)
        }
        // Convex: `prod:happy-animal-123|…`.
        b'|' if matches!(scope.part(start.saturating_sub(5), start), b"prod:")
            || matches!(scope.part(start.saturating_sub(4), start), b"dev:") =>
        {
            let last = long_end(scope, end + 1);
            (last - end >= 40).then_some(last)
        }
        _ => {
            let known = match run.len() {
                // Okta, MaxMind, ClickHouse, ngrok, RapidAPI.
                42 if run.starts_with(b"00") || run.starts_with(b"4b1d") => {
                    is_strong(run) && !is_hex(run)
                }
                40 if run.ends_with(b"_mmk") => true,
                48..=50 if at(run, 27) == b'_' => at(run, 0) == b'2' && is_strong(run),
                50 if part(run, 10, 13) == b"msh" => part(run, 35, 38) == b"jsn",
                // ClickUp, whose keys begin like those to be published of others.
                41..=46 if run.starts_with(b"pk_") => {
                    let number = run
                        .iter()
                        .skip(3)
                        .take_while(|b| b.is_ascii_digit())
                        .count();
                    number >= 5
                        && run.len() == 3 + number + 1 + 32
                        && run
                            .iter()
                            .skip(4 + number)
                            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                }
                _ => false,
            };
            known.then_some(end)
        }
    }
}

/// A bot of Telegram: its id, a colon, and a secret that begins with `A`.
pub(crate) fn telegram(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let colon = run_end(scope.text, pos, scope.to.min(pos + 12), |b| {
        b.is_ascii_digit()
    });
    if !(8..=11).contains(&(colon - pos)) || scope.at(colon) != b':' || scope.at(colon + 1) != b'A'
    {
        return None;
    }
    let left = scope.before(pos);
    if left.is_ascii_alphanumeric() && left != b't' && left != b'n' {
        return None;
    }
    let end = run_end(scope.text, colon + 1, scope.to, is_token);
    (end - colon >= 25).then(|| Found::new(pos, end, Class::Key))
}

/// Keys of Grafana are JSON in base64, too.
pub(crate) fn grafana(scope: &Scope<'_>, start: usize) -> Option<Found> {
    if !scope.part(start, start + 8).starts_with(b"eyJrIjoi") {
        return None;
    }
    let end = run_end(scope.text, start, scope.to, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')
    });
    (end - start >= 40).then(|| Found::new(start, end, Class::Key))
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    const HEX: &str = "3f9a0c71e58b24d6a07c93f1b5e2684d7a1c0f95e38b62d4c9710fa6e5b38d20";
    const MIXED: &str =
        "Zk3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0Tz3Kr9Wq7Ml2Bv8Sn4Dh6Fg1Cj5Ap0Zt3Rk9Qw7Lm2Vb8Ns4Hd";

    /// Keys put together of their parts, so that no scanner takes this file for a leak, and whose they are.
    fn keys() -> Vec<(&'static str, String)> {
        let (hex, mixed) = (|n: usize| &HEX[..n], |n: usize| &MIXED[..n]);
        let id = "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a";
        vec![
            (
                "Azure Functions",
                [mixed(44), "AzFu", "Q2w3Eg", "=="].concat(),
            ),
            (
                "Azure Container Registry",
                [mixed(42), "+ACR", "BQ2w3E"].concat(),
            ),
            (
                "Azure Event Hubs",
                [mixed(8), "/", mixed(24), "+AEh", "BQ2w3E", "="].concat(),
            ),
            (
                "Azure Storage",
                ["ab/", mixed(73), "+ASt", "Q2w3Eg", "=="].concat(),
            ),
            ("Azure Search", [mixed(42), "AzSe", "BQ2w3E"].concat()),
            ("Azure DevOps", [mixed(76), "AZDO", "2w3E"].concat()),
            ("Mailgun", [hex(32), "-", hex(8), "-", hex(8)].concat()),
            ("Infobip", [hex(32), "-", id].concat()),
            ("Jenkins", ["11", hex(32)].concat()),
            ("PayPal", ["EK", mixed(78)].concat()),
            ("New Relic", [hex(36), "FFFF", "NRAL"].concat()),
            ("Keygen", ["prod-", hex(64), "v3"].concat()),
            ("Zoho", ["1000.", hex(32), ".", hex(32)].concat()),
            (
                "Infisical",
                ["st.", hex(24), ".", hex(32), ".", hex(32)].concat(),
            ),
            (
                "Bitwarden",
                ["0.", id, ".", mixed(30), ":", mixed(22), "=="].concat(),
            ),
            (
                "DataStax Astra",
                ["Astra", "CS:", mixed(24), ":", hex(64)].concat(),
            ),
            ("Login with Amazon", ["At", "za|IwEB", mixed(60)].concat()),
            ("Ghost", [hex(24), ":", hex(64)].concat()),
            ("Close", ["api_", mixed(22), ".", mixed(22)].concat()),
            ("Meta", ["123456789012345|", mixed(27)].concat()),
            (
                "Authress",
                ["sc_", "abcdefgh1.ab1c.acc_", "abcdefgh12.", mixed(40), "="].concat(),
            ),
        ]
    }

    #[test]
    fn keys_with_a_shape_go_whole() {
        for (whose, key) in keys() {
            for (before, after) in [
                ("use ", " until Friday"),
                ("export V=", "; ./run"),
                ("", ""),
            ] {
                let once = redact_str(&format!("{before}{key}{after}")).into_owned();
                assert_eq!(
                    once,
                    format!("{before}[REDACTED_KEY]{after}"),
                    "{whose}: {key}"
                );
                assert_eq!(redact_str(&once), once, "{whose}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        let (hex, id) = (|n: usize| &HEX[..n], "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a");
        for harmless in [
            [hex(32), "-", hex(8)].concat(),
            [hex(32), "-", hex(8), "-", hex(7)].concat(),
            ["12", hex(32)].concat(),
            [hex(34)].concat(),
            ["prod-", hex(64)].concat(),
            ["1000.", hex(31)].concat(),
            ["1000.", "12345678901234567890123456789012"].concat(),
            ["st.", hex(24)].concat(),
            ["0.", id].concat(),
            [hex(24), ":", hex(40)].concat(),
            "api_client_configuration_v2.get_user_by_identifier".to_owned(),
            "123456789012345|harbour and lantern of the north".to_owned(),
            "sc_abcdefgh1.ab1c.account_of_the_harbour".to_owned(),
            "src/engine/AzSearchIndex/AIoTHub/APIManagement/AzCaches2".to_owned(),
        ] {
            let text = format!("it says {harmless} there");
            assert_eq!(redact_str(&text), text);
        }
    }
}
