//! Who may send, how much, and how fast.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::projects::{self, Opened};
use crate::store::{Busy, ReadError, Store};

/// What each sender is held to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A body, as it is sent and after decompression.
    pub body_bytes: usize,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// All bodies that are being read or parsed. Half of it is the most that one project takes.
    pub bodies_bytes: usize,
    /// Requests a second with one key, and how many of them at once.
    pub rate: f64,
    pub burst: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            body_timeout: Duration::from_secs(30),
            bodies_bytes: 64 << 20,
            rate: 1_000.0,
            burst: 2_000.0,
        }
    }
}

/// Keys are read again after so long: one that was revoked by another process is valid that much longer.
const KEYS_STAY_KNOWN: Duration = Duration::from_secs(1);

/// The time of a key's last use is written this often.
const TOUCH_KEYS_EVERY: Duration = Duration::from_secs(60);

/// The headers that a key may stand in; `Authorization` with or without `Bearer` as well.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-mcpeye-secret"),
    HeaderName::from_static("api-key"),
];

/// A request that is not taken, and what its sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            retry_after: None,
        }
    }

    fn too_many() -> Self {
        Self::unavailable("too many bodies at once")
    }

    /// Nothing can be taken now. Senders come back at different times.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self {
            retry_after: Some(random_seconds()),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        Self::unavailable(busy.to_string())
    }
}

/// 1 to 10, at random.
fn random_seconds() -> u64 {
    getrandom::u32().map_or(5, |random| u64::from(random % 10) + 1)
}

/// What is known of the keys, and what is under way.
#[derive(Debug)]
pub struct Door {
    limits: Limits,
    keys: Mutex<Option<Known>>,
    buckets: Mutex<HashMap<i64, Bucket>>,
    touched: Mutex<HashMap<i64, Instant>>,
    /// In kibibytes, of all projects and of each.
    bodies: Arc<Semaphore>,
    of_project: Mutex<HashMap<i64, Arc<Semaphore>>>,
    /// Bodies that are parsed at a time.
    parsing: Arc<Semaphore>,
}

