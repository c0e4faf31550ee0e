//! The resource of all spans: the service that reports them.

use super::attributes::Attributes;
use super::protobuf::Message;
use crate::wire::parts::SenderInfo;
use crate::wire::record::Json;

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

    /// Whether the resource says the product that an event names, which then need not name it.
    pub(super) fn says_product(&self, text: Json<'_>) -> bool {
        text.is(&self.service_name) || text.is(UNKNOWN_SERVICE)
    }

    /// Likewise for an environment.
    pub(super) fn says_environment(&self, text: Json<'_>) -> bool {
        text.is(&self.environment)
    }

    /// Likewise for a source.
    pub(super) fn says_source(&self, text: Json<'_>) -> bool {
        text.is(self.source.as_deref().unwrap_or(&self.usual_source))
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
        to.some(
            "service.version",
            version.or_else(|| other("service.version")),
        );
        to.some("deployment.environment.name", Some(&self.environment));
        to.text("service.instance.id", &sender.instance.digits().to_string());
        to.text("telemetry.sdk.name", "mcp-usage");
        to.text("telemetry.sdk.language", "rust");
        to.text("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        to.some("mcp_usage.source", self.source.as_deref());
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
