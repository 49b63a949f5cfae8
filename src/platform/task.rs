//! Futures as promises, and promises as futures: what entry.js calls tasks.
//!
//! A task is a future that waits for promises. Once one of them is settled, entry.js has the whole task polled, with what came
//! of it: two calls for each wait, where an executor with wakers takes ten, and one type of future, for each brings its own
//! copy of what drives it. So everything that waits for several promises polls all of them.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use slab::Slab;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Has the task that is running polled once a promise is settled.
    #[wasm_bindgen(js_namespace = gatehouse, js_name = wait)]
    fn tell_when_settled(promise: &Promise, number: u32);

    /// Runs a task, and promises what it gives.
    #[wasm_bindgen(js_namespace = gatehouse)]
    fn spawn(index: u32) -> Promise;
}

type Settled = Result<JsValue, JsValue>;

struct Task {
    number: u32,
    future: Pin<Box<dyn Future<Output = Settled>>>,
}

/// What came of a promise, on its way to the wait of this number.
struct Arrival {
    number: u32,
    settled: Settled,
}

thread_local! {
    /// Tasks that wait. Whichever is running has been taken out.
    static TASKS: RefCell<Slab<Option<Task>>> = const { RefCell::new(Slab::new()) };
    static RUNNING: Cell<u32> = const { Cell::new(0) };
    static ARRIVAL: Cell<Option<Arrival>> = const { Cell::new(None) };
    static LAST_NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// A number that nothing else has; 0 is nothing's.
fn number() -> u32 {
    let number = LAST_NUMBER.get().checked_add(1).unwrap_or(1);
    LAST_NUMBER.set(number);
    number
}

impl Task {
    fn new(future: impl Future<Output = Settled> + 'static) -> Self {
        Self { number: number(), future: Box::pin(future) }
    }

    /// Goes on as far as it can. One task may start another, which then runs within it.
    fn run(&mut self, arrival: Option<Arrival>) -> Poll<Settled> {
        let outer = (RUNNING.replace(self.number), ARRIVAL.replace(arrival));
        let polled = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        RUNNING.set(outer.0);
        ARRIVAL.set(outer.1);
        polled
    }

    /// Puts it where `resume` finds it.
    fn keep(self) -> u32 {
        let index = TASKS.with_borrow_mut(|tasks| tasks.insert(Some(self)));
        // An isolate has not the memory for more than a u32 of tasks.
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

/// A future with code of its own, for what few requests need: in line, it would be compiled for the first request of every
/// isolate.
pub fn apart<'a, T>(future: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(future)
}

/// Runs a future to its end, whoever waits for it.
pub fn promise(future: impl Future<Output = Settled> + 'static) -> Promise {
    spawn(Task::new(future).keep())
}

/// What a future gives without having to wait, or the index of a task, for entry.js to promise what it gives.
pub fn value_or_task(future: impl Future<Output = Settled> + 'static) -> Settled {
    let mut task = Task::new(future);
    match task.run(None) {
        Poll::Ready(settled) => settled,
        Poll::Pending => Ok(task.keep().into()),
    }
}

/// Goes on with a task, which waited for the promise of this number; entry.js calls it. Null while it waits for more.
#[wasm_bindgen]
pub fn resume(index: u32, number: u32, value: JsValue, is_fulfilled: bool) -> Settled {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let found = TASKS.with_borrow_mut(|tasks| tasks.get_mut(index).and_then(Option::take));
    let mut task = found.ok_or("no such task")?;
    let settled = if is_fulfilled { Ok(value) } else { Err(value) };
    let polled = task.run(Some(Arrival { number, settled }));
    TASKS.with_borrow_mut(|tasks| match polled {
        Poll::Ready(settled) => {
            tasks.try_remove(index);
            settled
        }
        Poll::Pending => {
            if let Some(place) = tasks.get_mut(index) {
                *place = Some(task);
            }
            Ok(JsValue::NULL)
        }
    })
}

/// Drops a task that nothing will ever go on with: the platform has ended its request. entry.js calls it.
#[wasm_bindgen]
pub fn abandon(index: u32) {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let abandoned = TASKS.with_borrow_mut(|tasks| tasks.try_remove(index));
    // Outside of the borrow: what goes with it may start a task.
    drop(abandoned);
}

/// What a promise gives.
pub struct Wait {
    promise: Promise,
    /// The task that is told, and by what number.
    told: (u32, u32),
}

/// Waits for a promise, from the first poll on.
pub fn wait(promise: Promise) -> Wait {
    Wait { promise, told: (0, 0) }
}

impl Future for Wait {
    type Output = Settled;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Settled> {
        let (task, number) = self.told;
        // The first time, or in another task than before.
        if task != RUNNING.get() {
            self.told = (RUNNING.get(), self::number());
            tell_when_settled(&self.promise, self.told.1);
            return Poll::Pending;
        }
        match ARRIVAL.take() {
            Some(arrival) if arrival.number == number => Poll::Ready(arrival.settled),
            other => {
                ARRIVAL.set(other);
                Poll::Pending
            }
        }
    }
}
