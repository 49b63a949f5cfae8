//! The request as it came: its head for the decision, its body where a route of the gate reads one.

use js_sys::futures::JsFuture;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use super::random;
use crate::http::refusal::Refusal;
use crate::http::request_head::{RequestHead, RequestUrl, request_id};

/// Reads everything but the body.
pub fn head(request: &Request) -> Result<RequestHead, JsValue> {
    let headers = request.headers();
    // One crossing for all names instead of one each.
    let names: String = Array::from(&headers.keys()).join("\n").into();
    let header_names: Vec<String> = names.split('\n').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let field = |name: &str| {
        if header_names.iter().any(|known| known == name) { headers.get(name) } else { Ok(None) }
    };
    let random = random().map_err(|_| JsValue::from_str("no randomness"))?;
    Ok(RequestHead {
        method: request.method(),
        url: RequestUrl::parse(&request.url()).ok_or_else(|| JsValue::from_str("no URL"))?,
        authorization: field("authorization")?,
        connection: field("connection")?,
        cookie: field("cookie")?,
        origin: field("origin")?,
        requested_headers: field("access-control-request-headers")?,
        sec_fetch_site: field("sec-fetch-site")?,
        sec_fetch_mode: field("sec-fetch-mode")?,
        client_address: field("cf-connecting-ip")?,
        request_id: request_id(field("x-request-id")?, random),
        header_names,
    })
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
