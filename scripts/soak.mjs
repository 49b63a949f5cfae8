// `npm run soak`: the long runs that `npm test` leaves out, about four minutes, one after the other. They print what they
// measured, as tables.

import { join } from "node:path";

import { ensureToolchain, ensureTools, root, run } from "./setup.mjs";

ensureToolchain();
ensureTools();
run(process.execPath, [join(root, "scripts", "build.mjs")], "the Worker did not build (see above)");
const soak = ["--ignored", "--nocapture", "--test-threads", "1", "soak::", ...process.argv.slice(2)];
const stdio = ["ignore", "inherit", "inherit"];
run("cargo", ["test", "--locked", "--test", "gate", "--", ...soak], "a long run failed (see above)", { stdio });
