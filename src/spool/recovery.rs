//! Takes over what ended owners have left.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::dir::SpoolDir;
use super::extents::Extent;
use super::log::{self, Log};
use super::record::{Found, Records, read_ended};
use super::store::Store;
use crate::ledger::DropReason;

impl Store {
    /// Takes over what ended owners have left; returns the number of events.
    pub(crate) fn adopt(&mut self, now: u64) -> u64 {
        let root = &self.settings.root;
        let dirs = match SpoolDir::take_over(root, &self.settings.tag) {
            Ok(dirs) => dirs,
            Err(error) => {
                let what = format_args!("cannot be read: {error}");
                self.incidents.fault(root, what);
                return 0;
            }
        };
        let mut logs = Vec::new();
        for dir in dirs.into_iter().map(Arc::new) {
            let paths = log::files(dir.path(), "log").into_iter();
            logs.extend(paths.map(|path| (path, Arc::clone(&dir))));
            if let Ok(dir) = Arc::try_unwrap(dir) {
                log::remove_emptied(dir);
            }
        }
        // Oldest first, whoever wrote them: names begin with the time.
        logs.sort_by(|(a, _), (b, _)| a.file_name().cmp(&b.file_name()));
        let mut recovered = 0;
        for (path, dir) in logs {
            match self.recover_file(&path, dir, now) {
                Ok(events) => recovered += events,
                Err(error) => {
                    let what = format_args!("cannot be read: {error}");
                    self.incidents.fault(&path, what);
                }
            }
        }
        self.evict_down_to(self.settings.max_bytes);
        self.tidy(false);
        recovered
    }

    /// Reads a file of an ended owner; returns how many of its events had not ended.
    fn recover_file(&mut self, path: &Path, dir: Arc<SpoolDir>, now: u64) -> io::Result<u64> {
        let bytes = fs::read(path)?;
        let list = fs::read(path.with_extension("done")).unwrap_or_default();
        let mut ended = ended_ordinals(&list, bytes.len());
        let key = self.new_key(millis_of(path).unwrap_or(0));
        let mut log = Log::found(dir, path.to_owned(), bytes.len() as u64, list.len());
        let mut runs: Vec<Extent> = Vec::new();
        let (mut damaged, mut recovered, mut expired) = (0_u64, 0, 0);
        for (found, range) in Records::new(&bytes) {
            let record = match found {
                Found::Record(record) if record.tag == self.tag => record,
                Found::Record(_) | Found::Damage => {
                    damaged += 1;
                    continue;
                }
            };
            // Each ordinal once, although a damaged file may repeat one.
            if !ended.insert(record.ordinal) {
                continue;
            }
            recovered += 1;
            log.alive += 1;
            if self.settings.is_expired(record.at, now) {
                expired += 1;
                log.note_ended(record.ordinal);
                continue;
            }
            let next = Extent::of_record(key, range, &record);
            match runs.last_mut() {
                Some(run) if run.can_join(&next) => run.join(next),
                _ => runs.push(next),
            }
        }
        for run in runs {
            self.extents.add_recovered(run);
        }
        if damaged > 0 {
            let what = format_args!("is damaged in {damaged} places");
            self.incidents.fault(path, what);
        }
        self.incidents.lose(DropReason::Expired, expired);
        self.logs.insert(key, log);
        Ok(recovered)
    }
}

/// The ordinals in a list of ended events, for a file of so many bytes. No file has more events than
/// bytes: a list that belongs to another file may claim any number.
fn ended_ordinals(list: &[u8], file_bytes: usize) -> BTreeSet<u32> {
    let most = file_bytes as u32;
    let ranges = read_ended(list).map(|range| range.start..range.end.min(most));
    ranges.flatten().collect()
}

/// The time with which a file's name begins.
fn millis_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.split('-').next()?.parse().ok()
}
