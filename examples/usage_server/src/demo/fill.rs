//! The month into the database, by the way that all events take.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::month::Month;
use crate::record::Record;
use crate::store::{Busy, Incoming, LossReport, Store};

const HOUR_MS: i64 = 3_600_000;
/// What the pages show at first, and a day beside it.
const NEWEST_MS: i64 = 8 * 24 * HOUR_MS;
/// How long after the last event of a batch it came.
const LAG_MS: i64 = 1_200;
/// Batches under way: enough for the writer to commit several at once, and few enough to leave room for others.
const UNDER_WAY: usize = 160;
const RETRY_AFTER: Duration = Duration::from_millis(50);
const SDK: &str = "mcp-usage 0.1.0";

/// Takes the month in as if each instance had sent what it had every hour: first what the pages show at first, so that
/// they have it while all that is older still comes.
///
/// # Errors
///
/// When the database takes nothing more for another reason than that much waits.
pub(super) async fn fill(store: &Store, project: i64, month: Month) -> Result<(), Busy> {
    let (older, newest, last) = batches(project, month);
    for batches in [newest, older, last] {
        let mut under_way = JoinSet::new();
        for batch in batches {
            if under_way.len() >= UNDER_WAY
                && let Some(Ok(taken)) = under_way.join_next().await
            {
                taken?;
            }
            under_way.spawn(take(store.clone(), batch));
        }
        while let Some(joined) = under_way.join_next().await {
            if let Ok(taken) = joined {
                taken?;
            }
        }
    }
    Ok(())
}

async fn take(store: Store, batch: Incoming) -> Result<(), Busy> {
    loop {
        // A batch that is turned away is gone, so what may have to come again is a copy.
        let again = Incoming {
            records: batch.records.clone(),
            losses: batch.losses.clone(),
            ..Incoming {
                project: batch.project,
                received_ms: batch.received_ms,
                ..Incoming::default()
            }
        };
        match store.take(again).await {
            Ok(_) => return Ok(()),
            Err(Busy::QueueFull) => sleep(RETRY_AFTER).await,
            Err(busy) => return Err(busy),
        }
    }
}

/// All batches but the last of each instance, older ones and those of the newest days, and those: they hold one event and
/// what was lost, so that the instance's lag and skew are those of a server that sends at once.
fn batches(project: i64, month: Month) -> (Vec<Incoming>, Vec<Incoming>, Vec<Incoming>) {
    let newest = month.records.last().map_or(0, |record| record.time_ms) - NEWEST_MS;
    let mut hours: BTreeMap<(i64, String), Vec<Record>> = BTreeMap::new();
    let mut last: HashMap<String, Record> = HashMap::new();
    for record in month.records {
        let instance = record.instance.clone().unwrap_or_default();
        if let Some(record) = last.insert(instance.clone(), record) {
            let hour = record.time_ms.div_euclid(HOUR_MS);
            hours.entry((hour, instance)).or_default().push(record);
        }
    }
    let batch = |records: Vec<Record>, losses: Vec<LossReport>| Incoming {
        project,
        received_ms: records.last().map_or(0, |record| record.time_ms) + LAG_MS,
        records,
        losses,
        ..Incoming::default()
    };
    let report = |instance: String, dropped| LossReport {
        instance,
        sdk: SDK.to_owned(),
        dropped,
    };
    let batches = hours
        .into_values()
        .map(|records| batch(records, Vec::new()));
    let (newest, older) = batches.partition(|batch| batch.received_ms >= newest);
    let last = last.into_iter().map(|(instance, record)| {
        let lost = month.losses.iter().filter(|loss| loss.instance == instance);
        let lost = lost
            .map(|loss| (loss.reason.to_owned(), loss.total))
            .collect();
        batch(vec![record], vec![report(instance, lost)])
    });
    (older, newest, last.collect())
}
