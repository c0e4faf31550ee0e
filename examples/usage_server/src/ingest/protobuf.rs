//! The frame of Protocol Buffers: the fields of a message, each as its bytes, so that one span is decoded at a time.
//! Decoded all at once, 8 MiB of empty messages would take a gigabyte.

/// A field's number, and its content where that has a length.
pub(super) type Field<'b> = (u64, Option<&'b [u8]>);

/// The message does not end where it should, or holds what no message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Calls `f` with each field of a message.
pub(super) fn fields<'b>(
    mut message: &'b [u8],
    mut f: impl FnMut(Field<'b>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let content = match tag & 7 {
            0 => varint(&mut message).map(|_| None)?,
            1 => take(&mut message, 8).map(|_| None)?,
            2 => {
                let length = varint(&mut message)?;
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                Some(take(&mut message, length)?)
            }
            5 => take(&mut message, 4).map(|_| None)?,
            _ => return Err(Malformed),
        };
        f((tag >> 3, content))?;
    }
    Ok(())
}

fn take<'b>(message: &mut &'b [u8], length: usize) -> Result<&'b [u8], Malformed> {
    let (taken, rest) = message.split_at_checked(length).ok_or(Malformed)?;
    *message = rest;
    Ok(taken)
}

fn varint(message: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or(Malformed)?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_what_is_cut_is_malformed() {
        let message = [0x0a, 2, b'h', b'i', 0x10, 0x96, 0x01, 0x1d, 1, 2, 3, 4];
        let mut found = Vec::new();
        let read = fields(&message, |field| {
            found.push(field);
            Ok(())
        });
        assert_eq!(read, Ok(()));
        assert_eq!(found, [(1, Some(&b"hi"[..])), (2, None), (3, None)]);
        for end in [1, 2, 3, 5, 6, 8, 11] {
            let cut = &message[..end];
            assert_eq!(fields(cut, |_| Ok(())), Err(Malformed), "{end}");
        }
        assert_eq!(fields(&[0xff; 11], |_| Ok(())), Err(Malformed));
        assert_eq!(fields(&[0x0b], |_| Ok(())), Err(Malformed));
    }
}
