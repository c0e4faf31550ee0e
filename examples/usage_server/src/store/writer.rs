//! The one thread that writes. What requests bring is committed together, and answered only then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::insert::{Caches, Inserter};
use super::{Busy, Incoming, Options, Taken, WriteError, is_disk_full};

/// A commit waits until so many events are there, or for so long.
const COMMIT_EVENTS: usize = 500;
const COMMIT_AFTER: Duration = Duration::from_millis(50);

/// What waits already goes into the same commit up to this many events: the more, the less each costs.
const MAX_COMMIT_EVENTS: usize = 4_000;

/// How often the free space of the disk is looked at.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(1);

/// How often it is tried to empty the log while readers are in the way, how long each time, and with what pause: in all
/// longer than a page's query takes.
const EMPTYINGS: usize = 25;
const EMPTYING_WAIT: Duration = Duration::from_millis(100);
const BETWEEN_EMPTYINGS: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<Sender<Message>>>,
    load: Arc<Load>,
    max_events: usize,
    max_bytes: usize,
    ended: tokio::sync::watch::Receiver<bool>,
}

/// What waits for the writer, and what it has done.
#[derive(Debug, Default)]
struct Load {
    events: AtomicUsize,
    bytes: AtomicUsize,
    is_disk_low: AtomicBool,
    /// How much has to be free on the disk.
    min_free_bytes: AtomicU64,
    new: AtomicU64,
    repeated: AtomicU64,
    commits: AtomicU64,
    failed_commits: AtomicU64,
    commit_micros: AtomicU64,
}

/// What the writer has done since the start, and what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterFigures {
    pub queued_events: usize,
    pub queued_bytes: usize,
    pub is_disk_low: bool,
    pub new: u64,
    pub repeated: u64,
    pub commits: u64,
    pub failed_commits: u64,
    pub commit_micros: u64,
}

enum Message {
    Take(Waiting),
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Nothing but a look at the disk, which comes before each message.
    Look,
}

/// A request that waits for its commit.
struct Waiting {
    batch: Incoming,
    charge: Charge,
    answer: oneshot::Sender<Result<Taken, Busy>>,
}

/// What a request takes of the queue's room, given back when it is answered.
struct Charge {
    load: Arc<Load>,
    events: usize,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.load.events.fetch_sub(self.events, Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Relaxed);
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        path: &Path,
        options: Options,
    ) -> std::io::Result<Self> {
        let (queue, messages) = channel();
        let load = Arc::new(Load {
            min_free_bytes: options.min_free_bytes.into(),
            ..Load::default()
        });
        let (end, ended) = tokio::sync::watch::channel(false);
        let mut worker = Worker {
            connection,
            caches: Caches::default(),
            load: Arc::clone(&load),
            disk: Disk {
                path: path.to_owned(),
                looked_at: None,
            },
        };
        thread::Builder::new()
            .name("usage-writer".to_owned())
            .spawn(move || {
                worker.run(&messages);
                // The last reference to the log is gone with the connection.
                drop(worker);
                let _ = end.send(true);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            load,
            max_events: options.queue_events,
            max_bytes: options.queue_bytes,
            ended,
        })
    }

    pub(super) async fn take(&self, batch: Incoming) -> Result<Taken, Busy> {
        if self.load.is_disk_low.load(Relaxed) {
            self.look_at_disk();
            return Err(Busy::DiskFull);
        }
        let charge = self.charge(&batch).ok_or(Busy::QueueFull)?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            batch,
            charge,
            answer,
        };
        if !self.send(Message::Take(waiting)) {
            return Err(Busy::Ending);
        }
        answered.await.unwrap_or(Err(Busy::Failed))
    }

    /// Reserves room in the queue. A request that is larger than all of it goes through alone.
    fn charge(&self, batch: &Incoming) -> Option<Charge> {
        let events = (batch.records.len() + batch.losses.len()).max(1);
        let bytes = batch.bytes;
        let before = self.load.events.fetch_add(events, Relaxed);
        let bytes_before = self.load.bytes.fetch_add(bytes, Relaxed);
        let charge = Charge {
            load: Arc::clone(&self.load),
            events,
            bytes,
        };
        let fits = before + events <= self.max_events && bytes_before + bytes <= self.max_bytes;
        (fits || before == 0).then_some(charge)
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (answer, answered) = oneshot::channel();
        let work = move |connection: &mut Connection| {
            let written = begin(connection).and_then(|transaction| {
                let written = f(&transaction)?;
                transaction.commit()?;
                Ok(written)
            });
            let _ = answer.send(written);
        };
        if !self.send(Message::Work(Box::new(work))) {
            return Err(WriteError::Ending);
        }
        match answered.await {
            Ok(Ok(written)) => Ok(written),
            Ok(Err(error)) if is_disk_full(&error) => Err(WriteError::DiskFull),
            Ok(Err(error)) => Err(WriteError::Sqlite(error)),
            Err(_) => Err(WriteError::BrokeOff),
        }
    }

    /// Has the writer look at the disk again: without work it would never find out that there is room.
    pub(super) fn look_at_disk(&self) {
        self.send(Message::Look);
    }

    pub(super) fn set_min_free(&self, bytes: u64) {
        self.load.min_free_bytes.store(bytes, Relaxed);
    }

    pub(super) async fn empty_log(&self) {
        for _ in 0..EMPTYINGS {
            match self.try_to_empty_log().await {
                Some(Ok(true)) | None => return,
                // Senders have their turn meanwhile.
                Some(Ok(false)) => tokio::time::sleep(BETWEEN_EMPTYINGS).await,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the database's log could not be emptied");
                    return;
                }
            }
        }
        tracing::warn!(
            "the database's log could not be emptied, since somebody reads all the time: \
            what was removed stays in it until a later checkpoint"
        );
    }

    /// Whether no reader was in the way; `None` when the writer is about to end.
    async fn try_to_empty_log(&self) -> Option<rusqlite::Result<bool>> {
        let (done, is_done) = oneshot::channel();
        let work = move |connection: &mut Connection| {
            let _ = done.send(empty_log(connection));
        };
        match self.send(Message::Work(Box::new(work))) {
            true => is_done.await.ok(),
            false => None,
        }
    }

    fn send(&self, message: Message) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue
            .as_ref()
            .is_some_and(|queue| queue.send(message).is_ok())
    }

    pub(super) async fn close(&self) {
        let queue = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.take()
        };
        drop(queue);
        let mut ended = self.ended.clone();
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Whether the thread is there.
    pub(super) fn is_alive(&self) -> bool {
        !*self.ended.borrow() && self.ended.has_changed().is_ok()
    }

    pub(super) fn figures(&self) -> WriterFigures {
        let load = &self.load;
        WriterFigures {
            queued_events: load.events.load(Relaxed),
            queued_bytes: load.bytes.load(Relaxed),
            is_disk_low: load.is_disk_low.load(Relaxed),
            new: load.new.load(Relaxed),
            repeated: load.repeated.load(Relaxed),
            commits: load.commits.load(Relaxed),
            failed_commits: load.failed_commits.load(Relaxed),
            commit_micros: load.commit_micros.load(Relaxed),
        }
    }
}

