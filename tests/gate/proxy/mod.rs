//! A proxy that nobody notices.

mod failures;
mod headers;
#[cfg(target_os = "linux")]
mod memory;
mod responses;
mod streaming;
mod targets;
