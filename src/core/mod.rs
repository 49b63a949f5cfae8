//! The rules of the gate, pure: no I/O, no clock (`now` comes in), no randomness (bytes come in), no platform.

pub mod access_rule;
pub mod adoption;
pub mod assertion;
pub mod authorization;
pub mod client_address;
pub mod credentials;
pub mod digest;
pub mod failures;
pub mod fields;
pub mod grant;
pub mod grant_cache;
pub mod json;
pub mod path;
pub mod pepper;
pub mod principal;
pub mod registry;
pub mod role;
pub mod signing_key;
pub mod unix_time;
pub mod usage;
pub mod user_name;
pub mod windows;
