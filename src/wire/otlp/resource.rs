//! The resource of all spans: the service that reports them.

use super::attributes::{Attributes, Value};
use super::protobuf::Message;
use crate::wire::parts::SenderInfo;

/// What the service is called where nobody says.
pub(crate) const UNKNOWN_SERVICE: &str = "unknown_service";

/// What is known of the service when the logger is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) service_name: String,
    pub(crate) environment: String,
    /// Where it is not the usual one.
    pub(crate) source: Option<String>,
    pub(crate) usual_source: String,
    /// Other attributes, as the environment gives them.
    pub(crate) others: Vec<(String, String)>,
}

/// Those that have a value of their own here.
const OWN: [&str; 7] = [
    "service.name",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "telemetry.sdk.name",
    "telemetry.sdk.language",
    "telemetry.sdk.version",
];

impl Resource {
    pub(super) const EMPTY: Self = Self {
        service_name: String::new(),
        environment: String::new(),
        source: None,
        usual_source: String::new(),
        others: Vec::new(),
    };

    /// Whether the resource says what an event says under this name, which then need not say it.
    pub(super) fn says(&self, name: &str, text: &str) -> bool {
        match name {
            "product_id" => text == self.service_name || text == UNKNOWN_SERVICE,
            "environment" => text == self.environment,
            _ => text == self.source.as_deref().unwrap_or(&self.usual_source),
        }
    }

    pub(super) fn write(
        &self,
        version: Option<&str>,
        sender: &SenderInfo,
        resource: &mut Message<'_>,
    ) {
        let mut to = Attributes::new(resource, 1);
        let other = |name: &str| {
            let mut others = self.others.iter();
            others.find_map(|(known, value)| (known == name).then_some(&**value))
        };
        to.text("service.name", &self.service_name);
        to.known(
            "service.version",
            version.or_else(|| other("service.version")),
        );
        to.known("deployment.environment.name", Some(&self.environment));
        to.add(
            "service.instance.id",
            &Value::Text(sender.instance.digits().to_string().into()),
        );
        to.text("telemetry.sdk.name", "mcp-usage");
        to.text("telemetry.sdk.language", "rust");
        to.text("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        to.known("mcp_usage.source", self.source.as_deref());
        for (n, (name, value)) in self.others.iter().enumerate() {
            let is_later = self
                .others
                .iter()
                .skip(n + 1)
                .any(|(other, _)| other == name);
            if !is_later && !OWN.contains(&&**name) && name != "mcp_usage.source" {
                to.text(name, value);
            }
        }
    }
}
