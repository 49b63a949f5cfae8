//! A wait that can be broken off.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use js_sys::Promise;

use super::bridge::{clear, ring};
use super::task::{Wait, wait};

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
    rings: Promise,
    rang: Wait,
}

impl Timer {
    fn new(milliseconds: f64) -> Self {
        let rings = ring(milliseconds);
        Self { rang: wait(rings.clone()), rings }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.rang).poll(context).map(drop)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear(&self.rings);
    }
}
