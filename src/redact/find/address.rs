//! IP addresses and addresses of wallets.

use crate::redact::catalogue::formats;
use crate::redact::class::Class;
use crate::redact::read::bytes::{self, at, run_start};
use crate::redact::read::scope::{Found, Scope};

/// An IPv4 address that begins with the digits at `pos`.
pub(crate) fn ipv4(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let left = scope.before(pos);
    if left.is_ascii_alphanumeric() || matches!(left, b'.' | b'-' | b'_') {
        return None;
    }
    let end = scope.ahead(pos, 16, |b| b.is_ascii_digit() || b == b'.');
    let end = run_start(scope.text, end, pos, |b| b == b'.');
    let address: std::net::Ipv4Addr = std::str::from_utf8(scope.part(pos, end))
        .ok()?
        .parse()
        .ok()?;
    let next = scope.at(end);
    (!next.is_ascii_alphanumeric() && next != b'_' && !address.is_unspecified())
        .then(|| Found::new(pos, end, Class::Ip))
}

/// An IPv6 address around the colon at `pos`.
pub(crate) fn ipv6(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let of = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let start = scope.back(pos, 5, of);
    let end = scope.ahead(pos, 46, of);
    let end = run_start(scope.text, end, pos, |b| b == b'.');
    if scope.before(start).is_ascii_alphanumeric() || scope.at(end).is_ascii_alphanumeric() {
        return None;
    }
    let address: std::net::Ipv6Addr = std::str::from_utf8(scope.part(start, end))
        .ok()?
        .parse()
        .ok()?;
    (end - start > 4 && !address.is_loopback()).then(|| Found::new(start, end, Class::Ip))
}

/// The address of a wallet, Ethereum's or Bitcoin's, at the start of a run of token bytes.
pub(crate) fn wallet(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let end = scope.ahead(start, 96, bytes::is_token);
    let run = scope.part(start, end);
    let base58 = |text: &[u8]| {
        text.iter()
            .all(|b| b.is_ascii_alphanumeric() && !matches!(b, b'0' | b'O' | b'I' | b'l'))
    };
    let ethereum = run.len() == 42
        && run.starts_with(b"0x")
        && bytes::rest(run, 2).iter().all(u8::is_ascii_hexdigit);
    let segwit = run.starts_with(formats::SEGWIT)
        && (42..=62).contains(&run.len())
        && run
            .iter()
            .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    let legacy = matches!(at(run, 0), b'1' | b'3')
        && (26..=35).contains(&run.len())
        && base58(run)
        && run.iter().any(u8::is_ascii_lowercase)
        && run.iter().any(u8::is_ascii_uppercase);
    (ethereum || segwit || legacy).then(|| Found::new(start, end, Class::Wallet))
}

#[cfg(test)]
mod tests {
    use crate::redact::{Class, Redactor};

    #[test]
    fn addresses_of_hosts_and_wallets_go_where_they_are_asked_for() {
        let redactor = Redactor::builder()
            .enable(Class::Ip)
            .enable(Class::Wallet)
            .build()
            .unwrap();
        for (text, redacted) in [
            ("from 192.168.0.1:8080", "from [REDACTED_IP]:8080"),
            ("from 2001:db8::1 on", "from [REDACTED_IP] on"),
            (
                "to 0x52908400098527886E0F7030069857D2E4169EE7",
                "to [REDACTED_WALLET]",
            ),
        ] {
            assert_eq!(redactor.redact_str(text), redacted);
        }
        for text in [
            "0.0.0.0",
            "1.2.3.4.5",
            "256.1.1.1",
            "v1.2.3.4",
            "::1",
            "at 10:20:30",
            "0x5290",
        ] {
            assert_eq!(redactor.redact_str(text), text);
        }
    }
}
