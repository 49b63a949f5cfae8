//! Black-box tests: the built Worker on workerd, with real KV and a real Durable Object, a real origin, real clients.
//!
//! They need `npm run build` first; `npm test` does everything.

mod adoption;
mod anonymous;
mod assertion;
mod audit;
mod authorization;
mod clients;
mod command;
mod concurrency;
mod configuration;
mod confusion;
mod cross_site;
mod examples;
mod faults;
mod frappe_app;
mod frappe_origin;
mod frappe_site;
mod generate_keys;
mod harness;
mod health;
mod kv;
mod kv_faults;
mod kv_reads;
mod life_of_a_key;
mod limits_of_a_key;
mod log;
mod logged_user;
mod migrations;
mod observe;
mod openapi;
mod paths;
mod proxy;
mod rate_limits;
mod registry;
mod registry_model;
mod replaced_secrets;
mod scale;
mod soak;
mod timing;
mod transfer;
mod users;
mod websocket;
