//! Reads the records of a file piece by piece, so that memory is bounded however large the file is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::folder;
use super::record::{Found, HEADER, MAX_JSON, Records};

/// How much of a file is in memory at a time: all that a logger writes to one.
pub(super) const PIECE: u64 = 8 * 1024 * 1024;

/// The most bytes of a record. What begins so close to the end of a piece may go on behind it.
const MAX_RECORD: usize = HEADER + MAX_JSON;

/// How far a file was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The end of the last bytes that were read.
    pub(super) end: u64,
    /// How many bytes behind them may hold records.
    pub(super) unread: u64,
}

/// Reads at most `max_bytes` of a file, and at least a piece; one that grows meanwhile, to where it ended. Holes count
/// only within a piece. Hands out each record, and each run of bytes that are none.
pub(super) fn scan(
    file: &mut File,
    max_bytes: u64,
    mut take: impl FnMut(Found<'_>, Range<u64>),
) -> io::Result<Scanned> {
    let length = file.metadata()?.len();
    let mut left = max_bytes.max(PIECE);
    let mut piece = Vec::with_capacity(length.min(PIECE) as usize);
    // Where the piece begins, and damage that may go on behind it.
    let (mut start, mut damage) = (0, None);
    let mut end = 0;
    loop {
        let piece_end = start + piece.len() as u64;
        let data = folder::next_data(file, piece_end).map_or(length, |data| data.min(length));
        if data > piece_end {
            // No record goes on behind a hole, since no event holds a zero.
            damage.get_or_insert(piece_end);
            piece.clear();
            start = data;
        }
        let read_from = start + piece.len() as u64;
        let most = left.min(PIECE - piece.len() as u64).min(length - read_from);
        file.seek(SeekFrom::Start(read_from))?;
        let read = file.by_ref().take(most).read_to_end(&mut piece)? as u64;
        left -= read;
        if read > 0 {
            end = read_from + read;
        }
        let is_last = read < most || left == 0 || read_from + read == length;
        let mut done = piece.len();
        for (found, range) in Records::new(&piece) {
            let bytes = start + range.start as u64..start + range.end as u64;
            if found == Found::Damage {
                damage.get_or_insert(bytes.start);
                if range.end == piece.len() && !is_last {
                    done = range.start.max(piece.len().saturating_sub(MAX_RECORD));
                }
                continue;
            }
            if let Some(from) = damage.take_if(|from| *from < bytes.start) {
                take(Found::Damage, from..bytes.start);
            }
            damage = None;
            take(found, bytes);
        }
        piece.drain(..done);
        start += done as u64;
        if is_last {
            if let Some(from) = damage {
                take(Found::Damage, from..start);
            }
            let unread = length.saturating_sub(start);
            let unread = if read < most { 0 } else { unread };
            return Ok(Scanned { end, unread });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Record;
    use super::*;
    use crate::base::random;

    /// A file of its own that goes away with it.
    struct TempFile(std::path::PathBuf);

    /// A record's number, or damage, and where it is.
    type Entry = (Option<u32>, Range<u64>);

    impl TempFile {
        fn new(bytes: &[u8]) -> Self {
            let name = format!("mcp-usage-scan-{:016x}", random::seed());
            let path = std::env::temp_dir().join(name);
            std::fs::write(&path, bytes).unwrap();
            Self(path)
        }

        fn scan(&self, max_bytes: u64) -> (Vec<Entry>, Scanned) {
            let mut all = Vec::new();
            let mut file = File::open(&self.0).unwrap();
            let scanned = scan(&mut file, max_bytes, |found, range| {
                let ordinal = match found {
                    Found::Record(record) => Some(record.ordinal),
                    Found::Damage => None,
                };
                all.push((ordinal, range));
            });
            (all, scanned.unwrap())
        }
    }

    impl Drop for TempFile {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn record(ordinal: u32, json_bytes: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let json = vec![b'x'; json_bytes];
        let record = Record {
            tag: 1,
            ordinal,
            id: 1,
            at: 1,
            json: &json,
        };
        record.write(&mut bytes);
        bytes
    }

    const ALL: u64 = 1 << 40;

    #[test]
    fn records_are_found_wherever_a_piece_ends() {
        let piece = PIECE as usize;
        let large = record(7, MAX_JSON);
        for at in [
            piece - 1,
            piece - HEADER + 1,
            piece - HEADER,
            piece - large.len(),
            piece - large.len() + 1,
            piece,
            2 * piece - MAX_RECORD - 5,
        ] {
            let junk = vec![b'j'; at];
            let bytes = [&junk, &large, &record(8, 10)[..], b"torn"].concat();
            let (found, scanned) = TempFile::new(&bytes).scan(ALL);
            let (first, second) = ((at + large.len()) as u64, bytes.len() as u64 - 4);
            let expected = [
                (None, 0..at as u64),
                (Some(7), at as u64..first),
                (Some(8), first..second),
                (None, second..second + 4),
            ];
            assert_eq!(found, expected, "{at}");
            let end = bytes.len() as u64;
            assert_eq!(scanned, Scanned { end, unread: 0 }, "{at}");
        }
    }

    #[test]
    fn many_records_over_many_pieces_are_all_found() {
        let records = (0..30_000).flat_map(|n| record(n, 1_000));
        let bytes: Vec<u8> = records.collect();
        let (found, scanned) = TempFile::new(&bytes).scan(ALL);
        assert!(found.iter().map(|(n, _)| *n).eq((0..30_000).map(Some)));
        assert_eq!(scanned.end, bytes.len() as u64);
    }

    #[test]
    fn what_is_beyond_the_most_bytes_is_told() {
        let bytes = [record(1, 10), vec![b'j'; 3 * PIECE as usize]].concat();
        let file = TempFile::new(&bytes);
        let (found, scanned) = file.scan(1);
        assert_eq!(found[0].0, Some(1));
        let unread = bytes.len() as u64 - PIECE;
        assert_eq!(scanned, Scanned { end: PIECE, unread });
        assert_eq!(file.scan(bytes.len() as u64).1.unread, 0);
        assert_eq!(
            TempFile::new(b"").scan(1),
            (vec![], Scanned { end: 0, unread: 0 })
        );
    }

    /// On file systems with holes, these are passed over: four gigabytes would take seconds.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_hole_is_not_read() {
        let first = record(1, 10);
        let file = TempFile::new(&first);
        let opened = File::options().write(true).open(&file.0).unwrap();
        opened.set_len(4 << 30).unwrap();
        let behind = 4 << 30;
        std::os::unix::fs::FileExt::write_all_at(&opened, &record(2, 10), behind).unwrap();
        opened.set_len(8 << 30).unwrap();
        let (found, scanned) = file.scan(3 * PIECE);
        let numbers: Vec<_> = found.iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [Some(1), None, Some(2), None]);
        assert!(scanned.end <= behind + PIECE, "{scanned:?}");
        assert_eq!(scanned.unread, 0, "holes do not count");
    }
}
