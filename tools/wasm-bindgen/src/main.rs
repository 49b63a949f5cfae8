//! The part of wasm-bindgen's command line that worker-build calls.
//!
//! worker-build would download a prebuilt `wasm-bindgen` or compile the whole of `wasm-bindgen-cli`. This is
//! the same generator as a library, and Cargo.lock keeps it at the version that the Worker is compiled with.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

#[derive(Parser)]
#[command(name = "wasm-bindgen")]
struct Arguments {
    input: PathBuf,
    #[arg(long)]
    out_dir: PathBuf,
    #[arg(long, default_value = "index")]
    out_name: String,
    #[arg(long)]
    target: String,
    #[arg(long)]
    typescript: bool,
    #[arg(long)]
    no_typescript: bool,
    #[arg(long)]
    debug: bool,
    #[arg(long)]
    no_demangle: bool,
    #[arg(long)]
    keep_debug: bool,
    #[arg(long)]
    experimental_reset_state_function: bool,
    #[arg(long)]
    force_enable_abort_handler: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.target != "module" {
        bail!("only --target module is built here, not {}", arguments.target);
    }
    Bindgen::new()
        .input_path(&arguments.input)
        .out_name(&arguments.out_name)
        .module(true)?
        .typescript(arguments.typescript && !arguments.no_typescript)
        .debug(arguments.debug)
        .demangle(!arguments.no_demangle)
        .keep_debug(arguments.keep_debug)
        .reset_state_function(arguments.experimental_reset_state_function)
        .force_enable_abort_handler(arguments.force_enable_abort_handler)
        .generate(&arguments.out_dir)
}
