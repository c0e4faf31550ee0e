//! The destinations in addition to a builder's own: which variables each may read, their names, and their settings.

use std::mem;
use std::path::{Path, PathBuf};

use super::builder::Builder;
use super::destination::Destination;
use super::resolve::ResolvedTarget;
use super::setting::{Origin, Setting};
use crate::delivery::settings::DeliverySettings;
use crate::error::BuildError;
use crate::queue::MAX_DESTINATIONS;
use crate::wire::{EventForm, Profile};

impl ResolvedTarget {
    /// Checks that a destination shares neither its name nor its directory with one of `known`.
    fn check_is_apart(&self, known: &[&Self]) -> Result<(), BuildError> {
        let DeliverySettings {
            name, spool_dir, ..
        } = &self.delivery;
        if known.iter().any(|known| known.delivery.name == *name) {
            let fault = "is that of another destination: give it one of its own";
            return Err(BuildError::invalid("name", fault));
        }
        let dir = spool_dir.as_deref().map(place);
        let shares = |known: &&Self| known.delivery.spool_dir.as_deref().map(place) == dir;
        if dir.is_some() && known.iter().any(shares) {
            let fault = "is the directory of another destination: give it one of its own";
            return Err(BuildError::invalid("spool", fault));
        }
        Ok(())
    }
}

/// The canonical path of a directory, as far as the system knows it.
fn place(dir: &Path) -> PathBuf {
    let found = dir.canonicalize().or_else(|_| std::path::absolute(dir));
    found.unwrap_or_else(|_| dir.to_owned())
}

impl Builder {
    /// Whether a destination is on another wire than one that OpenTelemetry's variables switch off.
    pub(super) fn has_other_wires(&self) -> bool {
        let profiles = self.others.iter().map(|other| other.target.wire.profile());
        profiles.filter(|profile| profile.otel.is_none()).count() > 0
    }

    /// Leaves out the destinations that the environment switches off; the next one is the first then.
    pub(crate) fn leave_out_disabled(&mut self) -> Result<(), BuildError> {
        let is_on = |profile: &Profile, builder: &Self| match profile.otel {
            Some(otel) => Ok(builder.env.flag(otel.disabled)? != Some(true)),
            None => Ok(true),
        };
        let mut kept = Vec::new();
        for other in mem::take(&mut self.others) {
            if is_on(other.target.wire.profile(), self)? {
                kept.push(other);
            }
        }
        if !kept.is_empty() && !is_on(self.target.wire.profile(), self)? {
            let first = kept.remove(0);
            self.target = first.target;
            self.given.request_timeout = first.request_timeout;
        }
        self.others = kept;
        Ok(())
    }

    /// Resolves the others, one after another, each as if it were the builder's own; adds what there is to say of each to
    /// `settings`. Gives all of them one form of events.
    pub(super) fn resolve_others(
        &mut self,
        first: &mut ResolvedTarget,
        settings: &mut Vec<Setting>,
    ) -> Result<Vec<ResolvedTarget>, BuildError> {
        let others = mem::take(&mut self.others);
        if others.len() >= MAX_DESTINATIONS {
            let fault = format!(
                "makes {} destinations, more than {MAX_DESTINATIONS}",
                others.len() + 1
            );
            return Err(BuildError::invalid("also", fault));
        }
        let mut resolved: Vec<ResolvedTarget> = Vec::new();
        for other in others {
            let known: Vec<&ResolvedTarget> = resolved.iter().chain([&*first]).collect();
            let made = self.resolve_other(other, &known, settings)?;
            resolved.push(made);
        }
        let forms = resolved.iter().map(|other| other.delivery.form);
        let form = forms.fold(first.delivery.form, EventForm::common);
        for target in resolved.iter_mut().chain([first]) {
            target.delivery.form = form;
        }
        Ok(resolved)
    }

    fn resolve_other(
        &mut self,
        other: Destination,
        known: &[&ResolvedTarget],
        settings: &mut Vec<Setting>,
    ) -> Result<ResolvedTarget, BuildError> {
        let profile = other.target.wire.profile();
        let name = other.target.name.clone();
        let name = name.unwrap_or_else(|| other.target.wire.name().to_owned());
        let reads_same = |known: &&ResolvedTarget| {
            known.delivery.wire.profile().endpoint_variable == profile.endpoint_variable
        };
        let is_first_of_wire = !known.iter().any(reads_same);
        if !is_first_of_wire {
            self.hide_variables(profile);
        }
        self.target = other.target;
        self.given.request_timeout = other.request_timeout;
        let made = self.check_is_whole(is_first_of_wire).and_then(|()| {
            settings.push(self.destination_setting(&name));
            self.resolve_target()
        });
        let made = made.and_then(|made| made.check_is_apart(known).map(|()| made));
        made.map_err(|fault| fault.of_destination(&name))
    }

    /// Hides the variables of a wire's key and endpoint, which another destination reads.
    fn hide_variables(&mut self, profile: &'static Profile) {
        self.env.hide(profile.key_variable);
        self.env.hide([profile.endpoint_variable]);
        self.env.hide(profile.otel.map(|otel| otel.exporter_prefix));
    }

    /// Whether a destination names in code what it may not take from variables.
    fn check_is_whole(&self, reads_variables: bool) -> Result<(), BuildError> {
        let target = &self.target;
        if reads_variables || target.transport.is_some() {
            return Ok(());
        }
        const FAULT: &str = "is missing: only the first destination of a wire takes it from the environment, so name it in code";
        if target.endpoint.is_none() {
            return Err(BuildError::invalid("endpoint", FAULT));
        }
        if target.api_key.is_none() && target.wire.profile().requires_key {
            return Err(BuildError::invalid("api_key", FAULT));
        }
        Ok(())
    }

    /// What the doctor lists of one of the others.
    fn destination_setting(&self, name: &str) -> Setting {
        let own = self.settings();
        let value = |name: &str| {
            own.iter()
                .find(|setting| setting.name == name)
                .map(|setting| &*setting.value)
        };
        let [key, endpoint, spool] =
            ["api_key", "endpoint", "spool"].map(|name| value(name).unwrap_or_default());
        Setting {
            name: "also",
            value: format!("{name}: endpoint {endpoint}, api_key {key}, spool {spool}"),
            origin: Origin::Code,
        }
    }
}
