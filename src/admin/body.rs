//! Reading request bodies within limits of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::Problem;

/// The JSON value of a body; `None` when the body is empty.
pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<Option<T>, Problem> {
    let bytes = whole(body, SIZE, TIME).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    // First the form of the whole, so that its mistakes are not mistaken for those of a value before them.
    serde_json::from_slice::<IgnoredAny>(&bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    // A list of values would be taken for the members in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::unprocessable("the body must be a JSON object"));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Problem::unprocessable(error.to_string()))
}

/// A body of at most `size` bytes that comes within `time`.
pub(super) async fn whole(body: Body, size: usize, time: Duration) -> Result<Vec<u8>, Problem> {
    tokio::time::timeout(time, read(body, size))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?
}

async fn read(mut body: Body, size: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body ended too soon"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > size {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have {size} bytes")));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// The largest sensible body explains a call with all its headers, which fit into a SIP message of 64 kB.
const SIZE: usize = 65_536;

/// Ample for [`SIZE`] bytes over a poor line; bounds how long a silent client holds a connection.
const TIME: Duration = Duration::from_secs(10);
