//! Cloudflare's side: entry point, Workers KV, the registry's Durable Object, fetch. The only place that names
//! the `worker` crate.

mod assertion;
mod authentication;
mod bindings;
mod call;
mod environment;
mod gate;
mod incoming;
mod limits;
mod log;
mod management;
mod origin;
mod outgoing;
mod registry;
mod registry_client;
mod signing;
mod unicode;

use worker::{Context, Env, event};

use crate::core::unix_time::UnixSeconds;

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    Ok(gate::respond(&request, &env, &context).await?)
}

/// Milliseconds since 1970-01-01T00:00:00Z. Stands still between two I/O operations, as Workers' clocks do.
fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// The same in whole seconds.
fn now() -> UnixSeconds {
    // Milliseconds of this era fit in an f64 and in an i64.
    #[allow(clippy::cast_possible_truncation)]
    UnixSeconds((now_ms() / 1000.0) as i64)
}

/// Fresh random bytes from the platform's generator.
fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
