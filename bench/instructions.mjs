// Counts the instructions of each step of the pure layers (bench/layers) by callgrind, and fails where a step takes 10 %
// more than bench/figures.json says. `--update` writes what it counted there: after a change that is worth it, or one
// for the better.
//
// A step is done 100 times and 1,100 times, and the difference counted: what starting and getting ready take drops out.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { figures, hold, isProgram } from "./figures.mjs";

const ROOM = 0.1;
const [FEW, MANY] = [100, 1100];

const root = join(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

function output(program, args, options) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: "utf8", ...options });
  if (error || status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error ?? stderr}`);
  return { stdout, stderr };
}

/** The instructions of one run. Nothing of the caller's environment comes in: it would lie on the stack. */
function instructions(folder, step, times) {
  const callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null", join(target, "release", "layers")];
  const { stderr } = output("valgrind", [...callgrind, step, String(times)], { cwd: folder, env: { PATH: process.env.PATH } });
  return Number(/Collected : (\d+)/.exec(stderr)[1]);
}

/** The instructions of each step, by its name. */
export function count() {
  output("cargo", ["build", "--quiet", "--locked", "--release", "-p", "layers"], { stdio: ["ignore", 2, 2] });
  const { stdout } = output(join(target, "release", "layers"), []);
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-count-"));
  const each = (step) => Math.round((instructions(folder, step, MANY) - instructions(folder, step, FEW)) / (MANY - FEW));
  const counted = Object.fromEntries(stdout.trim().split("\n").map((step) => [step, each(step)]));
  rmSync(folder, { recursive: true });
  return counted;
}

if (isProgram(import.meta)) {
  const known = figures("instructions");
  const counted = count();
  console.log("| step | instructions | checked in |\n|---|--:|--:|");
  for (const [step, each] of Object.entries(counted)) console.log(`| ${step} | ${each} | ${known[step] ?? "–"} |`);
  // The figures are those of x86-64; elsewhere the count is shown, and held to nothing.
  if (process.arch === "x64") hold("instructions", counted, ROOM);
}
