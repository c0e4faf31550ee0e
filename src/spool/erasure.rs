//! Erases events from the files, where each is overwritten in its place: whatever crashes, it is not read again.

use std::collections::BTreeMap;

use super::matches::Matches;
use super::store::Store;

/// The result of an erasure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Erased {
    /// How many events were only on disk.
    pub(crate) spooled: u64,
    /// Whether nothing of them is left.
    pub(crate) complete: bool,
}

impl Store {
    /// Erases events from all files, those included that have ended. Those that could not be overwritten have ended all
    /// the same, and those of files that could not be read end when they are.
    pub(super) fn erase(&mut self, matches: &Matches) -> Erased {
        self.check();
        let (mut erased, mut complete) = (BTreeMap::new(), true);
        self.unread.retain(|(key, _)| self.logs.contains_key(key));
        for (&key, log) in &self.logs {
            let written = log.find(|event| matches.are_in(event));
            let written = written
                .inspect_err(|_| self.unread.push((key, matches.clone())))
                .and_then(|found| {
                    let written = log.erase(&found);
                    let ordinals = found.into_iter().map(|(ordinal, _)| ordinal);
                    erased.insert(key, ordinals.collect());
                    written
                });
            if let Err(error) = written {
                complete = false;
                let what = format_args!("may hold events of somebody forgotten: {error}");
                self.incidents.fault(&log.path(), what);
            }
        }
        // Later events of theirs go to another file, since of this one none will be sent.
        for (key, _) in &self.unread {
            self.current = self.current.filter(|current| current != key);
        }
        let (spooled, ended) = self.extents.erase(&erased);
        for (key, ordinal) in ended {
            if let Some(log) = self.logs.get_mut(&key) {
                log.note_ended(ordinal);
            }
        }
        self.save_ended();
        self.tidy(false);
        Erased { spooled, complete }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::super::dir::SpoolDir;
    use super::super::extents::Times;
    use super::super::read_back::Recheck;
    use super::super::store::StoreSettings;
    use super::*;
    use crate::base::random;
    use crate::ledger::DropReason;
    use crate::queue::{Bounds, Ledgers, OnDisk, Receiver, Segment, bounded};

    /// A store in a directory that goes away with it.
    struct Scene {
        root: PathBuf,
        store: Store,
        receiver: Receiver,
    }

    impl Scene {
        fn new() -> Self {
            let root = format!("mcp-usage-erasure-{:016x}", random::seed());
            let root = std::env::temp_dir().join(root);
            Self {
                store: Self::store(&root),
                root,
                receiver: bounded(Bounds::for_tests(1 << 20), Ledgers::of_one(Arc::default())).1,
            }
        }

        fn store(root: &std::path::Path) -> Store {
            let settings = StoreSettings {
                root: root.to_owned(),
                tag: "t".to_owned(),
                max_bytes: 1 << 20,
                max_age: Duration::from_secs(60),
            };
            Store::new(settings, SpoolDir::create_or_take(root, "t").ok())
        }

        /// Writes a segment of three events: of Sam, Rachel and Sam.
        fn append(&mut self, sequence: u64) -> Arc<Segment> {
            let bytes = b"[\"sam\"][\"rachel\"][\"sam\"]";
            let events = [(1, 0..7), (2, 7..17), (3, 17..24)];
            let segment = self
                .receiver
                .restored(sequence, bytes, &events, [Instant::now(); 2]);
            let segment = Arc::new(segment);
            self.write(&segment);
            segment
        }

        fn write(&mut self, segment: &Arc<Segment>) {
            let times = Times {
                queued_at: 1_800_000_000_000,
                kept_since: 0,
            };
            assert!(self.store.append(segment, times).is_ok());
            segment.set_on_disk(OnDisk::Yes);
        }

        fn erase(&mut self) -> Erased {
            let matches = Matches::new(|event: &[u8]| event == b"[\"sam\"]");
            self.store.erase(&matches)
        }

        /// All that stands in the files.
        fn bytes(&self) -> String {
            let logs = self
                .store
                .logs
                .values()
                .map(|log| std::fs::read(log.path()).unwrap_or_default());
            String::from_utf8_lossy(&logs.collect::<Vec<_>>().concat()).into_owned()
        }

        /// The ids of the events that are read back.
        fn load(&mut self) -> Vec<i64> {
            let mut recheck: Recheck = Box::new(|json: &[u8], _, out: &mut Vec<u8>| {
                out.extend_from_slice(json);
                Ok(json.len() as i64)
            });
            let loaded = std::iter::from_fn(|| self.store.load(&mut recheck));
            loaded
                .flat_map(|run| run.events)
                .map(|(id, _)| id)
                .collect()
        }

        fn alive(&self) -> u64 {
            self.store.logs.values().map(|log| log.alive).sum()
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }

    fn all(spooled: u64) -> Erased {
        Erased {
            spooled,
            complete: true,
        }
    }

    #[test]
    fn nothing_of_an_erased_event_is_left_and_the_others_are_read_back() {
        let mut scene = Scene::new();
        let in_memory = scene.append(10);
        drop(scene.append(20));
        scene.store.release(20, 3);
        // An event that has ended stands in its file as long as others do.
        scene.store.end(10, 0..1);
        assert_eq!(scene.erase(), all(2));
        assert!(!scene.bytes().contains("sam"));
        assert_eq!(scene.bytes().matches("rachel").count(), 2);
        assert_eq!(scene.alive(), 2);
        assert_eq!(scene.erase(), all(0));
        // The worker ends what it has, too, and leaves the rest.
        scene.store.end(10, 0..1);
        scene.store.end(10, 2..3);
        assert_eq!(scene.alive(), 2);
        scene.store.release(10, 1);
        assert!(scene.store.incidents.losses.is_empty());
        drop(in_memory);
        assert_eq!(scene.load(), [10, 10]);
        assert!(scene.store.incidents.faults.is_empty());
    }

    #[test]
    fn the_next_owner_finds_neither_the_event_nor_damage() {
        for is_list_lost in [false, true] {
            let mut scene = Scene::new();
            scene.append(10);
            assert_eq!(scene.erase(), all(0));
            scene.store.close();
            if is_list_lost {
                let slot = std::fs::read_dir(&scene.root).unwrap().next().unwrap();
                for file in std::fs::read_dir(slot.unwrap().path()).unwrap() {
                    let path = file.unwrap().path();
                    if path.extension().is_some_and(|name| name == "done") {
                        std::fs::remove_file(path).unwrap();
                    }
                }
            }
            scene.store = Scene::store(&scene.root);
            scene.store.look_for_slots();
            assert_eq!(scene.store.adopt(0).events, 1, "{is_list_lost}");
            assert_eq!(scene.load(), [10]);
            assert!(scene.store.incidents.faults.is_empty());
        }
    }

    #[test]
    fn a_segment_that_is_written_later_is_written_without_what_is_forgotten() {
        let mut scene = Scene::new();
        let segment = scene.append(10);
        for event in [0, 2] {
            segment.forget(event);
        }
        assert_eq!(scene.erase(), all(0));
        // Its file is gone, and it is written again.
        let path = scene.store.logs.values().next().unwrap().path();
        std::fs::remove_file(path).unwrap();
        scene.store.check();
        scene.store.incidents.faults.clear();
        scene.write(&segment);
        assert!(!scene.bytes().contains("sam"));
        assert_eq!(scene.alive(), 1);
        scene.store.release(10, 1);
        assert_eq!(scene.load(), [10]);
        segment.forget(1);
        let alive = scene.alive();
        scene.write(&segment);
        assert_eq!(scene.alive(), alive, "nothing of it is left to write");
    }

    #[test]
    fn later_events_are_sent_though_an_earlier_file_could_not_be_read() {
        let mut scene = Scene::new();
        drop(scene.append(10));
        scene.store.release(10, 3);
        let log = scene.store.logs.values_mut().next().unwrap();
        log.break_remove().unwrap();
        assert!(!scene.erase().complete);
        drop(scene.append(20));
        scene.store.release(20, 3);
        assert_eq!(scene.load(), [7, 10, 7]);
        assert!(scene.store.incidents.losses.is_empty());
        // What was asked of a file ends with it.
        let path = scene.store.logs.values().next().unwrap().path();
        std::fs::remove_dir(path).unwrap();
        assert_eq!(scene.erase(), all(0));
        assert!(scene.store.unread.is_empty());
    }

    #[test]
    fn what_cannot_be_overwritten_or_read_is_told_and_not_sent_all_the_same() {
        if rustix::process::geteuid().is_root() {
            // Permissions mean nothing to root.
            return;
        }
        for mode in [0o400, 0o000] {
            let mut scene = Scene::new();
            drop(scene.append(10));
            scene.store.release(10, 3);
            let path = scene.store.logs.values().next().unwrap().path();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let erased = scene.erase();
            assert!(!erased.complete);
            assert_eq!(scene.store.incidents.faults.len(), 1);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(scene.load(), [10]);
            let losses = scene.store.incidents.losses.iter();
            let later: u64 = losses
                .map(|(reason, events)| {
                    assert_eq!(*reason, DropReason::Forgotten);
                    *events
                })
                .sum();
            assert_eq!(erased.spooled + later, 2);
        }
    }
}