struct Worker {
    connection: Connection,
    caches: Caches,
    load: Arc<Load>,
    disk: Disk,
}

impl Worker {
    fn run(&mut self, messages: &Receiver<Message>) {
        let mut next = messages.recv().ok();
        while let Some(message) = next.take() {
            self.look_at_disk();
            match message {
                Message::Look => {}
                Message::Take(first) => {
                    let (waiting, other) = collect(first, messages);
                    self.commit(waiting);
                    next = other;
                }
                Message::Work(work) => {
                    // A transaction that a panic breaks off is rolled back, and whoever waits is told by the answer
                    // that does not come.
                    let work = || work(&mut self.connection);
                    if catch_unwind(AssertUnwindSafe(work)).is_err() {
                        tracing::error!("a change of the database broke off by a panic");
                    }
                    // It may have removed what the caches know.
                    self.caches = Caches::default();
                }
            }
            if next.is_none() {
                next = messages.recv().ok();
            }
        }
        let _ = self.connection.execute_batch("PRAGMA optimize");
    }

    /// Commits requests together; where that fails, each alone, so that none takes others with it.
    fn commit(&mut self, waiting: Vec<Waiting>) {
        let batches: Vec<_> = waiting.iter().map(|waiting| &waiting.batch).collect();
        match self.insert(&batches) {
            Ok(taken) => {
                for (waiting, taken) in waiting.into_iter().zip(taken) {
                    waiting.end(Ok(taken));
                }
            }
            Err(error) if is_disk_full(&error) => {
                tracing::warn!(%error, "the disk is full: events are turned away until there is room");
                for waiting in waiting {
                    waiting.end(Err(Busy::DiskFull));
                }
            }
            Err(error) if waiting.len() == 1 => {
                tracing::error!(%error, "events could not be written");
                for waiting in waiting {
                    waiting.end(Err(Busy::Failed));
                }
            }
            Err(_) => {
                for waiting in waiting {
                    self.commit(vec![waiting]);
                }
            }
        }
    }

