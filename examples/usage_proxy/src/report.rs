//! The logger that the settings ask for, and the streams that it looks at.

use mcp_usage::stdio::UsageStreams;
use mcp_usage::{Arguments, Builder, Identity, Mcpeye, Otlp, PostHog, Spool, UsageLogger, Wire};

use crate::settings::{ArgumentsOf, Settings, WireName};

/// Makes the logger. `program` is the server's, whose name is the product where none is set.
///
/// # Errors
///
/// What is wrong with a setting, as the logger says it.
pub fn logger(settings: &Settings, program: &str) -> Result<UsageLogger, mcp_usage::BuildError> {
    let product = settings.product_id.as_deref().unwrap_or(program);
    let mut builder: Builder = UsageLogger::builder()
        .wire(match settings.wire {
            WireName::Reo => Wire::Reo,
            WireName::ReoBatch => Wire::ReoBatch,
            WireName::Mcpeye => Wire::Mcpeye(Mcpeye::new(product)),
            WireName::Otlp => Wire::Otlp(Otlp::spans()),
            WireName::PostHog => Wire::PostHog(PostHog::new()),
        })
        .product_id(product);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.endpoint(endpoint);
    }
    if let Some(key) = &settings.api_key {
        builder = builder.api_key(&*key.0);
    }
    if let Some(directory) = &settings.spool {
        builder = builder.spool(Spool::dir(directory));
    }
    builder.build()
}

/// How the streams are looked at.
pub fn streams(settings: &Settings, usage: &UsageLogger) -> UsageStreams {
    let streams = UsageStreams::new(usage)
        .results(settings.results)
        .add_intent(settings.intent)
        .missing_capability(settings.missing_capability)
        .operating_system_user(settings.os_user);
    let streams = match &settings.arguments {
        ArgumentsOf::AllTools => streams,
        ArgumentsOf::NoTool => streams.arguments(false),
        ArgumentsOf::Tools(names) => {
            let names = names.clone();
            streams.arguments_by(move |tool| match names.contains(tool) {
                true => Arguments::All,
                false => Arguments::None,
            })
        }
    };
    match settings.user.as_deref() {
        Some(user) if user.contains('@') => streams.identify(Identity::email(user.to_owned())),
        Some(user) => streams.identify(Identity::new(user.to_owned(), "USER_ID")),
        None => streams,
    }
}
