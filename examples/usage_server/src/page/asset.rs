//! The files that pages need, within the program.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::text::Link;

#[derive(Debug)]
pub struct Asset {
    pub name: &'static str,
    pub kind: &'static str,
    pub text: &'static str,
    /// Changes with the text.
    pub version: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        of(
            "style.css",
            "text/css; charset=utf-8",
            include_str!("../../assets/style.css"),
        ),
        of(
            "app.js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/app.js"),
        ),
        of(
            "icon.svg",
            "image/svg+xml",
            include_str!("../../assets/icon.svg"),
        ),
    ]
});

fn of(name: &'static str, kind: &'static str, text: &'static str) -> Asset {
    let hash = Sha256::digest(text.as_bytes());
    let version = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
    Asset {
        name,
        kind,
        text,
        version: version.collect(),
    }
}

pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Where a file is. The address has its version, so that a browser can keep it for good.
pub(super) fn address(base: &str, name: &str) -> Link {
    let link = Link::new(format!("{base}/assets/{name}"));
    link.with_some("v", find(name).map(|asset| &asset.version))
}
