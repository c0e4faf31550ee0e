//! What all clones of a logger share.

use std::sync::Arc;

use super::pipeline::Core;
use crate::config::setting::Setting;
use crate::delivery::message::Control;

/// What all clones share; its drop is the last handle's.
pub(crate) struct Handle {
    pub(super) core: Arc<Core>,
    /// For the doctor.
    pub(super) settings: Vec<Setting>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.core.is_forked() {
            self.core.close();
            self.core.tell(Control::Drain);
        }
    }
}
