//! The request as it came: its head for the decision, its body where a route of the gate reads one.

use js_sys::futures::JsFuture;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use super::{bridge, random};
use crate::http::refusal::Refusal;
use crate::http::request_head::RequestHead;

/// Reads everything but the body.
pub fn head(request: &Request) -> Result<RequestHead, JsValue> {
    let random = random().map_err(|_| JsValue::from_str("no randomness"))?;
    RequestHead::parse(&bridge::head(request), random).ok_or_else(|| JsValue::from_str("no request"))
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
            let _ = JsFuture::from(reader.cancel()).await;
            return Err(Refusal::BodyTooLarge);
        }
        body.extend(chunk.to_vec());
    }
    Ok(body)
}

async fn read_chunk(reader: &ReadableStreamDefaultReader) -> Result<Option<Uint8Array>, JsValue> {
    let result = JsFuture::from(reader.read()).await?;
    if Reflect::get(&result, &JsValue::from_str("done"))?.is_truthy() {
        return Ok(None);
    }
    Reflect::get(&result, &JsValue::from_str("value"))?.dyn_into().map(Some)
}
