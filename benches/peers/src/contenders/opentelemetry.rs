//! `opentelemetry_sdk`'s batch processor and `opentelemetry-otlp` over HTTP with protobuf: the yardstick. Redacts nothing.

use super::library::{Library, Settings};
use crate::event::{Call, PROTOCOL, SDK, SERVER};
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, SdkLogger, SdkLoggerProvider,
};
use std::time::SystemTime;

pub struct Logs {
    provider: SdkLoggerProvider,
    logger: SdkLogger,
}

impl Logs {
    pub fn new(settings: &Settings) -> Self {
        let exporter = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/logs", settings.url))
            .build()
            .expect("the settings are sound");
        let mut batch = BatchConfigBuilder::default();
        if let Some(events) = settings.queue_events {
            batch = batch.with_max_queue_size(events);
        }
        if let Some(events) = settings.batch_events {
            batch = batch.with_max_export_batch_size(events);
        }
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(batch.build());
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(processor.build())
            .build();
        let logger = provider.logger(SERVER);
        Self { provider, logger }
    }
}

impl Library for Logs {
    fn log(&self, call: &Call, marker: &str) -> bool {
        let text = |value: &str| AnyValue::String(value.to_owned().into());
        let mut record = self.logger.create_log_record();
        record.set_event_name("mcp_tool_call");
        record.set_severity_number(Severity::Info);
        record.set_timestamp(SystemTime::now());
        record.add_attribute("call_id", text(marker));
        record.add_attribute("user_id", text(&call.user));
        record.add_attribute("session_id", text(&call.session));
        record.add_attribute("tool", text(&call.tool));
        record.add_attribute("client", call.client);
        record.add_attribute("client_version", text(&call.client_version));
        record.add_attribute("server", SERVER);
        record.add_attribute("protocol", PROTOCOL);
        record.add_attribute("sdk", SDK);
        record.add_attribute("duration_us", call.duration.as_micros() as i64);
        record.add_attribute("ok", call.ok);
        record.add_attribute("arguments", call.arguments.to_text());
        self.logger.emit(record);
        true
    }

    fn flush(&self) {
        let _ = self.provider.force_flush();
    }

    fn shutdown(&self) {
        let _ = self.provider.shutdown();
    }
}