    fn insert(&mut self, batches: &[&Incoming]) -> rusqlite::Result<Vec<Taken>> {
        let began = Instant::now();
        let insert = || insert_all(&mut self.connection, &mut self.caches, batches);
        // The transaction is rolled back then, and its senders are asked to come back.
        let inserted = catch_unwind(AssertUnwindSafe(insert)).unwrap_or_else(|_| {
            let error = "a panic broke the writing of events off";
            Err(rusqlite::Error::ToSqlConversionFailure(error.into()))
        });
        let load = &self.load;
        match &inserted {
            Ok(taken) => {
                let sum = |f: fn(&Taken) -> usize| taken.iter().map(f).sum::<usize>() as u64;
                load.new.fetch_add(sum(Taken::new_events), Relaxed);
                load.repeated
                    .fetch_add(sum(Taken::repeated_events), Relaxed);
                load.commits.fetch_add(1, Relaxed);
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                load.commit_micros.fetch_add(micros, Relaxed);
            }
            Err(_) => {
                // Rows that the caches know were rolled back.
                self.caches = Caches::default();
                load.failed_commits.fetch_add(1, Relaxed);
            }
        }
        inserted
    }

    fn look_at_disk(&mut self) {
        let min_free_bytes = self.load.min_free_bytes.load(Relaxed);
        if let Some(is_low) = self.disk.is_below(min_free_bytes) {
            let was_low = self.load.is_disk_low.swap(is_low, Relaxed);
            match (was_low, is_low) {
                (false, true) => tracing::warn!(
                    "less than {min_free_bytes} bytes are free on the disk: events are turned away until there is room"
                ),
                (true, false) => tracing::info!("there is room on the disk again"),
                _ => {}
            }
        }
    }
}

/// Begins as a writer at once: one who reads first cannot write after another process has.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn insert_all(
    connection: &mut Connection,
    caches: &mut Caches,
    batches: &[&Incoming],
) -> rusqlite::Result<Vec<Taken>> {
    let transaction = begin(connection)?;
    // Another process has written, and may have removed what the caches know.
    let version = transaction.pragma_query_value(None, "data_version", |row| row.get(0))?;
    caches.are_of(version);
    let mut taken = Vec::with_capacity(batches.len());
    let mut inserter = Inserter::new(&transaction, caches);
    for batch in batches {
        taken.push(inserter.take(batch)?);
    }
    inserter.finish()?;
    transaction.commit()?;
    Ok(taken)
}

/// Whether no reader was in the way. It waits for them for a moment alone, since senders wait for it.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(EMPTYING_WAIT)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    });
    connection.busy_timeout(super::BUSY_TIMEOUT)?;
    is_busy.map(|is_busy| !is_busy)
}

/// Collects what is to be committed together, and the message behind it that is something else.
fn collect(first: Waiting, messages: &Receiver<Message>) -> (Vec<Waiting>, Option<Message>) {
    let deadline = Instant::now() + COMMIT_AFTER;
    let mut events = first.charge.events;
    let mut waiting = vec![first];
    while events < MAX_COMMIT_EVENTS {
        let wait = match events < COMMIT_EVENTS {
            true => deadline.saturating_duration_since(Instant::now()),
            // There is enough: what waits already goes along.
            false => Duration::ZERO,
        };
        match messages.recv_timeout(wait) {
            Ok(Message::Take(next)) => {
                events += next.charge.events;
                waiting.push(next);
            }
            // The disk was looked at before the first of these.
            Ok(Message::Look) => {}
            Ok(work) => return (waiting, Some(work)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    (waiting, None)
}

impl Waiting {
    fn end(self, taken: Result<Taken, Busy>) {
        drop(self.charge);
        let records = self.batch.records;
        let taken = taken.map(|taken| Taken { records, ..taken });
        // Whoever is gone gets no answer, and what is committed stays: it counts once when it comes again.
        let _ = self.answer.send(taken);
    }
}

/// The disk that the database is on.
struct Disk {
    path: PathBuf,
    looked_at: Option<Instant>,
}

impl Disk {
    /// Whether less is free, if it is time to look.
    fn is_below(&mut self, bytes: u64) -> Option<bool> {
        let is_recent = |at: Instant| at.elapsed() < LOOK_AT_DISK_EVERY;
        if self.looked_at.is_some_and(is_recent) {
            return None;
        }
        self.looked_at = Some(Instant::now());
        free_bytes(&self.path).map(|free| free < bytes)
    }
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_in_the_way_keeps_the_log_from_being_emptied_until_it_is_gone() {
        let name = format!("usage_server-log-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let writer = Connection::open(&path).unwrap();
        super::super::prepare(&writer, false).unwrap();
        let log_bytes =
            || std::fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
        writer.execute_batch("CREATE TABLE a (x)").unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM a").unwrap();
        writer.execute_batch("INSERT INTO a VALUES (1)").unwrap();
        assert!(!empty_log(&writer).unwrap());
        assert!(log_bytes() > 0);
        reader.execute_batch("COMMIT").unwrap();
        assert!(empty_log(&writer).unwrap());
        assert_eq!(log_bytes(), 0);
        drop((reader, writer));
        let _ = std::fs::remove_file(&path);
    }
}
