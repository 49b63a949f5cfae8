//! `gatehouse`: makes keys and looks after users from a terminal, over the gate's own routes.

// The Worker is built from the library alone.
#![cfg(not(target_arch = "wasm32"))]

mod arguments;
mod audit;
mod client;
mod doctor;
mod execute;
mod failure;
mod frappe;
mod import;
mod import_file;
mod import_rows;
mod output;
mod reconcile;
mod signing_key;
mod target;
mod users;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::arguments::{Arguments, Word};
use self::client::Client;
use self::failure::Failure;
use self::output::Output;
use self::target::Target;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_execute = matches!(arguments.word, Word::Execute { .. });
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                let lines: Vec<_> = message.lines().map(output::printable).collect();
                eprintln!("gatehouse: {}", lines.join("\n"));
            }
            // `bench execute` knows one code alone.
            ExitCode::from(if is_execute && failure.exit_code() != 0 { 1 } else { failure.exit_code() })
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut output = Output::new(arguments.json);
    let client = || Target::find(&arguments.connection).map(Client::new);
    match arguments.word {
        Word::Execute { method, args, kwargs } => {
            execute::execute(&client()?, &mut output, &method, args.as_deref(), kwargs.as_deref())
        }
        Word::Users { word } => users::run(&client()?, &mut output, word),
        Word::Import(import) => import::run(&client()?, &mut output, &import, arguments.connection.allow_http),
        Word::Export { file } => import_file::export(&client()?, &mut output, file.as_deref()),
        Word::Audit { user, limit } => audit::run(&client()?, &mut output, user.as_deref(), limit),
        Word::Reconcile { status } => reconcile::run(&client()?, &mut output, status),
        Word::SigningKey { word } => signing_key::run(&mut output, &word),
        Word::Doctor => doctor::run(&arguments.connection, &mut output),
        Word::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "gatehouse", &mut script);
            output.text(String::from_utf8_lossy(&script).trim_end())
        }
    }
}
