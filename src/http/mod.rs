//! HTTP as the gate speaks it: routes, error → response, header rules. Plain data in, plain data out.

pub mod access;
pub mod answer;
pub mod configuration;
pub mod cors;
pub mod cross_site;
pub mod forward;
pub mod frappe;
pub mod import;
pub mod location;
pub mod management;
pub mod openapi;
pub mod page;
pub mod parameters;
pub mod record;
pub mod refusal;
pub mod request_head;
pub mod resource;
pub mod variables;
pub mod web_origin;
