//! Binary content is named by type and size, never sent.

/// Shorter texts are left as they are: an icon of a few pixels, or an id that looks like base64.
pub(super) const MIN_BYTES: usize = 128;

/// How many characters must look like base64 before a text is taken for it.
const SAMPLE: usize = 128;

/// The first base64 characters of well-known binary formats.
const SIGNATURES: &[(&str, &str)] = &[
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "application/x-riff"),
    ("JVBERi0", "application/pdf"),
    ("SUQz", "audio/mpeg"),
    ("T2dnUw", "audio/ogg"),
    ("UEsDB", "application/zip"),
    ("H4sI", "application/gzip"),
    ("AAAAIGZ0eX", "video/mp4"),
    ("AAAAHGZ0eX", "video/mp4"),
    ("AAAAGGZ0eX", "video/mp4"),
    ("Qk0", "image/bmp"),
    ("PHN2Z", "image/svg+xml"),
];

/// Whether MCP puts binary content under this name.
pub(super) fn is_place(name: &[u8]) -> bool {
    matches!(name, b"data" | b"blob")
}

/// Returns the marker for a data URL, for base64 of a known binary format, or, in a place where
/// MCP puts binary content (`data`, `blob`), for anything that looks like base64.
#[inline]
pub(super) fn marker(text: &str, binary_place: bool) -> Option<String> {
    if text.len() < MIN_BYTES {
        return None;
    }
    marker_of_long(text, binary_place)
}

fn marker_of_long(text: &str, binary_place: bool) -> Option<String> {
    if let Some(url) = text.strip_prefix("data:") {
        let (head, data) = url.get(..url.len().min(256))?.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?.split(';').next()?;
        let size = decoded_bytes(url.len() - head.len() - 1);
        let media_type = if media_type.is_empty() {
            "text/plain"
        } else {
            media_type
        };
        return is_base64(data).then(|| format!("[{media_type}, {size} bytes]"));
    }
    let sample = text.get(..SAMPLE.min(text.len()))?;
    let known = SIGNATURES
        .iter()
        .find(|(signature, _)| text.starts_with(signature));
    let media_type = match known {
        Some((_, media_type)) => media_type,
        None if binary_place && is_mixed(sample) => "binary",
        None => return None,
    };
    is_base64(sample).then(|| format!("[{media_type}, {} bytes]", decoded_bytes(text.len())))
}

/// Whether a marker might take the place of JSON text with escapes in it: of the characters of
/// base64 and of media types an escape may stand for a slash, or for any by its number.
pub(super) fn may_begin(raw: &str) -> bool {
    let start = raw.as_bytes();
    let start = start.get(..SIGNATURE_BYTES).unwrap_or(start);
    raw.starts_with("data:")
        || SIGNATURES
            .iter()
            .any(|(signature, _)| raw.starts_with(signature))
        || start.windows(2).any(|pair| matches!(pair, br"\/" | br"\u"))
}

/// The longest signature, should each of its characters be the number of an escape.
const SIGNATURE_BYTES: usize = 6 * 11;

/// Returns the marker for bytes that serde was told are bytes.
pub(super) fn bytes_marker(bytes: &[u8]) -> String {
    format!("[binary, {} bytes]", bytes.len())
}

fn is_base64(sample: &str) -> bool {
    sample.bytes().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'\r' | b'\n' | b'%')
    })
}

/// Digits and letters of both cases: an identifier or a run of one letter is not binary.
fn is_mixed(sample: &str) -> bool {
    let has = |class: fn(&u8) -> bool| sample.as_bytes().iter().any(class);
    has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

const fn decoded_bytes(base64: usize) -> usize {
    base64 / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_become_their_type_and_size() {
        let png = format!("iVBORw0KGgo{}", "A".repeat(4_000));
        assert_eq!(marker(&png, false).unwrap(), "[image/png, 3006 bytes]");
        let url = format!("data:image/webp;base64,{}", "QUJD".repeat(1_000));
        assert_eq!(marker(&url, false).unwrap(), "[image/webp, 3000 bytes]");
    }

    #[test]
    fn text_stays_text() {
        let words = "the quick brown fox ".repeat(50);
        for text in [
            words.as_str(),
            &format!("/9j/ {words}"),
            &format!("data:text/plain,{words}"),
            &"a".repeat(5_000),
            "iVBORw0KGgo",
        ] {
            assert_eq!(marker(text, true), None, "{text:.40}");
        }
    }
}
