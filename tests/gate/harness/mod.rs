//! Starts gates and origins for the tests, and talks to them.

pub mod command;
mod frappe;
mod frappe_site;
mod gate;
#[cfg(target_os = "linux")]
mod memory;
mod origin;
mod origin_streams;
mod pattern;
mod raw;
mod raw_origin;
mod recording_origin;
mod reply;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gatehouse::core::unix_time::UnixSeconds;

pub use frappe::{FRAPPE_TOKEN, SiteUser, frappe_site};
pub use frappe_site::{Failure, FrappeSite};
pub use gate::{ADMINISTRATOR, Gate, Keys, Options, PEPPER};
#[cfg(target_os = "linux")]
pub use memory::Memory;
pub use origin::{COOKIES, GZIPPED, Origin};
pub use origin_streams::{EVENTS, Exchange, exchange, sent};
pub use pattern::{HashSink, pattern, pattern_hash};
pub use raw::{PATIENCE, RawReply, RawRequest};
pub use raw_origin::{OK, RawOrigin};
pub use recording_origin::{RecordingOrigin, Seen};
pub use reply::Reply;

/// An origin that most tests share.
pub static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

/// A gate in front of [`ORIGIN`] that most tests share; each uses users of its own. One address has 20 failed attempts to
/// manage a minute: tests that need several start a gate of their own, or name an address.
pub static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::start(Options::default()));

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program that npm installed.
pub fn npm_program(name: &str) -> PathBuf {
    let path = root().join("node_modules/.bin").join(name);
    assert!(path.exists(), "{} is missing: run `npm test`", path.display());
    path
}

/// Python with what the tests' requirements.txt names.
pub fn python() -> PathBuf {
    let path = root().join(".venv/bin/python");
    assert!(path.exists(), "{} is missing: run `npm test`", path.display());
    path
}

/// Serves on a free port until the tests end, and gives back the address.
pub fn serve(router: axum::Router) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    url
}

/// Runs a program to its end and gives back what it printed; its failure is the test's.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout
}

/// Prints what a long run measured, for `npm run soak` to find.
pub fn figures(text: &str) {
    println!("\nFIGURES\n{text}\nEND");
}

/// A client to which whatever is answered is an answer, and redirects are for the test to see.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    config.allow_non_standard_methods(true).max_idle_connections_per_host(64).build().new_agent()
}

/// Waits for the first half of a minute: Miniflare's rate limits count by those of the clock, and what is to be counted in
/// one has to start well before its end.
pub fn wait_for_a_minutes_first_half() {
    wait_for("the first half of a minute", || {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60 < 30
    });
}

/// Waits for a condition, and fails if it is not met within a time that is far beyond what it takes.
pub fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    wait(what, Duration::from_secs(120), Duration::from_millis(20), condition);
}

/// The same for what takes minutes.
pub fn wait_for_long(what: &str, condition: impl FnMut() -> bool) {
    wait(what, Duration::from_secs(1_800), Duration::from_millis(100), condition);
}

fn wait(what: &str, longest: Duration, pause: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < longest, "waited in vain: {what}");
        std::thread::sleep(pause);
    }
}

/// The time in so many seconds, in RFC 3339.
pub fn soon(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    UnixSeconds(i64::try_from(now + seconds).unwrap()).rfc3339()
}
