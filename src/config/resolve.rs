//! Resolves a builder's settings into those of a logger.

use std::mem;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::builder::Builder;
use super::destination::{Confirm, Place};
use super::setting::Setting;
use super::table::Values;
use crate::base::clock::Clock;
use crate::base::log;
use crate::capture::{self, CapturePolicy, Constant};
use crate::delivery::settings::{DeliverySettings, Pace};
use crate::delivery::{Spool, Store};
use crate::error::BuildError;
use crate::event::{Consent, Sampling};
use crate::ledger::Ledger;
use crate::queue::Bounds;
use crate::transport::Transport;
use crate::transport::api_key::KeyCell;
use crate::transport::dry_run::DryRun;
use crate::transport::http::{self, Http, Roots};
use crate::transport::http_client::{ClientError, HttpClient};
use crate::transport::proxy::proxy_of;
use crate::wire::Profile;
use crate::wire::defaults::Defaults;
use crate::wire::session_ids::SessionHasher;

/// The resolved settings of a logger.
pub(crate) struct Resolved {
    pub(crate) pipeline: PipelineSettings,
    /// The first destination.
    pub(crate) delivery: DeliverySettings,
    pub(crate) spool: Option<Store>,
    pub(crate) others: Vec<(DeliverySettings, Option<Store>)>,
    pub(crate) confirm: Confirm,
    /// For the doctor: the settings, and where each value came from.
    pub(crate) settings: Vec<Setting>,
}

/// What the pipeline needs to take and write an event, wherever it is sent.
#[derive(Debug)]
pub(crate) struct PipelineSettings {
    pub(crate) defaults: Defaults,
    pub(crate) policy: CapturePolicy,
    pub(crate) sampling: Sampling,
    pub(crate) consent: Option<Consent>,
    pub(crate) clock: Clock,
}

/// One destination, resolved; its spool is not opened yet.
pub(super) struct ResolvedTarget {
    pub(super) delivery: DeliverySettings,
    pub(super) spool: Option<Spool>,
    /// Source, environment and user agent.
    texts: [String; 3],
    /// The name of the service, on a wire that has one.
    service_name: Option<String>,
}

impl ResolvedTarget {
    fn open_spool(self) -> Result<(DeliverySettings, Option<Store>), BuildError> {
        let tag = self.delivery.wire.spool_tag();
        let spool = self.spool.map(|spool| spool.open(tag)).transpose()?;
        Ok((self.delivery, spool))
    }
}

