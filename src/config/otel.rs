//! OpenTelemetry's environment variables, for a wire that reads them. Code overrides each of them.

use std::time::Duration;

use reqwest::Certificate;

use super::builder::Builder;
use super::destination::Target;
use super::setting::Origin;
use super::table::DEFAULT_SOURCE;
use crate::error::BuildError;
use crate::wire::otlp::resource::{Resource, UNKNOWN_SERVICE};
use crate::wire::otlp::settings::{
    OtelVariables, SignalVariable, check_protocol, compression, pairs, timeout,
};

/// A value of a variable, with the variable's name.
type Read<T> = Option<(T, &'static str)>;

impl Builder {
    pub(super) fn otel(&self) -> Option<&'static OtelVariables> {
        self.target.wire.profile().otel
    }

    /// Looks a variable up: that for traces, else that for all signals.
    fn signal(&self, variable: impl FnOnce(&OtelVariables) -> SignalVariable) -> Read<String> {
        let variables = variable(self.otel()?);
        let mut found = variables.into_iter();
        found.find_map(|name| Some((self.env.get(name)?, name)))
    }

    /// Reads a variable; the error names it.
    fn read<T>(
        &self,
        variable: impl FnOnce(&OtelVariables) -> SignalVariable,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Read<T>, BuildError> {
        let Some((text, name)) = self.signal(variable) else {
            return Ok(None);
        };
        let value = read(&text).map_err(|fault| BuildError::invalid(name, fault))?;
        Ok(Some((value, name)))
    }

    pub(super) fn check_protocol(&self) -> Result<(), BuildError> {
        self.read(|otel| otel.protocol, check_protocol).map(drop)
    }

    /// Returns the variable that switches the wire of `target` off, if it does. By OpenTelemetry's specification everything
    /// but `true` is `false`.
    pub(super) fn switched_off_by(&self, target: &Target) -> Option<&'static str> {
        let name = target.wire.profile().otel?.disabled;
        let value = self.env.get(name)?;
        value.eq_ignore_ascii_case("true").then_some(name)
    }

    /// Returns OpenTelemetry's switch and its value, where that is neither of its two words and a destination reads it.
    pub(crate) fn unclear_switch(&self) -> Option<(&'static str, String)> {
        let name = self.service_variables()?.disabled;
        let value = self.env.get(name)?;
        let is_word = |word: &&str| value.eq_ignore_ascii_case(word);
        let is_clear = ["true", "false"].iter().any(is_word);
        (!is_clear).then_some((name, value))
    }

    /// The variables that describe the service, where any destination reads them.
    fn service_variables(&self) -> Option<&'static OtelVariables> {
        let others = self.others.iter().map(|other| &other.target);
        let mut targets = [&self.target].into_iter().chain(others);
        targets.find_map(|target| target.wire.profile().otel)
    }

    /// Finds whether requests are compressed, and which setting says so.
    pub(super) fn found_gzip(&self) -> Result<Option<(bool, Origin)>, BuildError> {
        // A fault in the variable is one whatever code says.
        let variable = self.read(|otel| otel.compression, compression)?;
        let code = self.target.gzip.map(|on| (on, Origin::Code));
        Ok(code.or(variable.map(|(on, name)| (on, Origin::Variable(name)))))
    }

    /// Finds how long a request may take, in the environment.
    pub(super) fn found_timeout(&self) -> Result<Read<Duration>, BuildError> {
        self.read(|otel| otel.timeout, timeout)
    }

    /// The whole endpoint for traces, which is used as it is.
    pub(super) fn traces_endpoint(&self) -> Read<String> {
        let [traces, _] = self.otel()?.endpoint;
        Some((self.env.get(traces)?, traces))
    }

    /// The headers of the environment, and the variable they come from.
    pub(super) fn found_headers(&self) -> Result<Read<Vec<(String, String)>>, BuildError> {
        self.read(|otel| otel.headers, pairs)
    }

    /// The authorities by which a receiver's certificate is checked, where the environment names a file of them.
    pub(super) fn found_certificates(&self) -> Result<Option<Vec<Certificate>>, BuildError> {
        let certificates = self.read(
            |otel| otel.certificate,
            |path| {
                let pem = std::fs::read(path)
                    .map_err(|error| format!("names a file that cannot be read: {error}"))?;
                match Certificate::from_pem_bundle(&pem) {
                    Ok(certificates) if !certificates.is_empty() => Ok(certificates),
                    _ => Err("names a file without a certificate in PEM".to_owned()),
                }
            },
        )?;
        Ok(certificates.map(|(certificates, _)| certificates))
    }

    /// The attributes of the service that the environment gives, on a wire that has a place for them.
    pub(super) fn resource_attributes(&self) -> Result<Vec<(String, String)>, BuildError> {
        let otel = self.otel();
        otel.map_or_else(|| Ok(Vec::new()), |otel| self.attributes_of_service(otel))
    }

    fn attributes_of_service(
        &self,
        otel: &OtelVariables,
    ) -> Result<Vec<(String, String)>, BuildError> {
        let name = otel.resource_attributes;
        let text = self.env.get(name).unwrap_or_default();
        pairs(&text).map_err(|fault| BuildError::invalid(name, fault))
    }

    /// An attribute of the service, where the environment gives it and a destination reads it, and the variable.
    pub(super) fn resource_attribute(&self, name: &str) -> Option<(String, Origin)> {
        let otel = self.service_variables()?;
        // A fault is reported where all of them are read.
        let attributes = self.attributes_of_service(otel).unwrap_or_default();
        let mut attributes = attributes.into_iter().rev();
        let (_, value) = attributes.find(|(known, value)| known == name && !value.is_empty())?;
        Some((value, Origin::Variable(otel.resource_attributes)))
    }

    /// Gives the wire what is known of the service; returns the service's name.
    pub(super) fn resolve_resource(&mut self, [source, environment]: [&str; 2]) -> Option<String> {
        let otel = self.otel()?;
        let attribute = |name| Some(self.resource_attribute(name)?.0);
        let service_name = self.env.get(otel.service_name);
        let service_name = service_name
            .or_else(|| attribute("service.name"))
            .or_else(|| self.product_id.clone())
            .unwrap_or_else(|| UNKNOWN_SERVICE.to_owned());
        let resource = Resource {
            service_name: service_name.clone(),
            environment: environment.to_owned(),
            source: (source != DEFAULT_SOURCE).then(|| source.to_owned()),
            usual_source: DEFAULT_SOURCE.to_owned(),
            others: self.resource_attributes().unwrap_or_default(),
        };
        let is_legible = self.target.is_dry_run;
        self.target.wire.set_resource(resource, is_legible);
        Some(service_name)
    }
}
