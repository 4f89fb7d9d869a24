//! What nobody wanted of a request's body.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;

/// Reads to its end, for a while, the body of a request that was answered before: a client that is still writing when the
/// connection closes would not see the answer.
pub(super) async fn discard(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Such a client sends nothing before somebody reads.
    let waits = parts.headers.contains_key(header::EXPECT);
    let ended = body.is_end_stream();
    let body = Shared(Arc::new(Mutex::new(Held { body, begun: false, ended })));
    let response = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
    if response.extensions().get::<StillRead>().is_none() && body.is_left(waits) {
        let rest = async { while poll_fn(|context| body.poll(context)).await.is_some() {} };
        let _ = tokio::time::timeout(TIME, rest).await;
    }
    response
}

/// Says of an answer that it is made while the body still comes.
#[derive(Clone)]
pub(super) struct StillRead;

/// A body that is looked at again after it was given away.
#[derive(Clone)]
struct Shared(Arc<Mutex<Held>>);

struct Held {
    body: Body,
    begun: bool,
    ended: bool,
}

impl Shared {
    fn is_left(&self, waits: bool) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !held.ended && (held.begun || !waits)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.ended {
            return Poll::Ready(None);
        }
        held.begun = true;
        let polled = Pin::new(&mut held.body).poll_frame(context);
        held.ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.poll(context)
    }
}

/// A registry's file of some GB from this machine comes in that time; bounds what a client can make us read for nothing.
const TIME: Duration = Duration::from_secs(10);
