// Puts a counter on everything that crosses between JavaScript and wasm. Imported before the built module, which makes its
// instance as it loads; knows nothing of that module's names.

/** Crossings since the isolate started: calls by name and direction, and the texts that came out of wasm. */
export const counters = { imports: new Map(), exports: new Map(), texts: 0, bytes: 0 };

function counted(calls, name, original) {
  calls.set(name, 0);
  return function (...args) {
    calls.set(name, calls.get(name) + 1);
    return Reflect.apply(original, this, args);
  };
}

function wrapped(calls, values) {
  const wrap = ([name, value]) => [name, typeof value === "function" ? counted(calls, name, value) : value];
  return Object.fromEntries(Object.entries(values).map(wrap));
}

const { Instance } = WebAssembly;

WebAssembly.Instance = class {
  constructor(module, imports) {
    const modules = Object.entries(imports).map(([name, values]) => [name, wrapped(counters.imports, values)]);
    this.exports = wrapped(counters.exports, new Instance(module, Object.fromEntries(modules)).exports);
  }
};

const { decode } = TextDecoder.prototype;

TextDecoder.prototype.decode = function (bytes, ...rest) {
  if (bytes) {
    counters.texts += 1;
    counters.bytes += bytes.byteLength;
  }
  return Reflect.apply(decode, this, [bytes, ...rest]);
};

/** What was counted since an earlier moment, by name where it is more than nothing. */
export function since(earlier) {
  const more = (now, then) => {
    const differences = [...now].map(([name, calls]) => [name, calls - (then.get(name) ?? 0)]);
    return Object.fromEntries(differences.filter(([, calls]) => calls > 0));
  };
  return {
    imports: more(counters.imports, earlier.imports),
    exports: more(counters.exports, earlier.exports),
    texts: counters.texts - earlier.texts,
    bytes: counters.bytes - earlier.bytes,
  };
}

/** This moment. */
export function moment() {
  return { ...counters, imports: new Map(counters.imports), exports: new Map(counters.exports) };
}
