//! Keeping the groups of a project's intents up to date.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::{Cluster, cluster};
use crate::app::App;
use crate::store::{ReadError, Store, WriteError, projects};

/// At most so many texts of a project are grouped, the newest: what they cost grows with their number and with that of
/// the groups. Older ones stay in the group that they are in.
pub const MAX_TEXTS: usize = 20_000;
/// Rows of one read, and of one write, between which others have their turn.
const CHUNK: usize = 2_000;
/// How often it is looked whether something is to be done.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long groups stay as they are while new texts come.
const REST_MS: i64 = 15 * 60_000;
const DAY_MS: i64 = 24 * 60 * 60_000;
/// When all is grouped anew each night, UTC.
const NIGHT_MS: i64 = 3 * 60 * 60_000;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    pub texts: usize,
    pub clusters: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("grouping broke off")]
    BrokeOff,
}

/// A text as it is in the database.
#[derive(Debug, Clone)]
struct Text {
    id: i64,
    text: String,
    cluster: i64,
}

/// Groups a project's intents, and apart from them the capabilities that were asked for, anew.
///
/// A group keeps its number where most of its texts had it before, so addresses of groups last.
///
/// # Errors
///
/// The database's. What was written by then stays, and the next rebuild completes it.
pub async fn rebuild(store: &Store, project: i64, now_ms: i64) -> Result<Rebuilt, RebuildError> {
    let mut done = Rebuilt::default();
    for is_missing in [false, true] {
        let texts = read_texts(store, project, is_missing).await?;
        let grouped = spawn_blocking(move || {
            let words: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
            let clusters = cluster(&words);
            (clusters, texts)
        });
        let (clusters, texts) = grouped.await.map_err(|_| RebuildError::BrokeOff)?;
        done.texts += texts.len();
        done.clusters += clusters.len();
        write_clusters(store, project, is_missing, now_ms, &texts, &clusters).await?;
    }
    Ok(done)
}

/// The newest texts, in the order of their arrival.
async fn read_texts(store: &Store, project: i64, is_missing: bool) -> Result<Vec<Text>, ReadError> {
    let mut texts: Vec<Text> = Vec::new();
    let mut before = i64::MAX;
    while texts.len() < MAX_TEXTS {
        let chunk = store
            .read(move |db| {
                let mut statement = db.prepare_cached(
                    "SELECT id, text, cluster FROM intent
                    WHERE project = ?1 AND missing = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4",
                )?;
                let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
                let rows =
                    statement.query_map(params![project, is_missing, before, limit], |row| {
                        Ok(Text {
                            id: row.get(0)?,
                            text: row.get(1)?,
                            cluster: row.get(2)?,
                        })
                    })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            })
            .await?;
        let Some(last) = chunk.last() else { break };
        before = last.id;
        texts.extend(chunk);
    }
    texts.reverse();
    Ok(texts)
}

async fn write_clusters(
    store: &Store,
    project: i64,
    is_missing: bool,
    now_ms: i64,
    texts: &[Text],
    clusters: &[Cluster],
) -> Result<(), WriteError> {
    let known = known(texts, clusters);
    let mut moved: Vec<(i64, i64)> = Vec::new();
    for (clusters, known) in clusters.chunks(CHUNK).zip(known.chunks(CHUNK)) {
        let medoid = |cluster: &Cluster| texts.get(cluster.medoid).map_or(0, |text| text.id);
        let rows: Vec<_> = clusters
            .iter()
            .map(medoid)
            .zip(known.iter().copied())
            .collect();
        let ids = store
            .write(move |tx| {
                let rows = rows.iter();
                rows.map(|(medoid, known)| {
                    keep_cluster(tx, project, is_missing, now_ms, *medoid, *known)
                })
                .collect::<rusqlite::Result<Vec<_>>>()
            })
            .await?;
        for (cluster, id) in clusters.iter().zip(ids) {
            let members = cluster
                .members
                .iter()
                .filter_map(|member| texts.get(*member));
            let elsewhere = members.filter(|text| text.cluster != id);
            moved.extend(elsewhere.map(|text| (text.id, id)));
        }
    }
    for chunk in moved.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        store
            .write(move |tx| {
                let mut update =
                    tx.prepare_cached("UPDATE intent SET cluster = ?2 WHERE id = ?1")?;
                for (text, cluster) in chunk {
                    update.execute([text, cluster])?;
                }
                Ok(())
            })
            .await?;
    }
    store
        .write(move |tx| {
            // Its medoid was removed meanwhile.
            tx.execute(
                "UPDATE intent_cluster SET label = coalesce(
                    (SELECT min(text) FROM intent WHERE cluster = intent_cluster.id), '')
                WHERE project = ?1 AND missing = ?2 AND label = ''",
                params![project, is_missing],
            )?;
            tx.execute(
                "DELETE FROM intent_cluster WHERE project = ?1 AND missing = ?2
                AND NOT EXISTS (SELECT 1 FROM intent WHERE cluster = intent_cluster.id)",
                params![project, is_missing],
            )
        })
        .await?;
    Ok(())
}

