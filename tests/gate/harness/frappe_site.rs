//! A site that takes requests as Frappe does: frappe_site.py, run for as long as a test needs it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use super::{Reply, agent, python, root};

/// A running site; ends when dropped, or when the tests do.
pub struct FrappeSite {
    url: String,
    agent: Agent,
    child: Child,
    /// Locked from a question to its answer.
    talk: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

/// A request as the site saw it.
#[derive(Debug, Clone)]
pub struct SiteRequest {
    pub method: String,
    pub target: String,
    /// Whether it brought an `Authorization` field.
    pub authorization: bool,
    /// Whose it was; nobody's where it was refused, or answered by a [`Failure`].
    pub user: Option<String>,
    /// By what: `session`, `token`, `assertion` or `guest`.
    pub via: Option<String>,
    /// The method that it named in its query or body.
    pub cmd: Option<String>,
    /// The client's address.
    pub address: String,
}

impl SiteRequest {
    fn of(seen: &Value) -> Self {
        let text = |name: &str| seen[name].as_str().map(str::to_owned);
        Self {
            method: text("method").unwrap(),
            target: text("target").unwrap(),
            authorization: seen["authorization"].as_bool().unwrap(),
            user: text("user"),
            via: text("via"),
            cmd: text("cmd"),
            address: text("address").unwrap(),
        }
    }
}

/// How the site fails.
#[derive(Debug, Clone, Copy)]
pub enum Failure<'a> {
    /// Not at all.
    None,
    /// Every answer is this one: a status and a body.
    Answer(u16, &'a str),
    /// Nobody listens, and connections that were open are closed.
    Refuse,
    /// No request is answered until the site is told to fail otherwise, or no more; then each goes on.
    Hang,
    /// Every answer comes so many seconds late, or when the site is told to fail otherwise.
    Slow(f64),
}

impl FrappeSite {
    /// Starts a site with these users: objects with `name` and any of `enabled` (they are, unless said otherwise), `api_key`,
    /// `api_secret`, and `sid`, the session that they have.
    pub fn start(users: &Value) -> Self {
        let mut child = Command::new(python())
            .arg(root().join("tests/gate/harness/frappe_site.py"))
            .arg(json!({ "users": users }).to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("READY ").unwrap_or_else(|| panic!("the site did not start: {line}"));
        let talk = Mutex::new(Some((child.stdin.take().unwrap(), stdout)));
        Self { url: url.trim().to_owned(), agent: agent(), child, talk }
    }

    /// `http://host:port`, the same for life.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request past every gate.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        Reply::read(response.unwrap())
    }

    /// What came since the start, in this order; a request is here as soon as it has been read.
    pub fn requests(&self) -> Vec<SiteRequest> {
        self.ask(&json!(["requests"])).as_array().unwrap().iter().map(SiteRequest::of).collect()
    }

    /// How many requests had this in their target.
    pub fn times_asked_for(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.target.contains(part)).count()
    }

    /// Adds a user, changes those fields of a user's that are named, or with `null` takes the user away.
    pub fn set(&self, name: &str, changes: &Value) {
        self.ask(&json!(["set", name, changes]));
    }

    /// Fails from now on, at every request.
    pub fn fail(&self, failure: Failure) {
        self.fail_only("", failure);
    }

    /// Fails from now on, at requests with this in their target; others are answered as ever. [`Failure::Refuse`] knows no
    /// targets.
    pub fn fail_only(&self, part: &str, failure: Failure) {
        let failure = match failure {
            Failure::None => json!({}),
            Failure::Answer(status, body) => json!({ "status": status, "body": body, "only": part }),
            Failure::Refuse => json!({ "refuse": true }),
            Failure::Hang => json!({ "hang": true, "only": part }),
            Failure::Slow(seconds) => json!({ "slow": seconds, "only": part }),
        };
        self.ask(&json!(["fail", failure]));
    }

    /// Installs the Frappe app of integrations/frappe with these settings, or with `null` takes it away: `jwks` (an address)
    /// or `key` (a shared JWK), `issuer`, `audience`.
    pub fn hook(&self, settings: &Value) {
        self.ask(&json!(["hook", settings]));
    }

    fn ask(&self, question: &Value) -> Value {
        let mut talk = self.talk.lock().unwrap();
        let (stdin, stdout) = talk.as_mut().unwrap();
        writeln!(stdin, "{question}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let answer = line.strip_prefix("ANSWER ").unwrap_or_else(|| panic!("no answer: {line:?}"));
        serde_json::from_str(answer).unwrap()
    }
}

impl Drop for FrappeSite {
    fn drop(&mut self) {
        // End of input is the sign to end; a test that failed may have left the lock poisoned.
        drop(self.talk.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        self.child.wait().unwrap();
    }
}
