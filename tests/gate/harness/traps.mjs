// Makes the built wasm panic or trap where a test says. The Worker is as built: what it imports from JavaScript gives it,
// once, a length that no memory holds, at which Rust panics; or asks it for more memory than there is, at which it aborts.
// It is evaluated before index.js, which starts wasm as it is read.

const { Instance } = WebAssembly;
let armed = false;
let exports;

/** The next length that wasm asks for makes it panic: "capacity overflow". */
export function panicAtTheNextLength() {
  armed = true;
}

/** Traps, in the midst of whatever wasm was doing when it called JavaScript: no code of wasm runs on the way out. */
export function trap() {
  exports.__wbindgen_malloc(2 ** 31, 1);
}

function watched(name, read) {
  if (!name.startsWith("__wbg_length_")) return read;
  return (value) => {
    if (!armed) return read(value);
    armed = false;
    return 0xffffffff;
  };
}

WebAssembly.Instance = function (module, imports) {
  const modules = Object.entries(imports).map(([from, values]) => {
    return [from, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, watched(name, value)]))];
  });
  const instance = new Instance(module, Object.fromEntries(modules));
  exports = instance.exports;
  return instance;
};