#[derive(Debug, Clone)]
struct Known {
    at: Instant,
    keys: Arc<Vec<([u8; 32], Opened)>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Door {
    pub fn new(limits: Limits) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            limits,
            keys: Mutex::default(),
            buckets: Mutex::default(),
            touched: Mutex::default(),
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes / 1_024)),
            of_project: Mutex::default(),
            parsing: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Says that keys have changed: the next request reads them anew.
    pub fn keys_changed(&self) {
        *lock(&self.keys) = None;
    }

    /// What the key of a request opens.
    pub(super) async fn open(&self, store: &Store, headers: &HeaderMap) -> Result<Opened, Refusal> {
        let unauthorized = |text: &str| Refusal::new(StatusCode::UNAUTHORIZED, text);
        let key = key_of(headers).ok_or_else(|| {
            unauthorized(
                "no write key: send it as X-API-KEY, x-mcpeye-secret or Authorization: Bearer",
            )
        })?;
        let known = self.known_keys(store).await.map_err(|error| {
            tracing::error!(%error, "keys could not be read");
            Refusal::unavailable("the keys could not be read")
        })?;
        let opened = projects::find(&known, key).cloned();
        opened.ok_or_else(|| unauthorized("the write key is not known, or was revoked"))
    }

    async fn known_keys(&self, store: &Store) -> Result<Arc<Vec<([u8; 32], Opened)>>, ReadError> {
        let known = lock(&self.keys).clone();
        if let Some(known) = known.filter(|known| known.at.elapsed() < KEYS_STAY_KNOWN) {
            return Ok(known.keys);
        }
        let keys = Arc::new(store.read_for_ingest(projects::valid_keys).await?);
        *lock(&self.keys) = Some(Known {
            at: Instant::now(),
            keys: Arc::clone(&keys),
        });
        Ok(keys)
    }

    /// Counts a request of a key; refused when there were too many lately.
    pub(super) fn pace(&self, key: i64) -> Result<(), Refusal> {
        let now = Instant::now();
        let Limits { rate, burst, .. } = self.limits;
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: burst,
            at: now,
        });
        let earned = now.duration_since(bucket.at).as_secs_f64() * rate;
        bucket.tokens = (bucket.tokens + earned).min(burst);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - bucket.tokens) / rate).ceil().clamp(1.0, 3_600.0);
        Err(Refusal {
            retry_after: Some(wait as u64),
            ..Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("more than {rate} requests a second with this key"),
            )
        })
    }

    /// Whether it is time to write that a key was used.
    pub(super) fn is_to_touch(&self, key: i64) -> bool {
        let mut touched = lock(&self.touched);
        let is_recent = |at: &Instant| at.elapsed() < TOUCH_KEYS_EVERY;
        if touched.get(&key).is_some_and(is_recent) {
            return false;
        }
        touched.insert(key, Instant::now());
        true
    }

    /// Reads a body, of which no more is taken than may be, and for no longer than it may take. It has the room of what
    /// has come: what is announced alone holds up nobody.
    pub(super) async fn body(
        &self,
        project: i64,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, Room), Refusal> {
        let limit = self.limits.body_bytes;
        let length = headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            return Err(self.too_large());
        }
        let mut room = self.room(project);
        if !room.has(length.unwrap_or_default()) {
            return Err(Refusal::too_many());
        }
        let read = self.read(&mut room, body, length.unwrap_or_default());
        let read = tokio::time::timeout(self.limits.body_timeout, read).await;
        let too_slow = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");
        let bytes = read.map_err(too_slow)??;
        Ok((bytes, room))
    }

    async fn read(&self, room: &mut Room, body: Body, length: usize) -> Result<Bytes, Refusal> {
        let mut body = Limited::new(body, self.limits.body_bytes);
        let mut bytes = Vec::with_capacity(length);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => self.too_large(),
                false => Refusal::new(StatusCode::BAD_REQUEST, "the body broke off"),
            })?;
            if let Ok(data) = frame.into_data() {
                room.grow(bytes.len() + data.len())?;
                bytes.extend_from_slice(&data);
            }
        }
        Ok(bytes.into())
    }

    fn room(&self, project: i64) -> Room {
        let Limits {
            body_bytes,
            bodies_bytes,
            ..
        } = self.limits;
        // One body always fits.
        let most = (bodies_bytes / 2).max(body_bytes.min(bodies_bytes));
        let mut of_project = lock(&self.of_project);
        let of_project = of_project
            .entry(project)
            .or_insert_with(|| Arc::new(Semaphore::new(most / 1_024)));
        Room {
            shares: [&self.bodies, of_project].map(|all| Share {
                all: Arc::clone(all),
                held: None,
            }),
        }
    }

    pub(super) fn too_large(&self) -> Refusal {
        let limit = self.limits.body_bytes;
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes after decompression"),
        )
    }

    /// Waits for one's turn to parse.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.parsing).acquire_owned().await.ok()
    }

    pub(super) const fn body_limit(&self) -> usize {
        self.limits.body_bytes
    }
}

/// What a body takes of the room that all have, and of that of its project.
#[derive(Debug)]
pub(super) struct Room {
    shares: [Share; 2],
}

#[derive(Debug)]
struct Share {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Whether there is room for so many bytes now.
    fn has(&self, bytes: usize) -> bool {
        let has = |share: &Share| share.all.available_permits() >= bytes.div_ceil(1_024);
        self.shares.iter().all(has)
    }

    /// Takes as much more as makes it so many bytes in all: what is decompressed is larger.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        for Share { all, held } in &mut self.shares {
            let holds = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = bytes.div_ceil(1_024).saturating_sub(holds);
            if more == 0 {
                continue;
            }
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let more = Arc::clone(all).try_acquire_many_owned(more);
            let more = more.map_err(|_| Refusal::too_many())?;
            match held {
                Some(held) => held.merge(more),
                none => *none = Some(more),
            }
        }
        Ok(())
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
        match encoding {
            None | Some(b"" | b"identity") => Ok(Self::Plain),
            Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => Ok(Self::Gzip),
            Some(_) => Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Content-Encoding: expected gzip or none",
            )),
        }
    }

    /// Decompresses a body up to a limit. `None`: it is larger.
    pub(super) fn decode(
        self,
        body: &Bytes,
        limit: usize,
    ) -> Result<Option<Bytes>, std::io::Error> {
        if self == Self::Plain {
            return Ok(Some(body.clone()));
        }
        let mut decoded = Vec::new();
        let one_more = (limit as u64).saturating_add(1);
        MultiGzDecoder::new(&**body)
            .take(one_more)
            .read_to_end(&mut decoded)?;
        Ok((decoded.len() <= limit).then(|| decoded.into()))
    }
}

