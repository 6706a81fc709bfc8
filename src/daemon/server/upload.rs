//! A change file that a page sends to be looked at: the one request with a body.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};

use crate::daemon::pages::address::query_value;
use crate::daemon::pages::preview::{MOST_BYTES, PickedFile};
use crate::text::clean::clean;

/// Where it is sent to.
pub(super) const PATH: &str = "/changes/plan";
/// A browser asks before it sends this type to another site than the page's own, and is refused: nobody else's page can send one.
const TYPE: &str = "text/csv";

/// Why a file is not looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefusedUpload {
    #[error("Send the change file itself, as text/csv.")]
    AnotherType,
    #[error("The file has more than {MOST_BYTES} bytes: run `quotakeeper plan FILE` where quotakeeper runs.")]
    TooLarge,
    #[error("The file did not arrive whole: send it again.")]
    Cut,
    #[error("Others send files too, and this one took the longest: send it again.")]
    TooSlow,
    #[error("Other files are being checked: try again in a moment.")]
    TooMany,
}

impl RefusedUpload {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::AnotherType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Cut => StatusCode::BAD_REQUEST,
            Self::TooSlow | Self::TooMany => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Reads it up to its limit; the query has its name.
pub(super) async fn read<B>(request: Request<B>) -> Result<PickedFile, RefusedUpload>
where
    B: Body<Data = Bytes> + Unpin,
{
    if request.headers().get(CONTENT_TYPE).is_none_or(|given| given != TYPE) {
        return Err(RefusedUpload::AnotherType);
    }
    if request.body().size_hint().lower() > MOST_BYTES as u64 {
        return Err(RefusedUpload::TooLarge); // by what it says of itself
    }
    let name = request.uri().query().and_then(|query| query_value(query, "name"));
    let name = name.filter(|name| !clean(name, 60).is_empty()); // a headline begins with it
    let (mut body, mut bytes) = (request.into_body(), Vec::new());
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| RefusedUpload::Cut)?.into_data() else { continue };
        if bytes.len() + data.len() > MOST_BYTES {
            return Err(RefusedUpload::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(PickedFile { name: name.unwrap_or_else(|| "file.csv".to_owned()), bytes })
}
