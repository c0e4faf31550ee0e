//! Records that a session begins.

use ::rmcp::RoleServer;
use ::rmcp::model::{Implementation, InitializeResult};
use ::rmcp::service::RequestContext;

use super::recorder::Recorder;
use crate::event::Kind;

impl<H> Recorder<'_, H> {
    /// Reports a session that has begun, and who it is, if nobody has yet.
    pub(super) fn on_initialize(
        &self,
        context: &RequestContext<RoleServer>,
        client: &Implementation,
        result: &InitializeResult,
    ) {
        let version = result.protocol_version.as_str();
        let incoming = self.read(context).initialize(client, version);
        let mut facts = incoming.facts();
        // Over HTTP the session's id is not known yet: a login told by its absence would be reported
        // again with the session's next request.
        let knows_session = facts.session.get("session_id").is_some();
        if knows_session || incoming.caller.names_credential() {
            self.log_login(&incoming, &facts, self.now());
        }
        if self.settings().sessions {
            self.name_somebody(&mut facts);
            self.log(Kind::Custom("MCP_SESSION_START".into()), facts);
        }
    }
}
