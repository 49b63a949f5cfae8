//! A proxy that nobody notices.

mod failures;
mod headers;
mod responses;
mod streaming;
mod targets;
