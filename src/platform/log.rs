//! Structured log lines: JSON, one a line; never a secret, a digest or a query string.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::bindings::write_data_point;
use crate::core::json::{object, written};
use crate::http::record::Record;
use crate::http::request_head::RequestHead;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = log)]
    fn console_log(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(line: &str);
}

/// A request is decided: a line in the log, and a data point where `USAGE` is bound.
pub fn decision(env: &Env, has_usage: bool, record: &Record) {
    let line = record.line();
    if record.is_alarming {
        console_error(&line)
    } else {
        console_log(&line)
    }
    if has_usage && let Err(error) = write_data_point(env, record.index(), &record.blobs(), &record.doubles()) {
        failed("USAGE", Some(record.request_id), &error);
    }
}

/// Something that the gate depends on failed.
pub fn failure(dependency: &str, head: &RequestHead, error: &JsValue) {
    failed(dependency, Some(&head.request_id), error);
}

/// Something failed that no single request asked for.
pub fn background_failure(dependency: &str, error: &JsValue) {
    failed(dependency, None, error);
}

fn failed(dependency: &str, request_id: Option<&str>, error: &JsValue) {
    let line = object! {
        "outcome": "failed",
        "dependency": dependency,
        "error": text(error),
        "request_id": request_id,
    };
    console_error(&written(&line));
}

/// What JavaScript says of an error.
pub fn text(error: &JsValue) -> String {
    js_sys::Object::from(error.clone()).to_string().into()
}
