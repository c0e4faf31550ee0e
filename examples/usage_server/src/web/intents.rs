//! What people wanted, and the button that groups it anew.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use maud::Markup;

use super::{Change, Failure, Look, Web};
use crate::intents::rebuild;
use crate::page;
use crate::page::frame::Page;
use crate::query;

pub(super) fn routes() -> Router<Web> {
    Router::new().route("/p/{project}/intents", get(show).post(group_anew))
}

async fn show(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Intents).await?;
    let (project, period) = (look.project.id, look.period);
    let cluster = look
        .asked("cluster")
        .and_then(|cluster| cluster.parse().ok());
    let data = look
        .part(move |db| query::intents::intents(db, project, &period, cluster))
        .await?;
    Ok(page::intents::intents(&frame, data.as_ref(), cluster))
}

async fn group_anew(change: Change) -> Result<Markup, Failure> {
    let look = &change.look;
    let app = &look.web.app;
    match rebuild(&app.store, look.project.id, app.now_ms()).await {
        Ok(_) => Err(Failure::To(
            look.frame_without_figures(Page::Intents)
                .link(Page::Intents)
                .to_string(),
        )),
        Err(error) => {
            tracing::error!(%error, "intents stay grouped as they were");
            Err(Failure::because(
                StatusCode::SERVICE_UNAVAILABLE,
                "Intents could not be grouped anew.",
            ))
        }
    }
}
