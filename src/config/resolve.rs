//! From a builder to what a logger is made from.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::builder::Builder;
use super::setting::Setting;
use super::table::Values;
use super::validate::Checked;
use crate::base::clock::Clock;
use crate::capture::{self, CapturePolicy, Constant};
use crate::delivery::settings::{DeliverySettings, Pace};
use crate::delivery::{Opened, Spool};
use crate::error::BuildError;
use crate::event::Sampling;
use crate::queue::Bounds;
use crate::transport::Transport;
use crate::transport::api_key::KeyCell;
use crate::transport::dry_run::DryRun;
use crate::transport::http::{Http, HttpSettings};
use crate::wire::defaults::Defaults;

/// What a logger is made from.
pub(crate) struct Resolved {
    pub(crate) pipeline: PipelineSettings,
    pub(crate) delivery: DeliverySettings,
    pub(crate) spool: Option<Opened>,
    /// For the doctor: what is set, and where each value came from.
    pub(crate) settings: Vec<Setting>,
}

/// What the pipeline needs to take and write an event, wherever it is sent.
#[derive(Debug)]
pub(crate) struct PipelineSettings {
    pub(crate) defaults: Defaults,
    pub(crate) policy: CapturePolicy,
    pub(crate) sampling: Sampling,
    pub(crate) clock: Clock,
}

impl Builder {
    /// Returns what switches the logger off, if anything does.
    pub(crate) fn off_by(&self) -> Result<Option<&'static str>, BuildError> {
        let opted_out = self.env.opted_out()?;
        Ok(opted_out.or(self.disabled.then_some("the code")))
    }

    /// Validates the settings, and resolves each to its value in force.
    pub(crate) fn resolve(mut self) -> Result<Resolved, BuildError> {
        if let (Some(path), None) = (&self.dry_run, &self.transport) {
            let file = DryRun::open(path).map_err(|error| {
                BuildError::invalid("dry_run", format!("cannot write the file: {error}"))
            })?;
            self.transport = Some(Arc::new(file));
        }
        let Checked {
            key,
            endpoint,
            headers,
            values,
            texts,
            verbose,
        } = self.check()?;
        let settings = self.settings();
        let policy = CapturePolicy {
            limits: self.limits,
            redactor: self.redactor.clone(),
        };
        let defaults = self.take_defaults(texts, &policy);
        let key = Arc::new(KeyCell::new(key));
        let destination = self.transport.is_none().then(|| endpoint.clone());
        let transport = match self.transport.take() {
            Some(transport) => transport,
            None => self.http(endpoint, headers, Arc::clone(&key), &values)?,
        };
        let spool = self.spool.as_ref();
        let is_batch = self.wire.profile().is_batch;
        let delivery = DeliverySettings {
            bounds: Bounds {
                max_events: values.max_queue_events,
                max_bytes: values.max_queue_bytes,
                when_full: values.when_full,
                // Where one event is a batch, a segment of any size is worth sending.
                batch_events: if is_batch {
                    values.max_batch_events
                } else {
                    usize::MAX
                },
                batch_bytes: if is_batch { values.max_batch_bytes } else { 1 },
            },
            max_batch_events: if is_batch { values.max_batch_events } else { 1 },
            max_batch_bytes: values.max_batch_bytes,
            flush_interval: values.flush_interval,
            request_timeout: values.request_timeout,
            max_in_flight: values.max_in_flight,
            pace: Pace {
                initial_backoff: values.initial_backoff,
                max_backoff: values.max_backoff,
                max_retry_after: values.max_retry_after,
            },
            max_event_age: spool.map_or(values.max_event_age, Spool::age),
            before_send: self.before_send,
            redactor: self.redactor,
            on_error: self.on_error,
            verbose,
            clock: self.clock.clone(),
            transport,
            key,
            endpoint: destination,
            spool_dir: spool.map(|spool| spool.path().to_owned()),
            wire: self.wire,
        };
        // Last, so that a logger that is not built leaves nothing on disk.
        let tag = delivery.wire.spool_tag();
        let spool = self.spool.map(|spool| spool.open(tag)).transpose()?;
        Ok(Resolved {
            pipeline: PipelineSettings {
                defaults,
                policy,
                sampling: self.sampling,
                clock: self.clock,
            },
            delivery,
            spool,
            settings,
        })
    }

    /// Takes out what events get where they say nothing of their own.
    fn take_defaults(&mut self, texts: [String; 3], policy: &CapturePolicy) -> Defaults {
        let constant = |text| Constant::new(text, &policy.redactor);
        let [source, environment, user_agent] = texts.map(constant);
        let meta = std::mem::take(&mut self.meta).into_iter();
        Defaults {
            identity: self.identity.take(),
            identity_policy: std::mem::take(&mut self.identity_policy),
            product_id: self.product_id.take().map(constant),
            source,
            environment,
            user_agent,
            ip_addr: self.ip_addr.take().map(constant),
            session: std::mem::take(&mut self.session),
            meta: meta
                .map(|(name, value)| (name, capture::capture_value(policy, &value, false).0))
                .collect(),
        }
    }

    fn http(
        &mut self,
        endpoint: Url,
        headers: HeaderMap,
        key: Arc<KeyCell>,
        values: &Values,
    ) -> Result<Arc<dyn Transport>, BuildError> {
        let settings = HttpSettings {
            endpoint,
            headers,
            key_header: self.wire.profile().key_header,
            key,
            max_in_flight: values.max_in_flight,
            hook: self.http_client.take(),
            gzip: self.gzip,
            bundled_roots: self.bundled_roots,
        };
        match Http::new(settings) {
            Ok(http) => Ok(Arc::new(http)),
            Err(error) => Err(BuildError::HttpClient(Box::new(error.without_url()))),
        }
    }
}
