//! Reads events back that are on disk alone.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::extents::Extent;
use super::record::{Found, Records};
use super::store::Store;
use crate::ledger::DropReason;

/// Events that were read back.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) sequence: u64,
    /// The JSON of the events, one behind another.
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: Vec<(i64, Range<usize>)>,
    /// When the oldest was queued.
    pub(crate) queued_at: u64,
}

impl Store {
    /// Reads the oldest run that is on disk alone. `None` when there is none, or none can be read now.
    pub(crate) fn load(&mut self, now: u64) -> Option<Loaded> {
        let (sequence, extent) = self.extents.oldest_on_disk()?;
        let log = self.logs.get_mut(&extent.key)?;
        let file = match read_at(&log.path, &extent.bytes) {
            Ok(bytes) => bytes,
            Err(error) => {
                let what = format_args!("cannot be read: {error}");
                self.incidents.fault(&log.path, what);
                if !is_permanent(&error) {
                    return None;
                }
                Vec::new()
            }
        };
        let mut loaded = Loaded {
            sequence,
            bytes: Vec::with_capacity(file.len()),
            events: Vec::new(),
            queued_at: u64::MAX,
        };
        let is_expired = |queued_at| self.settings.is_expired(queued_at, now);
        let (ordinals, expired) = read_records(&file, extent, self.tag, is_expired, &mut loaded);
        let found = ordinals.len() + expired.len();
        let lost = extent.alive.saturating_sub(found as u64);
        if lost > 0 {
            self.incidents.lose(DropReason::SpoolFull, lost);
            log.alive = log.alive.saturating_sub(lost);
            let what = format_args!("is damaged: {lost} events are lost");
            self.incidents.fault(&log.path, what);
        }
        self.incidents
            .lose(DropReason::Expired, expired.len() as u64);
        for &ordinal in &expired {
            log.note_ended(ordinal);
        }
        self.extents.move_to_memory(sequence, ordinals, expired);
        Some(loaded)
    }
}

/// Appends to `loaded` the events of a run that have neither ended nor expired. Returns their ordinals,
/// and those of the expired ones.
fn read_records(
    file: &[u8],
    extent: &Extent,
    tag: u32,
    is_expired: impl Fn(u64) -> bool,
    loaded: &mut Loaded,
) -> (Vec<u32>, Vec<u32>) {
    let (mut ordinals, mut expired) = (Vec::new(), Vec::new());
    for (found, _) in Records::new(file) {
        let Found::Record(record) = found else {
            continue;
        };
        if record.tag != tag
            || !extent.ordinals.contains(&record.ordinal)
            || extent.ended.contains(&record.ordinal)
            || ordinals.last().is_some_and(|&last| last >= record.ordinal)
        {
            continue;
        }
        if is_expired(record.at) {
            expired.push(record.ordinal);
            continue;
        }
        let start = loaded.bytes.len();
        loaded.bytes.extend_from_slice(record.json);
        loaded.events.push((record.id, start..loaded.bytes.len()));
        loaded.queued_at = loaded.queued_at.min(record.at);
        ordinals.push(record.ordinal);
    }
    (ordinals, expired)
}

/// Whether a file that cannot be read now will not be readable later either.
fn is_permanent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    )
}

/// Reads a part of a file, or what is left of it.
fn read_at(path: &Path, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}