/// The key of a request.
fn key_of(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    let bearer = text(&AUTHORIZATION).map(|value| match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => value,
    });
    let names = KEY_HEADERS;
    let mut keys = names.iter().filter_map(text).chain(bearer);
    keys.find(|key| !key.is_empty())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The header that says when to come back.
pub(super) fn retry_after(refusal: &Refusal) -> Option<(HeaderName, String)> {
    Some((RETRY_AFTER, refusal.retry_after?.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;

    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = of.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    #[test]
    fn a_key_is_found_in_each_header_that_senders_use() {
        for (name, value) in [
            ("x-api-key", "k1"),
            ("x-mcpeye-secret", "k1"),
            ("api-key", "k1"),
            ("authorization", "Bearer k1"),
            ("authorization", "bearer  k1"),
            ("authorization", "k1"),
        ] {
            assert_eq!(
                key_of(&headers(&[(name, value)])),
                Some("k1"),
                "{name} {value}"
            );
        }
        assert_eq!(key_of(&headers(&[])), None);
        assert_eq!(key_of(&headers(&[("x-api-key", "")])), None);
    }

    #[test]
    fn a_key_has_its_rate() {
        let door = Door::new(Limits {
            rate: 0.001,
            burst: 2.0,
            ..Limits::default()
        });
        assert_eq!((door.pace(1), door.pace(1)), (Ok(()), Ok(())));
        let refusal = door.pace(1).unwrap_err();
        assert_eq!(refusal.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refusal.retry_after, Some(1_000));
        assert_eq!(door.pace(2), Ok(()));
    }

    #[test]
    fn a_body_is_decompressed_up_to_the_limit() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&[0; 10_000]).unwrap();
        let body = Bytes::from(gzip.finish().unwrap());
        let decoded = |limit| Encoding::Gzip.decode(&body, limit).unwrap();
        assert_eq!(decoded(10_000).map(|body| body.len()), Some(10_000));
        assert_eq!(decoded(9_999), None);
        assert!(Encoding::Gzip.decode(&body.slice(..20), 10_000).is_err());
    }

    #[test]
    fn a_body_takes_the_room_of_what_it_is_decompressed_to() {
        let door = Door::new(Limits {
            body_bytes: 6 * 1_024,
            bodies_bytes: 20 * 1_024,
            ..Limits::default()
        });
        let available = || door.bodies.available_permits();
        let mut room = door.room(1);
        assert_eq!(room.grow(1), Ok(()));
        assert_eq!(room.grow(9 * 1_024), Ok(()));
        assert_eq!((room.grow(100), available()), (Ok(()), 11));
        let refusal = room.grow(11 * 1_024).unwrap_err();
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(room);
        assert_eq!(available(), 20);
    }

    #[test]
    fn a_project_takes_half_of_the_room() {
        let door = Door::new(Limits {
            body_bytes: 6 * 1_024,
            bodies_bytes: 20 * 1_024,
            ..Limits::default()
        });
        let mut rooms: Vec<_> = (0..2).map(|_| door.room(1)).collect();
        assert!(rooms.iter_mut().all(|room| room.grow(5 * 1_024).is_ok()));
        let mut one_more = door.room(1);
        assert!(!one_more.has(1) && one_more.grow(1).is_err());
        let mut other = door.room(2);
        assert!(other.has(6 * 1_024) && other.grow(6 * 1_024).is_ok());
        drop(rooms);
        assert!(one_more.has(6 * 1_024));
    }

    #[test]
    fn senders_come_back_at_different_times() {
        let times: std::collections::BTreeSet<_> = (0..200).map(|_| random_seconds()).collect();
        assert!(
            times.len() > 5 && times.iter().all(|s| (1..=10).contains(s)),
            "{times:?}"
        );
    }
}
