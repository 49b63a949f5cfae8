//! Responses as they leave: the gate's own, and the origin's with the few fields that the gate changes.

use wasm_bindgen::JsValue;
use web_sys::Response;

use super::bridge::{self, Lines};
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
    fn apply(&self, response: &Response) -> Result<(), JsValue> {
        let headers = response.headers();
        for (name, value) in &self.cors {
            headers.set(name, value)?;
        }
        self.tell_timing(response)
    }

    /// Beside what the origin tells of its own.
    fn tell_timing(&self, response: &Response) -> Result<(), JsValue> {
        self.timing.as_ref().map_or(Ok(()), |timing| response.headers().append(SERVER_TIMING, timing))
    }
}

/// A response of the gate's own.
pub fn own(answer: &Answer, head: &RequestHead, finish: &Finish) -> Result<Response, JsValue> {
    let mut lines = Lines::new("X-Request-Id")?;
    lines.push(&head.request_id)?;
    let json = answer.body.as_ref().map_or(&[][..], |_| &JSON_HEADERS);
    for (name, value) in json {
        if !answer.headers.iter().any(|(other, _)| other == name) {
            lines.push(name)?;
            lines.push(value)?;
        }
    }
    for (name, value) in answer.headers.iter().chain(&finish.cors) {
        lines.push(name)?;
        lines.push(value)?;
    }
    if let Some(timing) = &finish.timing {
        lines.push(SERVER_TIMING)?;
        lines.push(timing)?;
    }
    bridge::respond(answer.status, answer.body.as_deref().filter(|_| head.method != "HEAD"), lines.as_str())
}

/// The registry's response.
pub fn of_registry(response: Response, head: &RequestHead, finish: &Finish) -> Result<Response, JsValue> {
    if finish.cors.is_empty() && finish.timing.is_none() {
        return Ok(response);
    }
    let changed = bridge::identified(&response, &head.request_id)?;
    finish.apply(&changed)?;
    Ok(changed)
}

/// The origin's response: its body untouched, its header fields but for the request id and a `Location` that names
/// the origin. An upgrade, and a status that `Response` does not take, go back as they came.
pub fn of_origin(
    response: Response,
    status: u16,
    configuration: &Configuration,
    head: &RequestHead,
    finish: &Finish,
) -> Result<Response, JsValue> {
    if !(200..=599).contains(&status) {
        return Ok(response);
    }
    let changed = bridge::identified(&response, &head.request_id)?;
    finish.tell_timing(&changed)?;
    if let Target::Url(origin) = &configuration.target
        && let Some(location) = bridge::location(&changed)?
    {
        let gate = configuration.public_url.as_ref().map_or_else(|| head.url.web_origin(), ToString::to_string);
        if let Some(rewritten) = location::rewrite(&location, origin.scheme(), origin, &gate) {
            changed.headers().set("Location", &rewritten)?;
        }
    }
    Ok(changed)
}