/// For each cluster the number that most of its texts had, where no larger one has it by then; else 0.
fn known(texts: &[Text], clusters: &[Cluster]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..clusters.len()).collect();
    order.sort_by_key(|place| {
        std::cmp::Reverse(
            clusters
                .get(*place)
                .map_or(0, |cluster| cluster.members.len()),
        )
    });
    let mut taken = HashSet::from([0]);
    let mut known = vec![0; clusters.len()];
    for place in order {
        let mut votes: HashMap<i64, usize> = HashMap::new();
        let members = clusters
            .get(place)
            .into_iter()
            .flat_map(|cluster| &cluster.members);
        for text in members.filter_map(|member| texts.get(*member)) {
            *votes.entry(text.cluster).or_default() += 1;
        }
        let free = votes.into_iter().filter(|(id, _)| !taken.contains(id));
        let most = free.max_by_key(|(id, votes)| (*votes, std::cmp::Reverse(*id)));
        if let (Some((id, _)), Some(known)) = (most, known.get_mut(place)) {
            taken.insert(id);
            *known = id;
        }
    }
    known
}

/// The label is read where it is written: what somebody said who was forgotten meanwhile must not come back.
fn keep_cluster(
    tx: &Transaction<'_>,
    project: i64,
    is_missing: bool,
    now_ms: i64,
    medoid: i64,
    known: i64,
) -> rusqlite::Result<i64> {
    let label: Option<String> = tx
        .prepare_cached("SELECT text FROM intent WHERE id = ?1")?
        .query_row([medoid], |row| row.get(0))
        .optional()?;
    let label = label.unwrap_or_default();
    let kept = tx
        .prepare_cached(
            "UPDATE intent_cluster SET label = ?2, built_ms = ?3 WHERE id = ?1 AND project = ?4",
        )?
        .execute(params![known, label, now_ms, project])?;
    let id = match kept {
        1 => known,
        _ => tx
            .prepare_cached(
                "INSERT INTO intent_cluster (project, missing, label, built_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .insert(params![project, is_missing, label, now_ms])?,
    };
    // Before the others: whoever removes the medoid finds the group that it names.
    tx.prepare_cached("UPDATE intent SET cluster = ?2 WHERE id = ?1")?
        .execute([medoid, id])?;
    Ok(id)
}

/// Groups what comes in, for as long as the task runs: new texts a while after they came, and all of it each night.
pub async fn keep_grouped(app: Arc<App>) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        rebuild_due(&app.store, app.now_ms()).await;
    }
}

async fn rebuild_due(store: &Store, now: i64) {
    let due = store.read(move |db| due(db, now)).await;
    for project in due.unwrap_or_default() {
        if let Err(error) = rebuild(store, project, now).await {
            tracing::warn!(%error, project, "intents stay grouped as they were");
        }
    }
}

