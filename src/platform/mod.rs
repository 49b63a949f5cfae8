//! Cloudflare's side: entry point, Workers KV, the registry's Durable Object, fetch. The only place that names
//! the `worker` crate.

mod adoption;
mod assertion;
mod authentication;
mod bindings;
mod bridge;
mod call;
mod environment;
mod gate;
mod incoming;
mod limits;
mod log;
mod management;
mod origin;
mod outgoing;
mod panic;
mod registry;
mod registry_client;
mod signing;
mod task;
mod timer;
mod unicode;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response, ResponseInit, console};
use worker::Env;
use worker::worker_sys::Context;

use crate::core::unix_time::UnixSeconds;

/// In a third of the code of the standard library's (2.5 KB compressed), and in constant time.
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Serves a request; entry.js calls this. A response, or the index of the task
/// that will give one.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: Context) -> Result<JsValue, JsValue> {
    task::value_or_task(async move {
        let response = match gate::respond(&request, &env, &context).await {
            Ok(response) => response,
            Err(error) => {
                console::error_1(&error);
                let init = ResponseInit::new();
                init.set_status(500);
                Response::new_with_opt_str_and_init(Some("INTERNAL SERVER ERROR"), &init)?
            }
        };
        Ok(response.into())
    })
}

/// Milliseconds since 1970-01-01T00:00:00Z. Stands still between two I/O operations, as Workers' clocks do.
fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// How long ago that was, in milliseconds.
fn milliseconds_since(then_ms: f64) -> i64 {
    // No request lasts longer than an i64 of milliseconds.
    #[allow(clippy::cast_possible_truncation)]
    let passed = (now_ms() - then_ms) as i64;
    passed
}

/// The same in whole seconds.
fn now() -> UnixSeconds {
    seconds(now_ms())
}

fn seconds(milliseconds: f64) -> UnixSeconds {
    // Milliseconds of this era fit in an f64 and in an i64.
    #[allow(clippy::cast_possible_truncation)]
    UnixSeconds((milliseconds / 1000.0) as i64)
}

/// Fresh random bytes from the platform's generator.
fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
