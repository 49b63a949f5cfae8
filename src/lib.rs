//! Gatehouse: a Cloudflare Worker that authenticates API requests at the edge and proxies what is authorised
//! to an origin.
//!
//! Three layers, each knowing only the ones below it:
//!
//! - `platform` (wasm32 only): entry point, Workers KV, the registry's Durable Object, fetch. The one place that
//!   names the `worker` crate.
//! - [`http`]: routes, error → response, header rules; plain data in, plain data out.
//! - [`core`]: credentials, grants, access rules, the registry's rules; no I/O, no clock, no randomness.
//!
//! A request flows one way: `Authorization` value → credentials → digest → grant → principal → decision → forward.

// A panic in the Worker kills every request of its isolate, so nothing that could panic is let in.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]
#![deny(clippy::wildcard_enum_match_arm, clippy::await_holding_refcell_ref, clippy::dbg_macro)]

pub mod core;
pub mod http;
#[cfg(target_arch = "wasm32")]
mod platform;
