//! Responses as they leave: the gate's own, and the origin's with the few fields that the gate changes.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Response, ResponseInit};

use crate::http::answer::{Answer, JSON_HEADERS};
use crate::http::configuration::{Configuration, Target};
use crate::http::location;
use crate::http::request_head::RequestHead;

/// Server Timing §3.
const SERVER_TIMING: &str = "Server-Timing";

/// Header fields that responses carry besides their own.
#[derive(Default)]
pub struct Finish {
    /// For pages of other web origins, on the gate's own answers.
    pub cors: Vec<(&'static str, String)>,
    /// `Server-Timing`.
    pub timing: Option<String>,
}

impl Finish {
    fn apply(&self, headers: &Headers) -> Result<(), JsValue> {
        for (name, value) in &self.cors {
            headers.set(name, value)?;
        }
        self.tell_timing(headers)
    }

    /// Beside what the origin tells of its own.
    fn tell_timing(&self, headers: &Headers) -> Result<(), JsValue> {
        self.timing.as_ref().map_or(Ok(()), |timing| headers.append(SERVER_TIMING, timing))
    }
}

/// A response of the gate's own.
pub fn own(answer: &Answer, head: &RequestHead, finish: &Finish) -> Result<Response, JsValue> {
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
    finish.apply(&headers)?;
    let init = ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    let body = answer.body.as_deref().filter(|_| head.method != "HEAD");
    Response::new_with_opt_str_and_init(body, &init)
}

/// The registry's response.
pub fn of_registry(response: Response, finish: &Finish) -> Result<Response, JsValue> {
    if finish.cors.is_empty() && finish.timing.is_none() {
        return Ok(response);
    }
    let changed = copy(&response)?;
    finish.apply(&changed.headers())?;
    Ok(changed)
}

/// The response with header fields that can be changed.
fn copy(response: &Response) -> Result<Response, JsValue> {
    // The Response itself is its init: status, status text and every header field, Set-Cookie by Set-Cookie.
    let init: &ResponseInit = response.unchecked_ref();
    let body = response.body();
    Response::new_with_opt_readable_stream_and_init(body.as_ref(), init).or_else(|_| {
        // A status text that HTTP takes and `Response` does not.
        let init = ResponseInit::new();
        init.set_status(response.status());
        init.set_headers(&response.headers());
        Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)
    })
}

/// The origin's response: its body untouched, its header fields but for the request id and a `Location` that names
/// the origin. An upgrade, and a status that `Response` does not take, go back as they came.
pub fn of_origin(
    response: Response,
    configuration: &Configuration,
    head: &RequestHead,
    finish: &Finish,
) -> Result<Response, JsValue> {
    if !(200..=599).contains(&response.status()) {
        return Ok(response);
    }
    let changed = copy(&response)?;
    let headers = changed.headers();
    headers.set("X-Request-Id", &head.request_id)?;
    finish.tell_timing(&headers)?;
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
