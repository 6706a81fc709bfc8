//! What a page says where there is nothing to show, and where to go from there.

use serde::Serialize;

use crate::report::Footer;

/// What is to be said where there is nothing to show.
#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub headline: &'static str,
    pub text: String,
    /// Where to go on from here.
    pub link: Link,
    pub imprint: Footer,
}

#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub href: &'static str,
    pub label: &'static str,
}
