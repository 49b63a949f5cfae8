//! `npm start`, as a newcomer uses it: the printed lines are pasted into a shell, and ending it ends everything.
//!
//! It builds into `build/`, so it must not run beside the black-box tests.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Ends the started gate when the test does, however it ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Starts the gate and gives back what it printed up to its last line.
fn start(port: u16) -> (Started, String) {
    let mut child = Command::new("node")
        .args(["scripts/run.mjs", "start"])
        .current_dir(ROOT)
        .env("PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let started = Started(child);
    let mut printed = String::new();
    while !printed.contains("Ctrl-C ends it.") {
        assert!(stdout.read_line(&mut printed).unwrap() > 0, "npm start ended: {printed}");
    }
    (started, printed)
}

/// The commands in what was printed: indented lines, one after another.
fn commands(printed: &str) -> String {
    printed.lines().filter_map(|line| line.strip_prefix("   ")).collect::<Vec<_>>().join("\n")
}

fn shell(script: &str) -> String {
    let output = Command::new("bash").args(["-c", script]).current_dir(ROOT).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_printed_lines_work_when_pasted_and_nothing_stays_behind() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (started, printed) = start(port);
    assert!(printed.contains(&format!("In a browser: http://127.0.0.1:{port}/_gatehouse/\n")), "{printed}");
    let secrets = std::fs::read_to_string(Path::new(ROOT).join(".dev.vars")).unwrap();
    for line in secrets.lines() {
        let (name, value) = line.split_once('=').unwrap();
        assert!(value.len() >= 32 && !printed.contains(value), "{name} is short or was printed");
    }
    let upload = format!(
        "head -c 20000000 /dev/zero | curl -sS -T - -X POST -H \"Authorization: token $TOKEN\" http://127.0.0.1:{port}/up"
    );
    let answers = shell(&format!("set -e\n{}\n{upload}", commands(&printed)));
    assert!(answers.contains(r#"{"message":"Administrator"}"#), "{answers}");
    assert!(answers.contains(r#""x-forwarded-user": "alice@example.com""#), "{answers}");
    assert!(answers.contains(r#""bytes": 20000000"#), "{answers}");
    assert!(answers.contains(r#""x-gatehouse-assertion": "ey"#), "{answers}");

    for file in [".dev.vars", ".wrangler/start.vars"] {
        let mode = std::fs::metadata(Path::new(ROOT).join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    drop(started);
    let origin = printed.split("in front of http://").nth(1).unwrap().split(' ').next().unwrap();
    let end = Instant::now();
    for address in [format!("127.0.0.1:{port}"), origin.to_owned()] {
        while TcpStream::connect(&address).is_ok() {
            assert!(end.elapsed() < Duration::from_secs(10), "{address} still answers");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // pgrep ends with 1 where it finds none.
    let found = Command::new("pgrep").args(["-f", &format!("[w]rangler.* --port {port} ")]).status().unwrap();
    assert_eq!(found.code(), Some(1), "wrangler is still there");
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = Command::new("node")
        .args(["scripts/run.mjs", "start"])
        .current_dir(ROOT)
        .env("PORT", port.to_string())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.trim(), format!("gatehouse: port {port} is not free (EADDRINUSE): PORT={} npm start", port + 1));
}
