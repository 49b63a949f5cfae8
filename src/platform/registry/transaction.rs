//! A synchronous transaction over the registry's SQLite: all of it is committed, or, on an error, nothing.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, State};

#[wasm_bindgen]
extern "C" {
    /// The part of `DurableObjectStorage` that `worker` does not bind.
    type TransactionalStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &TransactionalStorage,
        closure: &mut dyn FnMut() -> std::result::Result<(), JsValue>,
    ) -> std::result::Result<(), JsValue>;
}

/// Runs `change` in one transaction. Nothing else of the object runs meanwhile.
pub fn transaction<T>(state: &State, change: impl FnOnce() -> Result<T>) -> Result<T> {
    let storage = state.storage();
    let storage: &TransactionalStorage = storage.as_raw().unchecked_ref();
    let mut change = Some(change);
    let mut outcome = Err(Error::RustError("the transaction did not run".to_owned()));
    let committed = storage.transaction_sync(&mut || {
        let Some(change) = change.take() else {
            return Ok(());
        };
        outcome = change();
        // Throwing is what rolls it back.
        if outcome.is_ok() { Ok(()) } else { Err(JsValue::from_str("rolled back")) }
    });
    match (outcome, committed) {
        (Ok(_), Err(error)) => Err(error.into()),
        (outcome, _) => outcome,
    }
}
