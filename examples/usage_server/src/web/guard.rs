//! What every answer passes: the host that was asked for, and the headers that keep others out.

use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::look::Look;
use super::{Failure, Web};
use crate::page::frame::{Head, Page, bare};
use crate::page::sign_in;
use crate::page::text::Link;

/// No inline code, nothing from elsewhere, no frame around a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (uri, method) = (request.uri().clone(), request.method().clone());
    let headers = request.headers().clone();
    let mut response = match web.site.check_host(&uri, &headers) {
        Ok(()) => next.run(request).await,
        Err(foreign) => {
            let body = html! { h1 { "mcp-usage" } p { (foreign.to_string()) } };
            let page = bare(web.site.base(), "Another server", &body);
            (StatusCode::MISDIRECTED_REQUEST, page).into_response()
        }
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let allow = response.headers_mut().remove(ALLOW);
        response = explain(&web, failure, &uri, &method, &headers).await;
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    }
    let is_https = web.site.is_https(&headers);
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // `no-referrer` would make a form's `Origin` be `null`, which is what tells it from one of another site.
    set(REFERRER_POLICY, "same-origin");
    set(OPENER_POLICY, "same-origin");
    set(RESOURCE_POLICY, "same-origin");
    if is_https {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn explain(
    web: &Web,
    failure: Failure,
    uri: &Uri,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let base = web.site.base();
    match failure {
        Failure::To(address) => match HeaderValue::try_from(address) {
            Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Failure::NoSession => {
            let page = sign_in::no_session(base, &web.site.url());
            (StatusCode::UNAUTHORIZED, page).into_response()
        }
        Failure::Status(status, why) => {
            let title = Failure::title(status);
            let is_page = method == Method::GET && status != StatusCode::SERVICE_UNAVAILABLE;
            let look = match project(base, uri.path()).filter(|_| is_page) {
                Some(project) => Look::of(web, project, headers, uri).await.ok(),
                None => None,
            };
            let page = match look {
                Some(look) => framed(&look, title, why).await,
                None => bare(base, title, &words(title, why, &format!("{base}/"))),
            };
            (status, page).into_response()
        }
    }
}

/// The project that an address is about.
fn project<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    let path = path.strip_prefix(base).unwrap_or(path);
    path.strip_prefix("/p/")?.split('/').next()
}

async fn framed(look: &Look, title: &str, why: Option<&'static str>) -> Markup {
    let frame = look.frame_without_figures(Page::Overview);
    let mut head = Head::new(title, why.unwrap_or_default());
    head.ranged = false;
    let home = frame.link(Page::Overview);
    frame.document(
        &head,
        &html! { p.empty { a href=(home) { "To the overview" } } },
    )
}

fn words(title: &str, why: Option<&str>, home: &str) -> Markup {
    html! {
        h1 { (title) }
        @if let Some(why) = why { p { (why) } }
        p { a href=(Link::new(home)) { "To the overview" } }
    }
}
