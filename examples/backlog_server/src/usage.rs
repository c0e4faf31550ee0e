//! Who uses the server, and how: what goes into the usage events.
//!
//! The endpoint's calls are captured by `usage.instrument` in `mcp`; it takes who
//! called from the [`Caller`] that the door puts into a request's extensions, and the step that
//! refused from [`CallMeta`](mcp_usage::rmcp::CallMeta). Here is what they hold, and what happens
//! before a request gets as far as that.

mod timeline;

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use mcp_usage::{
    AuthRejected, AuthRejection, Builder, Caller, Custom, Identity, Session, UsageLogger,
};

use crate::store::grants::{ClientName, Grant};
use crate::store::users::Plan;
use crate::store::{Store, StoreError};

pub use timeline::line;

/// The settings of the logger that are the server's own; where it sends to is for `main` to say.
pub fn settings() -> Builder {
    UsageLogger::builder().product_id("backlog")
}

/// Returns the caller of a grant. The grant is the credential: a refreshed token is no new login.
///
/// # Errors
///
/// The database's.
pub async fn caller(store: &Store, grant: &Grant) -> Result<Caller, StoreError> {
    let (user_id, project_id) = (grant.user_id.clone(), grant.project_id.clone());
    let (email, plan) = store
        .run(move |db| {
            let found: (String, Plan) = db
                .prepare_cached(
                    "SELECT u.email, o.plan FROM users u, projects p JOIN users o ON o.id = p.owner_id
                     WHERE u.id = ?1 AND p.id = ?2",
                )?
                .query_row([user_id, project_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(found)
        })
        .await?;
    let caller = Caller::new(Identity::email(email))
        .credential(&grant.id)
        .oauth_client_id(&grant.client_id)
        .meta("project", grant.project_id.as_str())
        .meta("plan", plan.as_str());
    Ok(match &grant.client {
        Some(client) => caller
            .client_name(&client.name)
            .client_version(&client.version),
        None => caller,
    })
}

/// A refused login: of a person, of a client that wants a token, or of a token.
#[derive(Debug)]
#[must_use = "nothing is reported before `report`"]
pub struct Login<'a> {
    reason: AuthRejection,
    step: &'static str,
    project: Option<&'a str>,
    identity: Option<&'a Identity<'static>>,
    client: Option<&'a ClientName>,
}

impl<'a> Login<'a> {
    /// Begins the report: the class of reason, and the step that refused, such as `grant:reused`.
    pub const fn refused(reason: AuthRejection, step: &'static str) -> Self {
        Self {
            reason,
            step,
            project: None,
            identity: None,
            client: None,
        }
    }

    /// Sets the project, where it is known.
    pub const fn project(mut self, id: &'a str) -> Self {
        self.project = Some(id);
        self
    }

    /// Sets whom the credential names, where that may be believed.
    pub const fn by(mut self, identity: Option<&'a Identity<'static>>) -> Self {
        self.identity = identity;
        self
    }

    /// Sets what the program calls itself, where that is known.
    pub const fn client(mut self, client: Option<&'a ClientName>) -> Self {
        self.client = client;
        self
    }

    pub fn report(self, usage: &UsageLogger, headers: &HeaderMap) {
        let mut event = AuthRejected::new(self.reason).meta("refused", &self.step);
        if let Some(project) = &self.project {
            event = event.meta("project", project);
        }
        if let Some(identity) = self.identity {
            event = event.identity(identity);
        }
        if let Some(client) = self.client {
            event = event.session(session_of(client));
        }
        if let Some(agent) = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
        {
            event = event.user_agent(agent);
        }
        usage.log_usage(event);
    }
}

/// Reports a request that was refused before a tool ran. `by`: the caller and the grant, if they are known.
pub fn refused(usage: &UsageLogger, by: Option<(&Caller, &Grant)>, step: &'static str) {
    let event = Custom::new("MCP_REQUEST_REFUSED").meta("refused", &step);
    let Some((caller, grant)) = by else {
        usage.log_usage(event.identity(Identity::anonymous()));
        return;
    };
    let event = event
        .identity(caller.identity())
        .meta("project", &grant.project_id);
    usage.log_usage(match &grant.client {
        Some(client) => event.session(session_of(client)),
        None => event,
    });
}

fn session_of(client: &ClientName) -> Session<'_> {
    Session::new()
        .client_name(&client.name)
        .client_version(&client.version)
}
