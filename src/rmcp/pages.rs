//! A listing of tools that an instrumentation asks for itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ::rmcp::model::{PaginatedRequestParams, Tool};
use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use super::recorded_by::RecordedBy;
use crate::base::panics;

/// Most pages that are asked for.
const MAX_PAGES: usize = 32;

/// The pages of a listing in the context of a caller, who may be shown other tools than the next.
pub(super) struct Pages<'a, H> {
    server: &'a H,
    context: RequestContext<RoleServer>,
    page: Option<PaginatedRequestParams>,
    left: usize,
}

/// The server has not shown all its tools: it failed, panicked or has too many pages.
#[derive(Debug)]
pub(super) struct Incomplete;

impl<'a, H: ServerHandler> Pages<'a, H> {
    pub(super) fn new(server: &'a H, context: &RequestContext<RoleServer>) -> Self {
        let mut context = context.clone();
        RecordedBy::note_internal(&mut context);
        Self {
            server,
            context,
            page: None,
            left: MAX_PAGES,
        }
    }

    /// Returns the tools of the next page; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Tool>>, Incomplete> {
        let is_first = self.left == MAX_PAGES;
        if !is_first && self.page.is_none() {
            return Ok(None);
        }
        self.left = self.left.checked_sub(1).ok_or(Incomplete)?;
        let asked = panics::catch(|| {
            self.server
                .list_tools(self.page.take(), self.context.clone())
        });
        let mut lists = pin!(asked.map_err(|panics::Panicked| Incomplete)?);
        // A panic in there must end the listing and not the call.
        let listed = poll_fn(|cx| match panics::catch(|| lists.as_mut().poll(cx)) {
            Ok(Poll::Ready(listed)) => Poll::Ready(listed.map_err(|_| Incomplete)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panics::Panicked) => Poll::Ready(Err(Incomplete)),
        });
        let listed = listed.await?;
        self.page = listed
            .next_cursor
            .map(|next| PaginatedRequestParams::default().with_cursor(Some(next)));
        Ok(Some(listed.tools))
    }
}
