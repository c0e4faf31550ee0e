//! Pure: how events stand in a file. Knows nothing of the crate, so that a fuzz target can include it.
//!
//! A file is records one behind another, one for each event, so that damage costs the events it hits
//! and no others: a reader that finds no record looks for the next one that is whole.
//!
//! Reading takes linear time whatever the bytes are. No event holds the first byte of a mark, so what a header claims
//! as its event ends where the next such byte is, before a checksum is computed; only the few marks that fit into a
//! header's length have claims that lie over each other.

use std::ops::Range;

/// Begins each record. No UTF-8 text holds its first byte, so no event holds it.
const MARK: [u8; 4] = [MARK_BYTE, b'm', b'u', 1];

const MARK_BYTE: u8 = 0xff;

/// The mark, a checksum of all that follows it, and the fields in front of the event.
pub(crate) const HEADER: usize = 36;

/// The most bytes of an event's JSON; a record that claims more is damaged.
pub(crate) const MAX_JSON: usize = 1024 * 1024;

/// The bytes of an entry in the list of ended events.
pub(crate) const ENTRY: usize = 12;

/// The format of a record whose event was erased. No wire has it but by a chance of one in four billion.
pub(crate) const ERASED: u32 = 0;

/// One event on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The format of the JSON.
    pub(crate) tag: u32,
    /// Its number in the file; the list of ended events refers to it.
    pub(crate) ordinal: u32,
    pub(crate) id: i64,
    /// When it was queued, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) json: &'a [u8],
}

impl Record<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MARK);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(self.json.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.tag.to_le_bytes());
        out.extend_from_slice(&self.ordinal.to_le_bytes());
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.at.to_le_bytes());
        out.extend_from_slice(self.json);
        let sum = crc32fast::hash(out.get(start + 8..).unwrap_or_default());
        if let Some(place) = out.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
    }
}

/// A record of this many bytes without any content of the erased event.
pub(crate) fn erased(bytes: usize) -> Vec<u8> {
    let blank = vec![b' '; bytes.saturating_sub(HEADER)];
    let record = Record {
        tag: ERASED,
        ordinal: 0,
        id: 0,
        at: 0,
        json: &blank,
    };
    let mut out = Vec::with_capacity(bytes);
    record.write(&mut out);
    out
}

/// What a reader finds at a place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Record(Record<'a>),
    /// Bytes that are no record.
    Damage,
}

/// Reads a file's records.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The record behind damage, found when its end was looked for.
    next: Option<(Record<'a>, Range<usize>)>,
    /// How many bytes were looked at, each time counted.
    #[cfg(test)]
    work: std::cell::Cell<usize>,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            next: None,
            #[cfg(test)]
            work: std::cell::Cell::new(0),
        }
    }

    /// The record that begins at `at`, if a whole one does.
    fn record(&self, at: usize) -> Option<(Record<'a>, Range<usize>)> {
        let header = self.bytes.get(at..at.checked_add(HEADER)?)?;
        self.count(MARK.len());
        if !header.starts_with(&MARK) {
            return None;
        }
        self.count(HEADER);
        let length = number(header, 8..12)? as usize;
        if length > MAX_JSON {
            return None;
        }
        let end = at.checked_add(HEADER)?.checked_add(length)?;
        let json = self.bytes.get(at + HEADER..end)?;
        if self.find_mark_byte(json).is_some() {
            return None;
        }
        let sum = number(header, 4..8)? as u32;
        self.count(length);
        if crc32fast::hash(self.bytes.get(at + 8..end)?) != sum {
            return None;
        }
        let record = Record {
            tag: number(header, 12..16)? as u32,
            ordinal: number(header, 16..20)? as u32,
            id: number(header, 20..28)? as i64,
            at: number(header, 28..36)?,
            json,
        };
        Some((record, at..end))
    }

    /// The first whole record behind `at`.
    fn record_behind(&self, at: usize) -> Option<(Record<'a>, Range<usize>)> {
        let mut from = at + 1;
        loop {
            from += self.find_mark_byte(self.bytes.get(from..)?)?;
            if let Some(found) = self.record(from) {
                return Some(found);
            }
            from += 1;
        }
    }

    fn find_mark_byte(&self, bytes: &[u8]) -> Option<usize> {
        let found = memchr::memchr(MARK_BYTE, bytes);
        self.count(found.unwrap_or(bytes.len()));
        found
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests count"))]
    fn count(&self, bytes: usize) {
        #[cfg(test)]
        self.work.set(self.work.get() + bytes);
        #[cfg(not(test))]
        let _ = bytes;
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (Found<'a>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let next = self.next.take().or_else(|| self.record(start));
        if let Some((record, range)) = next {
            self.at = range.end;
            return Some((Found::Record(record), range));
        }
        self.next = self.record_behind(start);
        self.at = (self.next.as_ref()).map_or(self.bytes.len(), |(_, range)| range.start);
        Some((Found::Damage, start..self.at))
    }
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8], range: Range<usize>) -> Option<u64> {
    let bytes = bytes.get(range)?;
    let fold = |number, byte: &u8| (number << 8) | u64::from(*byte);
    Some(bytes.iter().rev().fold(0, fold))
}

