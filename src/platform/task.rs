//! Futures as promises, all of one type: each type of future brings its own copy of what drives it, 1 KB of code.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use js_sys::futures::future_to_promise;
use wasm_bindgen::JsValue;

type Task = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// A future with code of its own, for what few requests need: in line, it would be compiled for the first request of every
/// isolate.
pub fn apart<'a, T>(future: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(future)
}

/// Runs a future to its end, whoever waits for it.
pub fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let task: Task = Box::pin(future);
    future_to_promise(task)
}

/// The same, but what a future gives without having to wait is given at once: a promise costs more than most refusals.
pub fn value_or_promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Result<JsValue, JsValue> {
    let mut task: Task = Box::pin(future);
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        // Every wait in here takes the waker of whoever asks last, and it is asked again before anything can be ready.
        Poll::Pending => Ok(future_to_promise(task).into()),
    }
}
