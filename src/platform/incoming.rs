//! The request as it came: its head for the decision, its body where a route of the gate reads one.

use std::cell::RefCell;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use super::task::wait;
use super::{bridge, random};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

thread_local! {
    /// Random bytes for the ids of requests to come: they have to be different, not secret.
    static IDS: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// Random bytes for an id. The platform is asked once for many: each time costs as much as the hash of a secret.
fn id() -> Result<[u8; 16], getrandom::Error> {
    IDS.with_borrow_mut(|ids| {
        if ids.is_empty() {
            ids.extend(random::<1024>()?.as_chunks().0);
        }
        ids.pop().ok_or(getrandom::Error::UNEXPECTED)
    })
}

/// Reads everything but the body.
pub fn head(request: &Request) -> Result<RequestHead, JsValue> {
    let random = id().map_err(|_| JsValue::from_str("no randomness"))?;
    let head = String::from_utf8(bridge::head(request)).ok();
    head.and_then(|head| RequestHead::parse(&head, random)).ok_or_else(|| JsValue::from_str("no request"))
}

/// Reads a body of at most `max_bytes`, and stops reading where it is longer.
pub async fn body(request: &Request, max_bytes: usize) -> Result<Vec<u8>, Refusal> {
    read(request.body(), max_bytes).await
}

/// Reads a stream of at most `max_bytes`, and stops reading where it is longer. Nothing reads as nothing.
pub async fn read(stream: Option<ReadableStream>, max_bytes: usize) -> Result<Vec<u8>, Refusal> {
    let Some(stream) = stream else {
        return Ok(Vec::new());
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    while let Some(chunk) = read_chunk(&reader).await.map_err(|_| Refusal::BodyUnreadable)? {
        let length = usize::try_from(chunk.length()).unwrap_or(usize::MAX);
        if body.len().saturating_add(length) > max_bytes {
            let _ = wait(reader.cancel()).await;
            return Err(Refusal::BodyTooLarge);
        }
        body.extend(chunk.to_vec());
    }
    Ok(body)
}

async fn read_chunk(reader: &ReadableStreamDefaultReader) -> Result<Option<Uint8Array>, JsValue> {
    let result = wait(reader.read()).await?;
    if Reflect::get(&result, &JsValue::from_str("done"))?.is_truthy() {
        return Ok(None);
    }
    Reflect::get(&result, &JsValue::from_str("value"))?.dyn_into().map(Some)
}
