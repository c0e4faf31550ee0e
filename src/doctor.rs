//! Checks a logger's settings, and whether its ingest can be reached.
//!
//! [`UsageLogger::check`] sends no event; [`UsageLogger::check_delivery`] sends one that is marked.
//! [`Builder::check`] also finds what prevents a logger from being built. Each report prints as a list:
//!
//! ```
//! # use mcp_usage::UsageLogger;
//! # let ingest = mcp_usage::testing::MockIngest::start()?;
//! # let builder = UsageLogger::builder().env(|_| None).api_key("test-key-1").endpoint(ingest.endpoint());
//! let report = builder.product_id("reoWebApp").check_blocking();
//! eprintln!("{report}");
//! assert!(report.is_healthy());
//! assert!(!report.to_string().contains("test-key-1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`UsageLogger::check`]: crate::UsageLogger::check
//! [`UsageLogger::check_delivery`]: crate::UsageLogger::check_delivery
//! [`Builder::check`]: crate::Builder::check

mod check;
mod delivery;
mod report;

pub use crate::config::setting::{Origin, Setting};
pub use check::MAX_CLOCK_SKEW;
pub use delivery::{CHECK_TOOL, DeliveryCheck, DeliveryReport};
pub use report::{Finding, Report, State};
