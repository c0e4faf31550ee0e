//! The handle, and the path of an event from its caller into the queue.

mod alarm;
mod build;
mod confirmation;
mod destinations;
mod guard;
mod handle;
mod kept_record;
mod login;
mod logins;
mod open_calls;
mod openmetrics;
mod outer_records;
mod pipeline;
mod record;
mod recorded;
mod shutdown_guard;
mod usage_logger;
mod wait;
mod worker_thread;

pub use confirmation::Confirmation;
pub use destinations::DestinationHandle;
pub use guard::CallGuard;
pub(crate) use guard::OpenCall;
pub use handle::FORGET_TIMEOUT;
pub(crate) use handle::Handle;
#[cfg(feature = "rmcp")]
pub(crate) use kept_record::KeptRecord;
pub(crate) use login::login_of;
pub use logins::{LOGIN_MEMORY, MAX_LOGINS};
#[cfg(feature = "rmcp")]
pub(crate) use open_calls::EndsAtShutdown;
pub(crate) use outer_records::{GivesWay, OuterRecords};
pub(crate) use pipeline::Pipeline;
#[cfg(feature = "rmcp")]
pub(crate) use record::CallRecord;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) use record::MAX_NAME_BYTES;
pub use recorded::Recorded;
pub use shutdown_guard::ShutdownGuard;
pub use usage_logger::UsageLogger;
pub(crate) use wait::Wait;
