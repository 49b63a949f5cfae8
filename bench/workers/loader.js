// Starts a fresh isolate for each request, which names what is to run in it.

/** The module with a custom section of its own, or V8 would take the code that it has compiled before. */
function unique(wasm) {
  const section = new Uint8Array([0, 17, 0, ...crypto.getRandomValues(new Uint8Array(16))]);
  const bytes = new Uint8Array(wasm.byteLength + section.length);
  bytes.set(new Uint8Array(wasm, 0, 8));
  bytes.set(section, 8);
  bytes.set(new Uint8Array(wasm, 8), 8 + section.length);
  return bytes.buffer;
}

export default {
  fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    const wasm = env[`${name}.wasm`];
    const modules = { "index.js": env[`${name}.js`] };
    if (wasm) modules["index_bg.wasm"] = { wasm: unique(wasm) };
    const code = {
      compatibilityDate: env.COMPATIBILITY_DATE,
      mainModule: "index.js",
      modules,
      env: env.VARIABLES,
      globalOutbound: null,
    };
    return env.LOADER.get(crypto.randomUUID(), () => code).getEntrypoint().fetch(request);
  },
};
