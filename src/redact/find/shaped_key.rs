//! Keys that have a shape and no prefix: parts of fixed lengths, joined by dots, colons or dashes.

use crate::redact::catalogue::keys::Tail::Strong;
use crate::redact::class::Class;
use crate::redact::find::token;
use crate::redact::judge::random::{digits, is_mixed, is_random, is_strong};
use crate::redact::read::bytes::{self, at, is_token, part, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

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
    let text = scope.text;
    let run = scope.part(start, end);
    let found = |from: usize, to: usize| Some(Found::new(from, to, Class::Key));
    match scope.before(start) {
        // `SG.` of SendGrid, `pat….` of Airtable, `….atlasv1.` of Terraform.
        b'.' => {
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
            if lead == b"atlasv1" && run.len() >= 12 {
                let head = run_start(
                    text,
                    word.saturating_sub(1),
                    scope.from.max(word.saturating_sub(24)),
                    is_token,
                );
                return found(head, end);
            }
            return None;
        }
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
            return found(head, token::trim_end(scope, head, tail));
        }
        // OpenShift, and what else is named by the hash it is checked with.
        b'~' if run.len() >= 40 && scope.part(start.saturating_sub(7), start) == b"sha256~" => {
            return found(start - 7, end);
        }
        // The refresh tokens of Google.
        b'/' if at(run, 0) == b'0'
            && run.len() >= 30
            && scope.part(start.saturating_sub(3), start) == b"1//"
            && is_mixed(run) =>
        {
            return found(start - 3, end);
        }
        _ => {}
    }
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
    if (36..=38).contains(&run.len())
        && part(run, 32, 35) == b"-us"
        && part(run, 0, 32).iter().all(u8::is_ascii_hexdigit)
    {
        return found(start, end);
    }
    // Azure's own marks in the middle of its keys.
    if run.len() >= 70 {
        for mark in [
            &b"AZDO"[..],
            b"JQQJ99",
            b"AzSe",
            b"AzFu",
            b"AzCa",
            b"ACDb",
            b"APIM",
            b"AIoT",
        ] {
            if memchr::memmem::find(part(run, 40, 90), mark).is_some()
                && is_random(run, Strong)
                && run.len() <= 100
            {
                return found(start, run_end(text, end, scope.to, |b| b == b'='));
            }
        }
    }
    // Keys in the manner of Stripe, of vendors that are not listed.
    if run.len() < 24 {
        return None;
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
                return found(start, end);
            }
        }
    }
    None
}

/// Keys of several parts, the first of which is the run `start..end`: where the last part ends.
fn joined(scope: &Scope<'_>, start: usize, end: usize) -> Option<usize> {
    let run = scope.part(start, end);
    let part_end = |from: usize| run_end(scope.text, from, scope.to, is_token);
    let next = part_end((end + 1).min(scope.to));
    let tail = scope.part(end + 1, next);
    let hexes = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    match scope.at(end) {
        // Asana: a user, perhaps the token's number, 32 hexadecimal digits. Fal: an id and as many.
        b':' => {
            let numbers = run.iter().all(u8::is_ascii_digit) && scope.before(start) == b'/';
            let id = run.len() == 36 && run.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
            ((numbers || id) && tail.len() >= 12 && hexes(tail) && digits(tail) >= 2)
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
                    is_strong(run) && !hexes(run)
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
