//! The one fetch of a proxied request. Its body never passes through wasm.

use std::pin::pin;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, AbortSignal, Request, Response};

use super::bindings::{Fetcher, global, origin_service};
use super::bridge::{self, Lines};
use super::call::Call;
use super::task::{apart, wait};
use super::timer::within;
use super::{log, milliseconds_since};
use crate::http::configuration::Target;
use crate::http::forward::{Forward, Identity, plan};
use crate::http::refusal::Refusal;

/// Sends the request on and gives back what the origin said.
pub async fn forward(call: &Call<'_>, request: &Request, identity: Option<&Identity>) -> Result<Response, Refusal> {
    let plan = plan(&call.gate.configuration, call.head, identity);
    let fetcher = fetcher(call)?;
    if call.gate.configuration.debug_timing {
        call.gate_milliseconds.set(Some(milliseconds_since(call.arrived_ms)));
    }
    let answer = match call.gate.configuration.origin_timeout_seconds {
        None => send(&fetcher, request, &plan, None).await,
        Some(seconds) => apart(in_time(seconds, &fetcher, request, &plan)).await?,
    };
    answer.map_err(|error| {
        log::failure("origin", call.head, &error);
        Refusal::OriginUnreachable
    })
}

/// What reaches the origin.
pub fn fetcher(call: &Call<'_>) -> Result<Fetcher, Refusal> {
    match call.gate.configuration.target {
        Target::Service => origin_service(call.env).map_err(|_| Refusal::Internal("ORIGIN_SERVICE is gone")),
        Target::Url(_) | Target::Zone => Ok(global()),
    }
}

/// What the origin said, unless it takes too long: then the fetch is given up. The timer ends with the wait, so that
/// it never cuts off a body or a WebSocket.
async fn in_time(
    seconds: u32,
    fetcher: &Fetcher,
    request: &Request,
    plan: &Forward<'_>,
) -> Result<Result<Response, JsValue>, Refusal> {
    let controller = AbortController::new().map_err(|_| Refusal::Internal("no AbortController"))?;
    let signal = controller.signal();
    let mut fetch = pin!(send(fetcher, request, plan, Some(&signal)));
    let answer = within(f64::from(seconds) * 1000.0, &mut fetch).await;
    answer.ok_or_else(|| {
        controller.abort();
        Refusal::OriginTimeout
    })
}

/// Fetches the request with another address and other header fields. Any failure here is a refusal: what could not be
/// removed must not go on.
pub async fn send(
    fetcher: &Fetcher,
    request: &Request,
    plan: &Forward<'_>,
    signal: Option<&AbortSignal>,
) -> Result<Response, JsValue> {
    let mut lines = Lines::new(&plan.url)?;
    lines.push(&plan.remove.join(","))?;
    for (name, value) in &plan.set {
        lines.push(name)?;
        lines.push(value)?;
    }
    // What JavaScript says of it may hold the query.
    let answer =
        bridge::forward(fetcher, request, lines.as_str(), signal).map_err(|_| "the request could not be rebuilt")?;
    Ok(wait(answer).await?.unchecked_into())
}
