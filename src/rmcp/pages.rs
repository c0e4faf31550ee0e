//! A listing of tools that an instrumentation asks for itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ::rmcp::model::{PaginatedRequestParams, Tool};
use ::rmcp::service::RequestContext;
use ::rmcp::{RoleServer, ServerHandler};

use super::recorded_by::RecordedBy;
use crate::base::panics;

/// The most pages that are requested: only a listing without end has more. A tool of a later page
/// would receive the argument that a listing has added.
const MAX_PAGES: usize = 10_000;

/// The pages of a listing in the context of a caller, who may be shown other tools than the next.
pub(super) struct Pages<'a, H> {
    server: &'a H,
    context: RequestContext<RoleServer>,
    page: Option<PaginatedRequestParams>,
    left: usize,
    cursors: Cursors,
}

/// The server has not listed all its tools: it failed, panicked or never ended.
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
            cursors: Cursors::default(),
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
        if let Some(next) = &listed.next_cursor
            && self.cursors.comes_again(next)
        {
            return Err(Incomplete);
        }
        self.page = listed
            .next_cursor
            .map(|next| PaginatedRequestParams::default().with_cursor(Some(next)));
        Ok(Some(listed.tools))
    }
}

/// Finds a cursor that comes again, with the memory of one (Brent's algorithm): the one kept is the last whose number
/// was a power of two.
#[derive(Debug, Default)]
struct Cursors {
    kept: Option<String>,
    seen: usize,
}

impl Cursors {
    /// Whether the listing goes in circles: a repeated cursor would repeat all that follows it.
    fn comes_again(&mut self, cursor: &str) -> bool {
        if self.kept.as_deref() == Some(cursor) {
            return true;
        }
        self.seen += 1;
        if self.seen.is_power_of_two() {
            self.kept = Some(cursor.to_owned());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_wherever_it_begins_and_however_long_it_is() {
        for (start, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (100, 33)] {
            let mut cursors = Cursors::default();
            let mut pages = (0..).map(|n: usize| {
                if n < start {
                    n
                } else {
                    start + (n - start) % length
                }
            });
            let found = pages.position(|page| cursors.comes_again(&page.to_string()));
            assert!(found.unwrap() <= 3 * (start + length), "{start}, {length}");
        }
    }

    #[test]
    fn a_listing_without_a_circle_has_none() {
        let mut cursors = Cursors::default();
        assert!((0..MAX_PAGES).all(|page| !cursors.comes_again(&page.to_string())));
    }
}
