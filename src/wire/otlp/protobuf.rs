//! Writes Protocol Buffers: the kinds of fields that OTLP's traces have.

/// A message at the end of a buffer. A field whose value is the default is its caller's to leave out.
#[derive(Debug)]
pub(super) struct Message<'b> {
    bytes: &'b mut Vec<u8>,
}

/// How the value of a field is written.
#[derive(Clone, Copy)]
enum Encoding {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

impl<'b> Message<'b> {
    pub(super) const fn new(bytes: &'b mut Vec<u8>) -> Self {
        Self { bytes }
    }

    fn tag(&mut self, field: u8, encoding: Encoding) {
        push_varint(self.bytes, u64::from(field) << 3 | encoding as u64);
    }

    pub(super) fn varint(&mut self, field: u8, value: u64) {
        self.tag(field, Encoding::Varint);
        push_varint(self.bytes, value);
    }

    pub(super) fn fixed64(&mut self, field: u8, value: u64) {
        self.tag(field, Encoding::Fixed64);
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn fixed32(&mut self, field: u8, value: u32) {
        self.tag(field, Encoding::Fixed32);
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u8, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(super) fn bytes(&mut self, field: u8, value: &[u8]) {
        self.head(field, value.len());
        self.raw(value);
    }

    /// Writes what stands in front of a field of so many bytes, which are then written [`raw`](Self::raw) or as fields.
    #[inline]
    pub(super) fn head(&mut self, field: u8, length: usize) {
        if field < 16 && length < 0x80 {
            let tag = field << 3 | Encoding::Length as u8;
            return self.raw(&[tag, length as u8]);
        }
        self.tag(field, Encoding::Length);
        push_varint(self.bytes, length as u64);
    }

    /// Writes what stands in front of a field and of the first one within it.
    #[inline(always)]
    pub(super) fn heads(&mut self, [outer, inner]: [(u8, usize); 2]) {
        let is_short = |(field, length): (u8, usize)| field < 16 && length < 0x80;
        if is_short(outer) && is_short(inner) {
            let head =
                |(field, length): (u8, usize)| [field << 3 | Encoding::Length as u8, length as u8];
            let ([a, b], [c, d]) = (head(outer), head(inner));
            return self.raw(&[a, b, c, d]);
        }
        self.head(outer.0, outer.1);
        self.head(inner.0, inner.1);
    }

    #[inline(always)]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a message within this one. Its length stands in front of it and is known behind it: as many bytes are left
    /// for it as one of this size needs, and where it needs others, what was written moves.
    pub(super) fn message(&mut self, field: u8, size: Size, write: impl FnOnce(&mut Message<'_>)) {
        self.tag(field, Encoding::Length);
        let at = self.bytes.len();
        let start = at + size as usize;
        self.bytes.resize(start, 0);
        write(&mut Message { bytes: self.bytes });
        let end = self.bytes.len();
        let mut length = end - start;
        let moved_to = at + varint_bytes(length as u64);
        if moved_to != start {
            self.bytes.resize(end.max(moved_to + length), 0);
            self.bytes.copy_within(start..end, moved_to);
            self.bytes.truncate(moved_to + length);
        }
        let places = self.bytes.get_mut(at..moved_to).unwrap_or_default();
        if let Some((last, others)) = places.split_last_mut() {
            for place in others {
                *place = length as u8 | 0x80;
                length >>= 7;
            }
            *last = length as u8;
        }
    }
}

/// How large a message is as a rule, by the bytes of its length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// Up to 127 bytes.
    Small = 1,
    /// Up to 16 KiB.
    Medium = 2,
    /// Up to 2 MiB.
    Large = 3,
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// How many bytes a varint has: seven bits in each, and one at least.
#[inline]
const fn varint_bytes(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// How many bytes an integer has as a field whose number is below 16.
#[inline]
pub(super) const fn integer_size(value: u64) -> usize {
    1 + varint_bytes(value)
}

/// How many bytes a field of so many bytes has, with what stands in front of them, if its number is below 16.
#[inline]
pub(super) const fn field_size(length: usize) -> usize {
    1 + varint_bytes(length as u64) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Message<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Message::new(&mut bytes));
        bytes
    }

    #[test]
    fn fields_are_written_as_the_format_has_them() {
        // The examples of the format's own documentation, and the ends of the ranges.
        assert_eq!(written(|m| m.varint(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(
            written(|m| m.bytes(2, b"testing")),
            b"\x12\x07testing".to_vec()
        );
        assert_eq!(
            written(|m| m.message(3, Size::Small, |m| m.varint(1, 150))),
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        let most = written(|m| m.varint(16, u64::MAX));
        assert_eq!(most[..2], [0x80, 0x01], "the number of the field");
        assert_eq!(most[2..], [[0xff; 9].as_slice(), &[0x01]].concat());
        assert_eq!(written(|m| m.fixed64(7, 1)), [0x39, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(written(|m| m.fixed32(16, 1)), [0x85, 0x01, 1, 0, 0, 0]);
        assert_eq!(
            written(|m| m.double(4, 1.0)),
            [0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
        );
        assert_eq!(written(|m| m.message(1, Size::Medium, |_| {})), [0x0a, 0]);
    }

    #[test]
    fn a_length_stands_in_front_of_its_message_whatever_was_left_for_it() {
        for length in [
            0, 1, 124, 125, 126, 127, 128, 16_379, 16_380, 16_384, 2_097_148, 3_000_000,
        ] {
            let inner = vec![b'x'; length];
            let body = written(|m| m.bytes(1, &inner));
            let mut expected = vec![0x0a];
            push_varint(&mut expected, body.len() as u64);
            expected.extend(&body);
            assert_eq!(expected.len(), field_size(body.len()));
            for size in [Size::Small, Size::Medium, Size::Large] {
                let message = written(|m| m.message(1, size, |m| m.bytes(1, &inner)));
                assert!(message == expected, "{length} {size:?}");
            }
        }
    }

    #[test]
    fn sizes_are_those_of_what_is_written() {
        for bits in 0..64 {
            for value in [(1 << bits) - 1, 1 << bits, u64::MAX >> bits] {
                assert_eq!(integer_size(value), written(|m| m.varint(3, value)).len());
            }
        }
    }
}
