//! The destinations in addition to a builder's own: which variables each may read, their names, and their settings.

use std::mem;

use super::builder::Builder;
use super::destination::{Destination, Place, Target};
use super::resolve::ResolvedTarget;
use super::setting::{Origin, Setting};
use super::validate::first_of;
use crate::error::BuildError;
use crate::queue::MAX_DESTINATIONS;
use crate::wire::{EventForm, Profile};

impl Builder {
    /// Whether a destination is on another wire than one that OpenTelemetry's variables switch off.
    pub(super) fn has_other_wires(&self) -> bool {
        let profiles = self.others.iter().map(|other| other.target.wire.profile());
        profiles.filter(|profile| profile.otel.is_none()).count() > 0
    }

    /// Leaves out the destinations that the environment switches off; the next one is the first then.
    pub(crate) fn leave_out_disabled(&mut self) {
        let is_on = |target: &Target, builder: &Self| builder.switched_off_by(target).is_none();
        let mut kept = mem::take(&mut self.others);
        kept.retain(|other| is_on(&other.target, self));
        if !kept.is_empty() && !is_on(&self.target, self) {
            let first = kept.remove(0);
            self.target = first.target;
            self.given.request_timeout = first.request_timeout;
        }
        self.others = kept;
    }

    fn check_their_number(&self) -> Result<(), BuildError> {
        let all = self.others.len() + 1;
        if all > MAX_DESTINATIONS {
            let fault = format!("makes {all} destinations, more than {MAX_DESTINATIONS}");
            return Err(BuildError::invalid("also", fault));
        }
        Ok(())
    }

    /// Returns all that is wrong with the others, each looked at as if it were the builder's own; adds what there is to
    /// say of each to `settings`.
    pub(super) fn faults_of_others(&mut self, settings: &mut Vec<Setting>) -> Vec<BuildError> {
        let mut faults: Vec<_> = self.check_their_number().err().into_iter().collect();
        let mut known = vec![Place::of(&self.target)];
        for n in 0..self.others.len() {
            self.exchange(n);
            let place = Place::of(&self.target);
            let reads_variables = self.read_own_variables(&place, &known);
            settings.push(self.destination_setting(&place.name));
            let mut own = self.missing_in_code(reads_variables);
            let is_missing = |fault: &BuildError| {
                matches!(
                    fault,
                    BuildError::MissingEndpoint { .. } | BuildError::MissingApiKey { .. }
                )
            };
            let others = self.target_faults().into_iter();
            // What is missing in code is named already.
            own.extend(others.filter(|fault| reads_variables || !is_missing(fault)));
            own.extend(place.check_is_apart(&known).err());
            faults.extend(
                own.into_iter()
                    .map(|fault| fault.of_destination(&place.name)),
            );
            known.push(place);
            self.exchange(n);
        }
        self.env.show_all();
        faults
    }

    /// Puts one of the others in the place of the builder's own, or back.
    fn exchange(&mut self, n: usize) {
        if let Some(other) = self.others.get_mut(n) {
            mem::swap(&mut self.target, &mut other.target);
            mem::swap(&mut self.given.request_timeout, &mut other.request_timeout);
        }
    }

    /// Resolves the others, one after another, each as if it were the builder's own; adds what there is to say of each to
    /// `settings`. Gives all of them one form of events.
    pub(super) fn resolve_others(
        &mut self,
        place: Place,
        first: &mut ResolvedTarget,
        settings: &mut Vec<Setting>,
    ) -> Result<Vec<ResolvedTarget>, BuildError> {
        self.check_their_number()?;
        let mut resolved: Vec<ResolvedTarget> = Vec::new();
        let mut known = vec![place];
        for other in mem::take(&mut self.others) {
            let place = Place::of(&other.target);
            let made = self.resolve_other(other, &place, &known, settings);
            resolved.push(made.map_err(|fault| fault.of_destination(&place.name))?);
            known.push(place);
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
        place: &Place,
        known: &[Place],
        settings: &mut Vec<Setting>,
    ) -> Result<ResolvedTarget, BuildError> {
        self.target = other.target;
        self.given.request_timeout = other.request_timeout;
        let reads_variables = self.read_own_variables(place, known);
        first_of(self.missing_in_code(reads_variables))?;
        settings.push(self.destination_setting(&place.name));
        let made = self.resolve_target()?;
        place.check_is_apart(known)?;
        Ok(made)
    }

    /// Hides the variables of the current target's wire if another destination reads them; returns whether none does.
    fn read_own_variables(&mut self, place: &Place, known: &[Place]) -> bool {
        let reads_variables = place.reads_variables(known);
        if !reads_variables {
            self.hide_variables(self.target.wire.profile());
        }
        reads_variables
    }

    /// Hides the variables of a wire's key and endpoint, which another destination reads.
    fn hide_variables(&mut self, profile: &'static Profile) {
        self.env.hide(profile.key_variable);
        self.env.hide([profile.endpoint_variable]);
        self.env.hide(profile.otel.map(|otel| otel.exporter_prefix));
    }

    /// Returns what a destination has to name in code, because it may not take it from variables, and does not.
    fn missing_in_code(&self, reads_variables: bool) -> Vec<BuildError> {
        const FAULT: &str = "is missing: only the first destination of a wire takes it from the environment, so name it in code";
        let target = &self.target;
        if reads_variables || target.transport.is_some() {
            return Vec::new();
        }
        let needs_key = target.wire.profile().requires_key;
        let missing = [
            ("endpoint", target.endpoint.is_none()),
            ("api_key", target.api_key.is_none() && needs_key),
        ];
        let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
        missing
            .map(|(name, _)| BuildError::invalid(name, FAULT))
            .collect()
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
