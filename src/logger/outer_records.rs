//! Ensures that a request that passes two integrations of the same logger is recorded once.

use std::sync::{Arc, Weak};

use super::handle::Handle;

/// A record that is dropped if an inner integration, which knows more, makes one.
pub(crate) trait GivesWay: Send + Sync {
    fn give_way(&self);
}

/// The records that integrations outside of the server make of a request, each with its logger. Travels with the
/// request.
#[derive(Clone, Default)]
pub(crate) struct OuterRecords(Vec<(Weak<Handle>, Weak<dyn GivesWay>)>);

impl OuterRecords {
    /// Adds a record.
    pub(crate) fn push(&mut self, handle: &Arc<Handle>, record: Weak<dyn GivesWay>) {
        self.0.push((Arc::downgrade(handle), record));
    }

    /// Takes over what is recorded for a logger. Records for other loggers go on.
    pub(crate) fn take_over(&self, handle: &Arc<Handle>) {
        for (of, record) in &self.0 {
            if of.as_ptr() == Arc::as_ptr(handle)
                && let Some(record) = record.upgrade()
            {
                record.give_way();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::super::pipeline::Pipeline;
    use super::super::usage_logger::UsageLogger;
    use super::*;

    #[derive(Default)]
    struct Record(AtomicU32);

    impl GivesWay for Record {
        fn give_way(&self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn handle() -> Arc<Handle> {
        let builder = UsageLogger::builder().env(|_| None);
        let builder = builder.api_key("test-key-1").product_id("demo");
        let resolved = builder.endpoint("http://127.0.0.1:9/").resolve().unwrap();
        let pipeline = Pipeline::new(resolved.pipeline, resolved.delivery, None);
        Arc::new(Handle::new(pipeline, Vec::new()))
    }

    #[test]
    fn a_logger_takes_over_its_own_records_alone() {
        let (own, other) = (handle(), handle());
        let records = [(); 3].map(|()| Arc::new(Record::default()));
        let mut outer = OuterRecords::default();
        for (handle, record) in [&own, &other, &own].into_iter().zip(&records) {
            let record: Weak<dyn GivesWay> = Arc::downgrade(record) as _;
            outer.push(handle, record);
        }
        let [first, foreign, ended] = records;
        drop(ended);
        outer.clone().take_over(&own);
        assert_eq!((first.0.load(Relaxed), foreign.0.load(Relaxed)), (1, 0));
    }
}
