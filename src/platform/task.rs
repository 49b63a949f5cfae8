//! Futures as promises, all of one type: each type of future brings its own copy of what drives it, 1 KB of code.

use std::future::Future;
use std::pin::Pin;

use js_sys::Promise;
use js_sys::futures::future_to_promise;
use wasm_bindgen::JsValue;

/// Runs a future to its end, whoever waits for it.
pub fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let future: Pin<Box<dyn Future<Output = _>>> = Box::pin(future);
    future_to_promise(future)
}