impl Builder {
    /// Returns what disables the logger, if anything does.
    pub(crate) fn off_by(&self) -> Result<Option<&'static str>, BuildError> {
        let opted_out = self.env.opted_out()?;
        let switched_off = self.switched_off_by(&self.target);
        let opted_out = opted_out.or(switched_off.filter(|_| !self.has_other_wires()));
        Ok(opted_out.or(self.disabled.then_some("the code")))
    }

    /// Returns all that is wrong with the settings: with the first destination's, with those that all have in common,
    /// then with the others'. Adds what there is to say of the others to `settings`.
    pub(crate) fn faults(&mut self, settings: &mut Vec<Setting>) -> Vec<BuildError> {
        let mut faults: Vec<_> = self.off_by().err().into_iter().collect();
        faults.extend(self.open_dry_run().err());
        faults.extend(self.target_faults());
        faults.extend(self.sampling_faults());
        faults.extend(self.common_value_faults());
        faults.extend(self.text_faults());
        faults.extend(self.verbose().err());
        faults.extend(self.faults_of_others(settings));
        faults
    }

    /// Returns all that is wrong with what the current target has of its own.
    pub(super) fn target_faults(&self) -> Vec<BuildError> {
        let faults = [
            self.check_protocol().err(),
            self.checked_gzip().err(),
            self.check_announcement().err(),
            self.checked_key().err(),
            self.checked_endpoint().err(),
            self.found_certificates().err(),
        ];
        let mut faults: Vec<_> = faults.into_iter().flatten().collect();
        faults.extend(self.read_headers().1);
        faults.extend(self.target_value_faults());
        faults.extend(self.wire_faults());
        faults
    }

    pub(super) fn verbose(&self) -> Result<bool, BuildError> {
        let flag = self.env.flag("PACKAGE_TRACKER_VERBOSE")?;
        Ok(flag.unwrap_or(false))
    }

    /// Validates the settings and resolves each to its value in force. Of several faults the first in
    /// this order is reported, those of the first destination before those of others.
    pub(crate) fn resolve(mut self) -> Result<Resolved, BuildError> {
        self.leave_out_disabled();
        self.open_dry_run()?;
        let mut settings = self.settings();
        let place = Place::of(&self.target);
        let mut first = self.resolve_target()?;
        // What an event says of the service is the same wherever it is sent.
        [self.source, self.environment, self.user_agent] = first.texts.clone().map(Some);
        let is_alone = self.others.is_empty();
        let others = self.resolve_others(place, &mut first, &mut settings)?;
        // Where no other destination asks for a product, the service or the server is one.
        let service_name = first.service_name.take();
        let server_name = first.delivery.wire.product().map(str::to_owned);
        let named = service_name.or(server_name).filter(|_| is_alone);
        self.product_id = self.product_id.take().or(named);
        let pipeline = self.take_pipeline(&first);
        // Last, so that a logger that is not built leaves nothing on disk.
        let (delivery, spool) = first.open_spool()?;
        let others = others.into_iter().map(|other| {
            let name = other.delivery.name.clone();
            other
                .open_spool()
                .map_err(|fault| fault.of_destination(&name))
        });
        let others = others.collect::<Result<Vec<_>, _>>()?;
        Ok(Resolved {
            pipeline,
            delivery,
            spool,
            others,
            confirm: self.confirm,
            settings,
        })
    }

    /// Validates the settings of the current target, and those that all have in common.
    pub(super) fn resolve_target(&mut self) -> Result<ResolvedTarget, BuildError> {
        self.check_protocol()?;
        self.checked_gzip()?;
        self.check_announcement()?;
        self.check_sampling()?;
        let key = self.checked_key()?;
        let endpoint = self.checked_endpoint()?;
        let headers = self.checked_headers()?;
        let values = self.checked_values()?;
        let texts = self.checked_texts()?;
        let verbose = self.verbose()?;

        let [source, environment, _] = &texts;
        let service_name = self.resolve_resource([source, environment]);
        let secrets = headers.values().filter_map(|value| value.to_str().ok());
        let fixed = self.key_fault(&endpoint, &headers)?;
        let key = Arc::new(KeyCell::new(key, secrets, fixed));
        let (transport, endpoint) = self.take_transport(endpoint, headers, &key, &values)?;
        let spool = self.target.spool.take();
        let delivery = self.delivery(values, spool.as_ref(), transport, key, endpoint, verbose);
        Ok(ResolvedTarget {
            delivery,
            spool,
            texts,
            service_name,
        })
    }

    /// The transport of the current target, and its endpoint if that is HTTP.
    fn take_transport(
        &mut self,
        endpoint: Url,
        headers: HeaderMap,
        key: &Arc<KeyCell>,
        values: &Values,
    ) -> Result<(Arc<dyn Transport>, Option<Url>), BuildError> {
        if let Some(transport) = self.target.transport.take() {
            return Ok((transport, None));
        }
        let http = self.http(endpoint.clone(), headers, Arc::clone(key), values)?;
        Ok((Arc::new(http), Some(endpoint)))
    }

    /// What the worker of the current target needs.
    fn delivery(
        &mut self,
        values: Values,
        spool: Option<&Spool>,
        transport: Arc<dyn Transport>,
        key: Arc<KeyCell>,
        endpoint: Option<Url>,
        verbose: bool,
    ) -> DeliverySettings {
        let (max_event_age, spool_dir) = match spool {
            Some(spool) => (spool.age(), Some(spool.path().to_owned())),
            None => (values.max_event_age, None),
        };
        let name = self.target.name.take();
        let wire = mem::take(&mut self.target.wire);
        let profile = wire.profile();
        DeliverySettings {
            name: name.unwrap_or_else(|| wire.name().to_owned()),
            form: wire.form(),
            wire,
            bounds: self.bounds(&values, profile),
            max_batch_events: match profile.is_batch {
                true => values.max_batch_events,
                false => 1,
            },
            max_batch_bytes: values.max_batch_bytes.min(profile.max_batch_bytes),
            flush_interval: values.flush_interval,
            request_timeout: values.request_timeout,
            max_in_flight: values.max_in_flight,
            pace: Pace {
                initial_backoff: values.initial_backoff,
                max_backoff: values.max_backoff,
                max_retry_after: values.max_retry_after,
            },
            max_event_age,
            before_send: self.before_send.clone(),
            limits: self.limits,
            redactor: self.redactor.clone(),
            on_error: self.on_error.clone(),
            verbose,
            clock: self.clock.clone(),
            transport,
            key,
            endpoint,
            spool_dir,
            announces_forgotten: self.target.announces_forgotten,
        }
    }

    /// What the queue holds for a wire, and when it wakes the worker.
    fn bounds(&self, values: &Values, profile: &Profile) -> Bounds {
        // Where a request holds one event, a segment of any size is worth sending.
        let (batch_events, batch_bytes) = match profile.is_batch {
            true => (
                values.max_batch_events,
                values.max_batch_bytes.min(profile.max_batch_bytes),
            ),
            false => (usize::MAX, 1),
        };
        Bounds {
            max_events: self.max_queue_events.unwrap_or(usize::MAX),
            max_bytes: values.max_queue_bytes,
            hook_bytes: match self.before_send {
                Some(_) => Bounds::share_of_hook(values.max_queue_bytes),
                None => 0,
            },
            when_full: values.when_full,
            batch_events,
            batch_bytes,
        }
    }

    /// Has all destinations write to the file but those that keep their requests in memory.
    fn open_dry_run(&mut self) -> Result<(), BuildError> {
        let Some(path) = &self.dry_run else {
            return Ok(());
        };
        let others = self.others.iter_mut().map(|other| &mut other.target);
        let sending = others.chain([&mut self.target]);
        let mut sending = sending
            .filter(|target| target.transport.is_none())
            .peekable();
        if sending.peek().is_none() {
            return Ok(());
        }
        let file = DryRun::open(path).map_err(|error| {
            let path = path.display();
            BuildError::invalid("dry_run", format!("cannot write the file {path}: {error}"))
        })?;
        let file: Arc<dyn Transport> = Arc::new(file);
        for target in sending {
            target.transport = Some(Arc::clone(&file));
            target.is_dry_run = true;
        }
        Ok(())
    }

    fn take_pipeline(&mut self, first: &ResolvedTarget) -> PipelineSettings {
        let texts = first.texts.clone();
        let wire = &first.delivery.wire;
        let policy = CapturePolicy {
            limits: self.limits,
            redactor: self.redactor.clone(),
        };
        let constant = |text| Constant::new(text, &policy.redactor);
        let [source, environment, user_agent] = texts.map(constant);
        let meta = mem::take(&mut self.meta).into_iter();
        let meta = meta.map(|(name, value)| {
            // A `Value` does not panic, so nothing is counted.
            let captured = capture::capture_value(&policy, &value, false, &Ledger::default());
            (name, captured)
        });
        let scope = wire.session_scope(self.product_id.as_deref());
        let session_hasher = SessionHasher::new(scope, self.session_key.as_deref());
        let defaults = Defaults {
            identity: self.identity.take(),
            identity_policy: mem::take(&mut self.identity_policy),
            product_id: self.product_id.take().map(constant),
            source,
            environment,
            user_agent,
            ip_addr: self.ip_addr.take().map(constant),
            session: mem::take(&mut self.session),
            session_ids: self.session_ids,
            session_hasher,
            meta: meta.collect(),
        };
        PipelineSettings {
            defaults,
            policy,
            sampling: mem::take(&mut self.sampling),
            consent: self.consent.take(),
            clock: self.clock.clone(),
        }
    }

    fn http(
        &mut self,
        endpoint: Url,
        headers: HeaderMap,
        key: Arc<KeyCell>,
        values: &Values,
    ) -> Result<Http, BuildError> {
        let roots = match self.found_certificates()? {
            Some(certificates) => Roots::Given(certificates),
            None if self.target.bundled_roots => Roots::Bundled,
            None => Roots::System,
        };
        let hook = self.target.http_client.take();
        if let Some(fault) = proxy_fault(&endpoint) {
            // A hook may have chosen a proxy of its own, or none.
            if hook.is_none() {
                return Err(fault);
            }
            let _ = log::warn(format_args!(
                "{fault}; unless the hook of http_client sets a proxy, requests go directly"
            ));
        }
        let (origin, max_in_flight) = (endpoint.clone(), values.max_in_flight);
        let make = move || http::client(&origin, max_in_flight, &roots, hook.as_ref());
        let client = HttpClient::new(make).map_err(|error| match error {
            ClientError::NoRoots(error) => BuildError::NoTlsRoots(Box::new(error)),
            ClientError::Other(error) => BuildError::HttpClient(Box::new(error)),
        })?;
        let profile = self.target.wire.profile();
        Ok(Http {
            client,
            endpoint,
            headers,
            content_type: profile.content_type,
            key_place: profile.key_place,
            key,
            gzip: self.checked_gzip()?,
            gzip_query: profile.gzip_query,
        })
    }
}