fn due(db: &rusqlite::Connection, now: i64) -> rusqlite::Result<Vec<i64>> {
    let night = (now - NIGHT_MS).div_euclid(DAY_MS) * DAY_MS + NIGHT_MS;
    let mut due = Vec::new();
    for project in projects::list(db)? {
        let built = db
            .prepare_cached("SELECT max(built_ms) FROM intent_cluster WHERE project = ?1")?
            .query_row([project.id], |row| row.get::<_, Option<i64>>(0))?;
        let has_new = db
            .prepare_cached("SELECT 1 FROM intent WHERE cluster = 0 AND project = ?1 LIMIT 1")?
            .query_row([project.id], |_| Ok(()))
            .optional()?
            .is_some();
        let is_due = match built {
            None => has_new,
            Some(built) => built < night || has_new && now - built >= REST_MS,
        };
        if is_due {
            due.push(project.id);
        }
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Kind, Record, SourceId};
    use crate::store::{Incoming, Options};

    const NOW: i64 = 1_795_794_067_000;

    /// A database in a directory that goes with it.
    struct Database {
        store: Store,
        directory: std::path::PathBuf,
        sent: u8,
    }

    impl Database {
        async fn new(name: &str) -> Self {
            let directory =
                std::env::temp_dir().join(format!("intents-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&directory).unwrap();
            let store = Store::open(&directory.join("usage.db"), Options::default()).unwrap();
            let project = store.write(|tx| projects::create(tx, "shop", NOW)).await;
            assert_eq!(project.unwrap(), Some(1));
            Self {
                store,
                directory,
                sent: 0,
            }
        }

        async fn asked(&mut self, kind: Kind, texts: &[&str]) {
            let records = texts.iter().map(|text| {
                self.sent += 1;
                Record {
                    intent: Some((*text).to_owned()),
                    ..Record::new(SourceId([self.sent; 16]), NOW, kind)
                }
            });
            let incoming = Incoming {
                project: 1,
                received_ms: NOW,
                records: records.collect(),
                ..Incoming::default()
            };
            self.store.take(incoming).await.unwrap();
        }

        /// Texts with their group and its label.
        async fn groups(&self) -> Vec<(String, i64, String)> {
            let rows = self.store.read(|db| {
                let mut statement = db.prepare(
                    "SELECT i.text, i.cluster, ifnull(c.label, '') FROM intent i
                    LEFT JOIN intent_cluster c ON c.id = i.cluster ORDER BY i.id",
                )?;
                let rows =
                    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                rows.collect()
            });
            rows.await.unwrap()
        }

        async fn count_clusters(&self) -> i64 {
            let sql = "SELECT count(*) FROM intent_cluster";
            let read = self
                .store
                .read(move |db| db.query_row(sql, [], |row| row.get(0)));
            read.await.unwrap()
        }

        async fn due(&self, now: i64) -> Vec<i64> {
            self.store.read(move |db| due(db, now)).await.unwrap()
        }
    }

    impl Drop for Database {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }

    #[tokio::test]
    async fn texts_are_grouped_and_a_group_keeps_its_number() {
        let mut db = Database::new("kept").await;
        db.asked(
            Kind::Call,
            &["Refund order 1", "Show sales", "Refund order 2"],
        )
        .await;
        db.asked(Kind::Missing, &["Refund order 3"]).await;
        let done = rebuild(&db.store, 1, NOW).await.unwrap();
        assert_eq!(
            done,
            Rebuilt {
                texts: 4,
                clusters: 3
            }
        );
        let first = db.groups().await;
        let group = |of: &[(String, i64, String)], place: usize| of[place].1;
        assert_eq!(group(&first, 0), group(&first, 2));
        assert_ne!(group(&first, 0), group(&first, 1));
        // What no tool can do is another thing than what calls were for.
        assert_ne!(group(&first, 0), group(&first, 3));
        assert_eq!(first[2].2, "Refund order 1");
        db.asked(Kind::Call, &["Refund the order 4", "Make labels"])
            .await;
        rebuild(&db.store, 1, NOW).await.unwrap();
        let second = db.groups().await;
        assert_eq!(second[..4], first[..]);
        assert_eq!(group(&second, 4), group(&first, 0));
    }

    #[tokio::test]
    async fn no_group_is_called_by_what_was_removed_meanwhile() {
        let mut db = Database::new("removed").await;
        db.asked(
            Kind::Call,
            &["Refund order 1", "Show sales", "Refund order 2"],
        )
        .await;
        let texts = read_texts(&db.store, 1, false).await.unwrap();
        let words: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        let clusters = cluster(&words);
        let removed = db
            .store
            .write(|tx| tx.execute("DELETE FROM intent WHERE text <> 'Refund order 2'", []));
        assert_eq!(removed.await.unwrap(), 2);
        write_clusters(&db.store, 1, false, NOW, &texts, &clusters)
            .await
            .unwrap();
        let labels = db.store.read(|db| {
            let mut labels = db.prepare("SELECT label FROM intent_cluster")?;
            let labels = labels.query_map([], |row| row.get::<_, String>(0))?;
            labels.collect::<rusqlite::Result<Vec<_>>>()
        });
        assert_eq!(labels.await.unwrap(), ["Refund order 2"]);
    }

    #[tokio::test]
    async fn groups_without_texts_go() {
        let mut db = Database::new("gone").await;
        db.asked(Kind::Call, &["Refund order 1", "Show sales"])
            .await;
        rebuild(&db.store, 1, NOW).await.unwrap();
        let removed = db
            .store
            .write(|tx| tx.execute("DELETE FROM intent WHERE text = 'Show sales'", []));
        removed.await.unwrap();
        rebuild(&db.store, 1, NOW).await.unwrap();
        assert_eq!(db.count_clusters().await, 1);
    }

    #[tokio::test]
    async fn it_is_due_at_first_then_for_new_texts_after_a_rest_and_each_night() {
        let mut db = Database::new("due").await;
        assert!(db.due(NOW).await.is_empty());
        db.asked(Kind::Call, &["Refund order 1"]).await;
        assert_eq!(db.due(NOW).await, [1]);
        rebuild(&db.store, 1, NOW).await.unwrap();
        assert!(db.due(NOW + REST_MS).await.is_empty());
        db.asked(Kind::Call, &["Show sales"]).await;
        assert!(db.due(NOW + REST_MS - 1).await.is_empty());
        assert_eq!(db.due(NOW + REST_MS).await, [1]);
        rebuild(&db.store, 1, NOW + REST_MS).await.unwrap();
        let three = (NOW / DAY_MS + 1) * DAY_MS + NIGHT_MS;
        assert!(db.due(three - 1).await.is_empty());
        assert_eq!(db.due(three).await, [1]);
    }

    #[tokio::test]
    async fn all_is_grouped_anew_once_a_night() {
        let mut db = Database::new("night").await;
        db.asked(Kind::Call, &["Refund order 1", "Show sales"])
            .await;
        rebuild_due(&db.store, NOW).await;
        assert_eq!(db.count_clusters().await, 2);
        // Nothing new has come, so that the night alone is a reason.
        let remove = |text: &'static str| {
            let store = db.store.clone();
            async move {
                let sql = "DELETE FROM intent WHERE text = ?1";
                let removed = store.write(move |tx| tx.execute(sql, [text]));
                assert_eq!(removed.await.unwrap(), 1);
            }
        };
        remove("Show sales").await;
        let three = (NOW / DAY_MS + 1) * DAY_MS + NIGHT_MS;
        rebuild_due(&db.store, three - 1).await;
        assert_eq!(db.count_clusters().await, 2);
        rebuild_due(&db.store, three).await;
        assert_eq!(db.count_clusters().await, 1);
        remove("Refund order 1").await;
        rebuild_due(&db.store, three + DAY_MS - 1).await;
        assert_eq!(db.count_clusters().await, 1);
        rebuild_due(&db.store, three + DAY_MS).await;
        assert_eq!(db.count_clusters().await, 0);
    }
}
