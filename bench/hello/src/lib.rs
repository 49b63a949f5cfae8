//! The smallest Worker that the crate `worker` makes: what the gate's size and start are measured beside.
#![cfg(target_arch = "wasm32")]

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("hello")
}