/// What is wrong with the variable that names the proxy for an endpoint. The HTTP library would go round the proxy.
fn proxy_fault(endpoint: &Url) -> Option<BuildError> {
    let named = proxy_of(endpoint)?;
    let fault = named.address.err()?;
    Some(BuildError::invalid(named.variable, fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DEFAULT_BATCH_REQUEST_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, Mcpeye, Wire};

    fn builder(wire: Wire) -> Builder {
        Builder::default()
            .env(|name| match name {
                "REO_API_KEY" => Some("key-of-the-environment".to_owned()),
                "REO_CENSUS_MCP_ENDPOINT" | "MCPEYE_INGEST_URL" => {
                    Some("https://environment.example/".to_owned())
                }
                _ => None,
            })
            .wire(wire)
    }

    #[test]
    fn the_wire_decides_on_batches_and_the_timeout() {
        let delivery = |wire| builder(wire).resolve().unwrap().delivery;
        let single = delivery(Wire::Reo);
        assert_eq!(single.max_batch_events, 1);
        assert_eq!(single.bounds.batch_events, usize::MAX);
        assert_eq!(single.bounds.batch_bytes, 1);
        assert_eq!(single.request_timeout, DEFAULT_REQUEST_TIMEOUT);
        for wire in [Wire::ReoBatch, Wire::Mcpeye(Mcpeye::new("p"))] {
            let batch = delivery(wire);
            assert_eq!(batch.max_batch_events, batch.bounds.batch_events);
            assert_eq!(batch.max_batch_bytes, batch.bounds.batch_bytes);
            assert_eq!(batch.request_timeout, DEFAULT_BATCH_REQUEST_TIMEOUT);
        }
    }

    #[test]
    fn a_timeout_in_code_wins_on_every_wire() {
        for wire in [Wire::Reo, Wire::ReoBatch] {
            let builder = builder(wire).request_timeout(DEFAULT_REQUEST_TIMEOUT);
            let delivery = builder.resolve().unwrap().delivery;
            assert_eq!(delivery.request_timeout, DEFAULT_REQUEST_TIMEOUT);
        }
    }

    #[test]
    fn code_wins_over_the_environment_and_that_over_the_default() {
        let endpoint = |builder: Builder| builder.resolve().unwrap().delivery.endpoint.unwrap();
        let of_env = endpoint(builder(Wire::Reo));
        assert_eq!(of_env.as_str(), "https://environment.example/");
        let of_code = endpoint(builder(Wire::Reo).endpoint("https://code.example/"));
        assert_eq!(of_code.as_str(), "https://code.example/");
        let default = endpoint(builder(Wire::Reo).env(|_| None).api_key("k"));
        assert_eq!(default.as_str(), crate::wire::DEFAULT_ENDPOINT);
    }

    #[test]
    fn a_dry_run_needs_neither_key_nor_endpoint_and_leaves_no_file_where_it_cannot() {
        let builder = || Builder::default().env(|_| None).wire(Wire::ReoBatch);
        let error = builder()
            .dry_run("/nowhere/at/all")
            .resolve()
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("dry_run cannot write the file /nowhere/at/all: ")
        );
        let path = std::env::temp_dir().join(format!("dry-run-{}", std::process::id()));
        let delivery = builder().dry_run(&path).resolve().unwrap().delivery;
        std::fs::remove_file(path).unwrap();
        assert_eq!(delivery.endpoint, None);
    }

    #[test]
    fn an_opt_out_is_named_before_the_code_is() {
        let off_by = |builder: Builder| builder.off_by().unwrap();
        let opted_out =
            || Builder::default().env(|name| (name == "DO_NOT_TRACK").then(|| "1".into()));
        assert_eq!(off_by(opted_out().enabled(false)), Some("DO_NOT_TRACK"));
        assert_eq!(off_by(builder(Wire::Reo).enabled(false)), Some("the code"));
        assert_eq!(off_by(builder(Wire::Reo)), None);
    }

    #[cfg(feature = "spool")]
    #[test]
    fn the_age_of_a_spool_replaces_that_of_the_memory() {
        let dir = std::env::temp_dir().join(format!("resolve-{}", std::process::id()));
        let hour = std::time::Duration::from_secs(60 * 60);
        let spool = crate::spool::Spool::dir(&dir).max_age(hour);
        let resolved = builder(Wire::Reo).spool(spool).resolve().unwrap();
        assert_eq!(resolved.delivery.max_event_age, hour);
        assert_eq!(resolved.delivery.spool_dir.as_ref(), Some(&dir));
        assert!(resolved.spool.is_some());
        drop(resolved);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
