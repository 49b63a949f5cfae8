//! Responses as they leave: the gate's own, and the origin's with the few fields that the gate changes.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Response, ResponseInit};

use crate::http::answer::{Answer, JSON_HEADERS};
use crate::http::configuration::{Configuration, Target};
use crate::http::location;
use crate::http::request_head::RequestHead;

/// A response of the gate's own.
pub fn own(answer: &Answer, head: &RequestHead) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("X-Request-Id", &head.request_id)?;
    if answer.body.is_some() {
        for (name, value) in JSON_HEADERS {
            headers.set(name, value)?;
        }
    }
    for (name, value) in &answer.headers {
        headers.set(name, value)?;
    }
    let init = ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    let body = answer.body.as_deref().filter(|_| head.method != "HEAD");
    Response::new_with_opt_str_and_init(body, &init)
}

/// The origin's response: its body untouched, its header fields but for the request id and a `Location` that names
/// the origin. What cannot be rebuilt (an upgrade, a status that `Response` does not take) goes back as it came.
pub fn of_origin(response: Response, configuration: &Configuration, head: &RequestHead) -> Result<Response, JsValue> {
    if !(200..=599).contains(&response.status()) {
        return Ok(response);
    }
    // The Response itself is its init: status, status text and every header field, Set-Cookie by Set-Cookie.
    let init: &ResponseInit = response.unchecked_ref();
    let changed = Response::new_with_opt_readable_stream_and_init(response.body().as_ref(), init)?;
    let headers = changed.headers();
    headers.set("X-Request-Id", &head.request_id)?;
    if let Target::Url(origin) = &configuration.target
        && let Some(location) = headers.get("Location")?
    {
        let gate = configuration.public_url.as_ref().map_or_else(|| head.url.web_origin(), ToString::to_string);
        if let Some(rewritten) = location::rewrite(&location, origin.scheme(), origin, &gate) {
            headers.set("Location", &rewritten)?;
        }
    }
    Ok(changed)
}