/// Appends an entry to a list of ended events: those with the ordinals of `range`.
pub(crate) fn write_ended(range: &Range<u32>, out: &mut Vec<u8>) {
    let mut entry = [0; ENTRY];
    let (first, rest) = entry.split_at_mut(4);
    let (end, sum) = rest.split_at_mut(4);
    first.copy_from_slice(&range.start.to_le_bytes());
    end.copy_from_slice(&range.end.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(first);
    hasher.update(end);
    sum.copy_from_slice(&hasher.finalize().to_le_bytes());
    out.extend_from_slice(&entry);
}

/// Reads a list of ended events. A damaged entry is passed over: its events are delivered again.
pub(crate) fn read_ended(bytes: &[u8]) -> impl Iterator<Item = Range<u32>> + '_ {
    bytes.chunks_exact(ENTRY).filter_map(|entry| {
        let sum = number(entry, 8..12)? as u32;
        let range = number(entry, 0..4)? as u32..number(entry, 4..8)? as u32;
        (crc32fast::hash(entry.get(..8)?) == sum && !range.is_empty()).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [&str; 3] = [r#"{"n":1}"#, r#"{"n":22,"text":"é"}"#, r#"{"n":333}"#];

    fn file() -> Vec<u8> {
        let mut out = Vec::new();
        for (n, json) in EVENTS.iter().enumerate() {
            let record = Record {
                tag: 7,
                ordinal: n as u32,
                id: -(n as i64) - 1,
                at: 1_800_000_000_000,
                json: json.as_bytes(),
            };
            record.write(&mut out);
        }
        out
    }

    fn read(bytes: &[u8]) -> (Vec<u32>, usize) {
        let (mut ordinals, mut damage) = (Vec::new(), 0);
        for (found, range) in Records::new(bytes) {
            assert!(!range.is_empty());
            match found {
                Found::Record(record) => {
                    assert_eq!(record.json, EVENTS[record.ordinal as usize].as_bytes());
                    assert_eq!(record.id, -i64::from(record.ordinal) - 1);
                    ordinals.push(record.ordinal);
                }
                Found::Damage => damage += 1,
            }
        }
        (ordinals, damage)
    }

    #[test]
    fn records_come_back_as_they_were() {
        assert_eq!(read(&file()), (vec![0, 1, 2], 0));
        assert_eq!(read(&[]), (vec![], 0));
    }

    #[test]
    fn a_file_torn_anywhere_loses_the_torn_record_alone() {
        let file = file();
        let last = file.len() - HEADER - EVENTS[2].len();
        assert_eq!(read(&file[..last]), (vec![0, 1], 0));
        for end in last + 1..file.len() {
            assert_eq!(read(&file[..end]), (vec![0, 1], 1), "torn at {end}");
        }
    }

    #[test]
    fn a_flipped_bit_loses_its_record_alone() {
        let file = file();
        let first = HEADER + EVENTS[0].len();
        let second = first + HEADER + EVENTS[1].len();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                let kept = match at {
                    _ if at < first => vec![1, 2],
                    _ if at < second => vec![0, 2],
                    _ => vec![0, 1],
                };
                assert_eq!(read(&damaged), (kept, 1), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn lost_and_foreign_bytes_between_records_are_passed_over() {
        let file = file();
        let first = HEADER + EVENTS[0].len();
        for foreign in [&[0; 100][..], &MARK[..], &MARK.repeat(50)[..]] {
            let mixed = [&file[..first], foreign, &file[first..]].concat();
            assert_eq!(read(&mixed), (vec![0, 1, 2], 1));
        }
        let holed = [&file[..first - 3], &file[first..]].concat();
        assert_eq!(read(&holed), (vec![1, 2], 1));
    }

    /// Bytes that make a reader look as often as it can: marks, headers that claim the most or all that follows, and
    /// claims that lie over each other.
    #[test]
    fn reading_takes_linear_time_whatever_the_bytes_are() {
        const BYTES: usize = 1 << 20;
        let header = |length: usize| {
            let mut header = MARK.to_vec();
            header.extend_from_slice(&[0; 4]);
            header.extend_from_slice(&(length as u32).to_le_bytes());
            header
        };
        let claims_all = |header_bytes: usize| {
            let headers = (0..BYTES / header_bytes).map(|n| {
                let mut header = header(BYTES.saturating_sub(n * header_bytes + HEADER));
                header.resize(header_bytes, b'x');
                header
            });
            headers.flatten().collect::<Vec<u8>>()
        };
        let mut marks_then_text = MARK.repeat(HEADER / 4);
        marks_then_text.resize(100, b'x');
        let rows: [(&str, Vec<u8>); 7] = [
            ("marks", MARK.repeat(BYTES / 4)),
            ("first bytes of marks", vec![MARK_BYTE; BYTES]),
            ("zeros", vec![0; BYTES]),
            ("dense headers", claims_all(12)),
            ("headers", claims_all(HEADER)),
            ("headers and text", claims_all(1_000)),
            ("marks and text", marks_then_text.repeat(BYTES / 100)),
        ];
        for (name, bytes) in rows {
            let mut records = Records::new(&bytes);
            assert!(records.all(|(found, _)| found == Found::Damage), "{name}");
            let work = records.work.get();
            assert!(work <= 20 * BYTES, "{name}: {} for each byte", work / BYTES);
        }
    }

    #[test]
    fn an_erased_record_stands_where_the_event_stood_and_says_nothing_of_it() {
        let mut file = file();
        let first = HEADER + EVENTS[0].len();
        let second = first..first + HEADER + EVENTS[1].len();
        let blank = erased(second.len());
        assert_eq!(blank.len(), second.len());
        assert_eq!(blank, erased(second.len()), "whatever it was");
        file[second].copy_from_slice(&blank);
        let found = Records::new(&file).map(|(found, _)| match found {
            Found::Record(record) => (record.tag, record.id),
            Found::Damage => panic!("it is a record"),
        });
        assert_eq!(found.collect::<Vec<_>>(), [(7, -1), (ERASED, 0), (7, -3)]);
    }

    #[test]
    fn a_list_of_ended_events_survives_damage() {
        let mut list = Vec::new();
        for range in [0..1, 4..9, 7..8] {
            write_ended(&range, &mut list);
        }
        assert_eq!(read_ended(&list).collect::<Vec<_>>(), [0..1, 4..9, 7..8]);
        list[ENTRY] ^= 1;
        list.pop();
        assert!(read_ended(&list).eq(std::iter::once(0..1)));
        assert_eq!(read_ended(&[0; 40]).count(), 0);
    }
}
