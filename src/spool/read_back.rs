//! Reads events back that are only on disk.

use std::io;
use std::ops::Range;

use super::store::Store;
use crate::ledger::DropReason;

/// Appends an event that was read back, and when it was queued, to some bytes, as it may be sent; returns its id. An
/// error says as what it is to be dropped: a record may have been written by another's hand, and what is no event would
/// break the request that it is sent in, as would an id that the record does not tell.
pub(crate) type Recheck =
    Box<dyn FnMut(&[u8], u64, &mut Vec<u8>) -> Result<i64, DropReason> + Send>;

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
    /// Reads the oldest run that is only on disk and can be read. `None` when there is none.
    pub(super) fn load(&mut self, recheck: &mut Recheck) -> Option<Loaded> {
        let (loaded, ordinals) = self.read_oldest(recheck)?;
        self.extents.move_to_memory(loaded.sequence, ordinals);
        Some(loaded)
    }

    /// Returns the events of the run, and their ordinals.
    fn read_oldest(&mut self, recheck: &mut Recheck) -> Option<(Loaded, Vec<u32>)> {
        let mut unreadable = None;
        for (sequence, extent) in self.extents.on_disk() {
            if unreadable == Some(extent.key) {
                continue;
            }
            let log = self.logs.get_mut(&extent.key)?;
            let file = match log.read(&extent.bytes) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let what = format_args!("cannot be read: {error}");
                    self.incidents.fault(&log.path(), what);
                    if !is_permanent(&error) {
                        // Others need not wait for it.
                        unreadable = Some(extent.key);
                        continue;
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
            let mut ordinals = Vec::new();
            let mut failed = 0;
            for record in extent.events(&file, self.tag) {
                let start = loaded.bytes.len();
                if self
                    .unread
                    .iter()
                    .any(|(key, matches)| *key == extent.key && matches.are_in(record.json))
                {
                    self.incidents.lose(DropReason::Forgotten, 1);
                    log.note_ended(record.ordinal);
                    failed += 1;
                    continue;
                }
                match recheck(record.json, record.at, &mut loaded.bytes) {
                    Ok(id) => {
                        loaded.events.push((id, start..loaded.bytes.len()));
                        loaded.queued_at = loaded.queued_at.min(record.at);
                        ordinals.push(record.ordinal);
                    }
                    Err(DropReason::SpoolFull) => {}
                    Err(reason) => {
                        self.incidents.lose(reason, 1);
                        log.note_ended(record.ordinal);
                        failed += 1;
                    }
                }
            }
            let lost = extent.alive.saturating_sub(ordinals.len() as u64 + failed);
            if lost > 0 {
                self.incidents.miss(lost);
                log.alive = log.alive.saturating_sub(lost);
                let what = format_args!("is damaged: {lost} events are lost");
                self.incidents.fault(&log.path(), what);
            }
            return Some((loaded, ordinals));
        }
        None
    }
}

/// Whether a file that cannot be read now will not be readable later either.
fn is_permanent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    )
}
