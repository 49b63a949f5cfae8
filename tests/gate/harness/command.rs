//! The command `gatehouse`, run as a person or a script runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{ADMINISTRATOR, Gate};

/// What a run printed, and its exit code.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Its standard output, where it succeeded.
    pub fn ok(self) -> String {
        assert_eq!((self.code, &*self.stderr), (0, ""), "{}", self.stdout);
        self.stdout
    }

    /// The JSON that it printed, where it succeeded.
    pub fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Its exit code and what it said about that; nothing was printed for scripts to take for an answer.
    pub fn failed(self) -> (i32, String) {
        assert_eq!(self.stdout, "");
        (self.code, self.stderr.trim().to_owned())
    }
}

/// The command with the built-in administrator's token for a gate, in an empty environment but for that.
pub fn gatehouse(gate: &Gate) -> Command {
    command(&gate.url, ADMINISTRATOR.strip_prefix("token ").unwrap())
}

/// The command for a gate at some address, with some token.
pub fn command(url: &str, token: &str) -> Command {
    let mut command = bare();
    command.env("GATEHOUSE_URL", url).env("GATEHOUSE_TOKEN", token);
    command
}

/// The command in an empty environment, in a directory where nothing is.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.env_clear().current_dir(Path::new(env!("CARGO_TARGET_TMPDIR")));
    command
}

/// Runs it with these arguments.
pub fn run(command: &mut Command, arguments: &[&str]) -> Run {
    run_with_input(command, arguments, "")
}

/// Runs it with these arguments and this standard input.
pub fn run_with_input(command: &mut Command, arguments: &[&str], input: &str) -> Run {
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
