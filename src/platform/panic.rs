//! What happens when the Worker panics, which it must not: the log says where, and entry.js starts the next call with a new
//! instance of wasm.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::console;

#[wasm_bindgen]
extern "C" {
    /// Told to entry.js whenever wasm traps, wherever that is: in a call of its own or in the platform's queue.
    #[wasm_bindgen(js_namespace = gatehouse)]
    fn crashed();
}

#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console::error_1(&JsValue::from_str(&format!("Rust panic: {panic}")))));
    wasm_bindgen::handler::set_on_abort(crashed);
}
