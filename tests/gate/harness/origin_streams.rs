//! Answers of the example origin that take their time: large bodies, events, waits; and what became of them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::{Stream, StreamExt};
use tokio::sync::Notify;

use super::pattern::blocks;

/// How many events there are.
pub const EVENTS: u32 = 3;

static STEPS: LazyLock<Mutex<HashMap<String, Arc<Notify>>>> = LazyLock::new(Mutex::default);
static SENT: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);
static EXCHANGES: LazyLock<Mutex<HashMap<String, Exchange>>> = LazyLock::new(Mutex::default);

/// What the origin knows of an exchange that a test gave an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    Begun,
    Complete,
    BrokenOff,
}

/// What became of an exchange, if it reached the origin.
pub fn exchange(id: &str) -> Option<Exchange> {
    EXCHANGES.lock().unwrap().get(id).copied()
}

/// How many bytes of an endless body the origin has handed out.
pub fn sent(id: &str) -> u64 {
    SENT.lock().unwrap().get(id).copied().unwrap_or_default()
}

/// An exchange counts as broken off unless it was completed before its handler or body was dropped.
struct Watch {
    id: String,
    end: Exchange,
}

impl Watch {
    fn begin(id: String) -> Self {
        EXCHANGES.lock().unwrap().insert(id.clone(), Exchange::Begun);
        Self { id, end: Exchange::BrokenOff }
    }

    fn complete(&mut self) {
        self.end = Exchange::Complete;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        EXCHANGES.lock().unwrap().insert(std::mem::take(&mut self.id), self.end);
    }
}

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/pattern/{bytes}", get(pattern))
        .route("/events/{id}", get(events))
        .route("/events/{id}/next", any(next))
        .route("/endless/{id}", get(endless))
        .route("/swallow/{id}", any(swallow))
        .route("/hold/{id}", any(hold))
        .route("/slow/{id}/{milliseconds}", any(slow))
}

fn streamed(stream: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    Body::from_stream(stream.map(Ok::<_, std::io::Error>))
}

/// The pattern in chunks, without its length.
async fn pattern(Path(bytes): Path<u64>) -> Response {
    streamed(futures_util::stream::iter(blocks(bytes).map(Bytes::from))).into_response()
}

/// Server-sent events; each but the first waits until somebody asks for the next.
async fn events(Path(id): Path<String>) -> Response {
    let step = step(&id);
    let events = futures_util::stream::unfold(1, move |number| {
        let step = step.clone();
        async move {
            if number > 1 {
                step.notified().await;
            }
            let event = Bytes::from(format!("id: {number}\ndata: event {number}\n\n"));
            (number <= EVENTS).then_some((event, number + 1))
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], streamed(events)).into_response()
}

async fn next(Path(id): Path<String>) -> Response {
    step(&id).notify_one();
    StatusCode::NO_CONTENT.into_response()
}

fn step(id: &str) -> Arc<Notify> {
    STEPS.lock().unwrap().entry(id.to_owned()).or_default().clone()
}

/// A body that only a client can end.
async fn endless(Path(id): Path<String>) -> Response {
    const CHUNK: &[u8] = &[b'x'; 65536];
    let watch = Watch::begin(id);
    let body = futures_util::stream::unfold(watch, async |watch| {
        *SENT.lock().unwrap().entry(watch.id.clone()).or_default() += CHUNK.len() as u64;
        Some((Bytes::from_static(CHUNK), watch))
    });
    streamed(body).into_response()
}

/// Reads no body before somebody asks for the next step.
async fn hold(Path(id): Path<String>, request: Request) -> Response {
    step(&id).notified().await;
    swallow(Path(id), request).await
}

/// Reads a body to its end, wherever that is.
async fn swallow(Path(id): Path<String>, request: Request) -> Response {
    let mut watch = Watch::begin(id);
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        if chunk.is_err() {
            return StatusCode::BAD_REQUEST.into_response();
        }
    }
    watch.complete();
    StatusCode::NO_CONTENT.into_response()
}

async fn slow(Path((id, milliseconds)): Path<(String, u64)>) -> Response {
    let mut watch = Watch::begin(id);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    watch.complete();
    "at last".into_response()
}
