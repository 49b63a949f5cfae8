// `npm run fuzz -- [target] [seconds]`: random inputs, led by what of the code they reach, until one breaks a property.
//
// `cargo fuzz run -s none <target>` does the same for whoever has it; here the compiler's own instrumentation is asked for
// by hand, because that needs no tool but the stable toolchain. FUZZ_SEED=<number> takes another way; COLLECT=1 keeps new
// inputs in fuzz/corpus.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { debianPackage, fail, root, run, say } from "./setup.mjs";

const INSTRUMENTED = [
  "--cfg=fuzzing",
  "-Cpasses=sancov-module",
  "-Cllvm-args=-sanitizer-coverage-level=4",
  "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
  "-Cllvm-args=-sanitizer-coverage-pc-table",
  "-Cllvm-args=-sanitizer-coverage-trace-compares",
  "-Ccodegen-units=1",
].join(" ");

const targets = readdirSync(join(root, "fuzz/fuzz_targets")).map((name) => name.replace(/\.rs$/, ""));
const [wanted, seconds = "8"] = process.argv.slice(2);
if (wanted && !targets.includes(wanted)) fail(`there is no target ${wanted}: they are ${targets.join(", ")}`);
const seed = process.env.FUZZ_SEED ?? "1";

// The library is LLVM's fuzzer itself, in C++.
debianPackage(["g++"], () => spawnSync("c++", ["--version"]).status === 0, "fuzzing");
// For a named target build scripts and macros stay as they are.
const host = /host: (.+)/.exec(spawnSync("rustc", ["-vV"], { encoding: "utf8" }).stdout)[1];
const build = ["build", "--locked", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host];
run("cargo", build, "the fuzz targets do not build", { env: { ...process.env, RUSTFLAGS: INSTRUMENTED } });

const found = mkdtempSync(join(tmpdir(), "gatehouse-fuzz-"));
const artifacts = join(root, "fuzz/artifacts");
mkdirSync(artifacts, { recursive: true });
for (const target of wanted ? [wanted] : targets) {
  const corpus = join(root, "fuzz/corpus", target);
  const finds = join(found, target);
  mkdirSync(finds);
  const program = join(root, "fuzz/target", host, "release", target);
  const limits = [`-max_total_time=${seconds}`, `-seed=${seed}`, "-timeout=10", "-rss_limit_mb=2048"];
  const folders = process.env.COLLECT === "1" ? [corpus] : [finds, corpus];
  const { status, stderr } = spawnSync(program, [...limits, `-artifact_prefix=${artifacts}/${target}-`, ...folders], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) {
    rmSync(found, { recursive: true });
    const story = stderr.split("\n").filter((line) => !/^(#\d|INFO|\s+\d+: |\s+at )/.test(line));
    console.error(story.slice(-40).join("\n"));
    fail(`fuzzing ${target} found something: the input is in fuzz/artifacts (seed ${seed})`);
  }
  say(`${target}: ${/Done (\d+) runs/.exec(stderr)?.[1]} inputs in ${seconds} s, all as they should be`);
}
rmSync(found, { recursive: true });
