//! A wait that can be broken off.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// How long a request waits for KV, in milliseconds: longer than it takes when it is slow, and shorter than clients wait.
pub const PATIENCE_MS: f64 = 10_000.0;

/// What a future gives within so many milliseconds. One that takes longer can be waited for again.
pub async fn within<F: Future + Unpin>(milliseconds: f64, future: &mut F) -> Option<F::Output> {
    let mut timer = Timer::new(milliseconds);
    poll_fn(|context| match Pin::new(&mut *future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut timer).poll(context).map(|()| None),
    })
    .await
}

/// Done after so many milliseconds. Nothing is left of it when it goes earlier.
struct Timer {
    rings: JsFuture,
    resolve: Option<Function>,
    timer: JsValue,
}

impl Timer {
    fn new(milliseconds: f64) -> Self {
        let (mut resolve, mut timer) = (None, JsValue::UNDEFINED);
        let rings = Promise::new(&mut |done, _| {
            timer = set_timeout(&done, milliseconds);
            resolve = Some(done);
        });
        Self { rings: rings.into(), resolve, timer }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.rings).poll(context).map(drop)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.timer);
        // A promise that is never settled would keep what waits for it.
        let _ = self.resolve.take().map(|resolve| resolve.call0(&JsValue::UNDEFINED));
    }
}
