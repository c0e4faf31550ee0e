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
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn fixed32(&mut self, field: u8, value: u32) {
        self.tag(field, Encoding::Fixed32);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u8, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(super) fn bytes(&mut self, field: u8, value: &[u8]) {
        self.tag(field, Encoding::Length);
        push_varint(self.bytes, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Writes a message within this one. Its length stands in front of it and is known behind it: one byte is left
    /// for it, and what needs more moves what was written.
    pub(super) fn message(&mut self, field: u8, write: impl FnOnce(&mut Message<'_>)) {
        self.tag(field, Encoding::Length);
        let start = self.bytes.len();
        self.bytes.push(0);
        write(&mut Message { bytes: self.bytes });
        let mut length = Vec::with_capacity(MAX_VARINT_BYTES);
        push_varint(&mut length, (self.bytes.len() - start - 1) as u64);
        self.bytes.splice(start..=start, length);
    }
}

/// The longest varint: 64 bits, seven a byte.
const MAX_VARINT_BYTES: usize = 10;

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
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
            written(|m| m.message(3, |m| m.varint(1, 150))),
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
        assert_eq!(written(|m| m.message(1, |_| {})), [0x0a, 0]);
    }

    #[test]
    fn a_length_of_several_bytes_stands_in_front_of_its_message() {
        for length in [127, 128, 16_383, 16_384, 3_000_000] {
            let inner = vec![b'x'; length];
            let mut expected = vec![0x0a];
            let head = written(|m| m.bytes(1, &inner)).len();
            push_varint(&mut expected, head as u64);
            expected.extend(written(|m| m.bytes(1, &inner)));
            assert_eq!(written(|m| m.message(1, |m| m.bytes(1, &inner))), expected);
        }
    }
}
