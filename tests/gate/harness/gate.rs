//! A gate on workerd, and requests to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::http::Request;
use ureq::{Agent, SendBody};

use super::{ORIGIN, Reply, agent, npm_program, root};

pub const PEPPER: &str = "a pepper for tests, of more than 32 bytes";
const ADMINISTRATOR_SECRET: &str = "a-secret-for-tests-of-32-characters";
/// The built-in administrator's field value.
pub const ADMINISTRATOR: &str = "token Administrator:a-secret-for-tests-of-32-characters";

/// How a gate differs from one in front of the shared origin.
#[derive(Default)]
pub struct Options {
    /// Variables and secrets over the defaults; an empty one counts as not set.
    pub variables: Vec<(&'static str, String)>,
    /// Binds ORIGIN_SERVICE to this `host:port`.
    pub origin_service: Option<String>,
    /// Sends every global fetch to this `host:port`, whatever its URL says.
    pub outbound: Option<String>,
    /// Rate limits, each with how often it lets a subject through in a minute; none, and `LIMITS = "off"`, if empty.
    pub limits: Vec<(&'static str, u32)>,
    /// Binds USAGE.
    pub usage: bool,
    /// Counts KV reads and lets bindings fail: see instrumented.mjs.
    pub instrumented: bool,
    /// Binds KEYS to the stand-in of kv.mjs, which keeps KV's rules and fails when told to.
    pub kv_stand_in: bool,
}

impl Options {
    pub fn with(variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { variables, ..Self::default() }
    }
}

/// A running gate; ends when dropped, or when the tests do.
pub struct Gate {
    pub url: String,
    /// `host:port` of workerd itself, without what Miniflare does in the edge's place: bodies come as the gate gave them.
    pub direct: String,
    agent: Agent,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Answers to questions; locked from the question to its answer.
    answers: Mutex<Receiver<Value>>,
}

/// What a generation answered with.
#[derive(Debug, Clone)]
pub struct Keys {
    pub api_key: String,
    pub api_secret: String,
}

impl Keys {
    pub fn of(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("no {name}: {json}")).to_owned();
        Self { api_key: text("api_key"), api_secret: text("api_secret") }
    }

    pub fn token(&self) -> String {
        format!("token {}:{}", self.api_key, self.api_secret)
    }

    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.api_key, self.api_secret)))
    }
}

impl Gate {
    pub fn start(options: Options) -> Self {
        assert!(root().join("build/index.js").exists(), "the Worker is not built: run `npm run build` first");
        let mut variables = json!({
            "ORIGIN": if options.origin_service.is_some() { String::new() } else { ORIGIN.url() },
            "TOKEN_PEPPER": PEPPER,
            "ADMINISTRATOR_SECRET": ADMINISTRATOR_SECRET,
            "LIMITS": if options.limits.is_empty() { "off" } else { "on" },
        });
        for (name, value) in options.variables {
            variables[name] = value.into();
        }
        let options = json!({
            "variables": variables,
            "origin_service": options.origin_service,
            "outbound": options.outbound,
            "limits": options.limits.into_iter().collect::<BTreeMap<_, _>>(),
            "usage": options.usage,
            "instrumented": options.instrumented,
            "kv_stand_in": options.kv_stand_in,
        });
        let mut child = Command::new(npm_program("node"))
            .arg(root().join("tests/gate/harness/gate.mjs"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let addresses = line.strip_prefix("READY ").and_then(|addresses| addresses.trim().split_once(' '));
        let (url, direct) = addresses.unwrap_or_else(|| panic!("the gate did not start: {line}"));
        let agent = agent();
        let stdin = child.stdin.take();
        let direct = direct.strip_prefix("http://").unwrap().to_owned();
        Self { url: url.to_owned(), direct, agent, child, stdin, answers: Mutex::new(answers_in(stdout)) }
    }

    /// `host:port`.
    pub fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn get(&self, path: &str, authorization: &str) -> Reply {
        self.send("GET", path, &[("Authorization", authorization)], b"")
    }

    pub fn post(&self, path: &str, authorization: &str) -> Reply {
        self.send("POST", path, &[("Authorization", authorization)], b"")
    }

    pub fn post_json(&self, path: &str, authorization: &str, body: &Value) -> Reply {
        let headers = [("Authorization", authorization), ("Content-Type", "application/json")];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, authorization: &str, body: &Value) -> Reply {
        self.send("PUT", path, &[("Authorization", authorization)], body.to_string().as_bytes())
    }

    pub fn delete(&self, path: &str, authorization: &str) -> Reply {
        self.send("DELETE", path, &[("Authorization", authorization)], b"")
    }

    /// Sends a request with these header fields and no others that matter; an empty body is none.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let request = self.request(method, path, headers);
        let response = if body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        Reply::read(response.unwrap())
    }

    /// Sends a request without a body to a gate that may not be there, and gives back what it said in whole.
    pub fn try_post(&self, path: &str, authorization: &str) -> Option<Reply> {
        let request = self.request("POST", path, &[("Authorization", authorization)]);
        Reply::try_read(self.agent.run(request.body(()).unwrap()).ok()?)
    }

    /// Streams a body of unknown length.
    pub fn stream(&self, method: &str, path: &str, authorization: &str, mut body: impl Read) -> Reply {
        let request = self.request(method, path, &[("Authorization", authorization)]);
        Reply::read(self.agent.run(request.body(SendBody::from_reader(&mut body)).unwrap()).unwrap())
    }

    /// Streams a response into a sink, which alone decides what is kept.
    pub fn download(&self, path: &str, authorization: &str, sink: &mut impl Write) -> u64 {
        let request = self.request("GET", path, &[("Authorization", authorization)]);
        let mut response = self.agent.run(request.body(()).unwrap()).unwrap();
        assert_eq!(response.status(), 200);
        std::io::copy(&mut response.body_mut().as_reader(), sink).unwrap()
    }

    /// The process that started workerd.
    #[cfg(target_os = "linux")]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> ureq::http::request::Builder {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    /// Mints keys for a user, as the built-in administrator.
    pub fn generate(&self, user: &str) -> Keys {
        let path = "/api/method/frappe.core.doctype.user.user.generate_keys";
        let reply = self.post_json(path, ADMINISTRATOR, &json!({ "user": user }));
        assert_eq!(reply.status, 200, "{}", reply.text());
        Keys::of(&reply.json()["message"])
    }

    /// Mints keys for a user with these roles.
    pub fn generate_with_roles(&self, user: &str, roles: &[&str]) -> Keys {
        let keys = self.generate(user);
        self.set(user, &json!({ "roles": roles }));
        keys
    }

    /// Changes a user's settings, as the built-in administrator.
    pub fn set(&self, user: &str, settings: &Value) -> Value {
        let path = format!("/_gatehouse/users/{}", utf8_percent_encode(user, NON_ALPHANUMERIC));
        let reply = self.put(&path, ADMINISTRATOR, settings);
        assert!(matches!(reply.status, 200 | 201), "{} {}", reply.status, reply.text());
        reply.json()
    }

    /// Mints keys while the old secret lives on for its grace.
    pub fn generate_with_grace(&self, user: &str, grace_seconds: u32) -> Keys {
        let body = json!({ "grace_seconds": grace_seconds });
        let reply = self.post_json(&format!("/_gatehouse/users/{user}/generate"), ADMINISTRATOR, &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        Keys::of(&reply.json())
    }

    /// One user, as the built-in administrator sees it.
    pub fn user(&self, user: &str) -> Value {
        self.get(&format!("/_gatehouse/users/{user}"), ADMINISTRATOR).json()
    }

    /// Whether credentials are good for `get_logged_user`, and for whom.
    pub fn logged_user(&self, authorization: &str) -> Option<String> {
        let reply = self.get("/api/method/frappe.auth.get_logged_user", authorization);
        match reply.status {
            200 => Some(reply.json()["message"].as_str().unwrap().to_owned()),
            401 => None,
            other => panic!("{other}: {}", reply.text()),
        }
    }

    /// The names in KV.
    pub fn kv_names(&self) -> Vec<String> {
        serde_json::from_value(self.ask(&json!(["list"]))).unwrap()
    }

    /// What KV holds under a name.
    pub fn kv_get(&self, name: &str) -> Option<String> {
        self.ask(&json!(["get", name])).as_str().map(str::to_owned)
    }

    /// Writes to KV behind the gate's back.
    pub fn kv_put(&self, name: &str, value: &str) {
        self.ask(&json!(["put", name, value]));
    }

    /// Deletes from KV behind the gate's back.
    pub fn kv_delete(&self, name: &str) {
        self.ask(&json!(["remove", name]));
    }

    /// The lines that the Worker logged since the last question, those of them that are JSON.
    pub fn logged(&self) -> Vec<Value> {
        self.log_lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// All that the Worker logged since the last question.
    pub fn log_lines(&self) -> Vec<String> {
        serde_json::from_value(self.ask(&json!(["logged"]))).unwrap()
    }

    /// Asks the stand-in for KV: a method of kv.mjs and its arguments.
    pub fn kv(&self, question: &Value) -> Value {
        let mut words = vec![json!("stand_in")];
        words.extend(question.as_array().unwrap().iter().cloned());
        self.ask(&Value::Array(words))
    }

    /// Kills workerd, whatever it is doing, and starts it again with what was stored.
    #[cfg(target_os = "linux")]
    pub fn kill(&self) {
        let workerd = super::memory::workerd_of(self.process()).to_string();
        super::run(Command::new("kill").args(["-KILL", &workerd]));
        // Miniflare would start it again by itself, at a time of its own.
        self.restart();
    }

    /// Ends workerd at once and starts it again with what was stored.
    pub fn restart(&self) {
        self.ask(&json!(["restart"]));
    }

    /// Restarts with other variables, as a deployment would.
    pub fn configure(&self, variables: &Value) {
        self.ask(&json!(["configure", variables]));
    }

    /// Restarts with the registry's tables changed behind its back, by a statement of SQL.
    pub fn alter(&self, statement: &str) {
        self.ask(&json!(["alter", statement]));
    }

    /// How many names in KV do not say yet what the registry says.
    pub fn outbox(&self) -> u64 {
        self.get("/_gatehouse/health", ADMINISTRATOR).json()["outbox"].as_u64().unwrap()
    }

    fn ask(&self, question: &Value) -> Value {
        let answers = self.answers.lock().unwrap();
        writeln!(self.stdin.as_ref().unwrap(), "{question}").unwrap();
        answers.recv().unwrap_or_else(|_| panic!("the gate ended"))
    }
}

/// Reads what the gate prints, all the time: a full pipe would hold it up.
fn answers_in(stdout: BufReader<ChildStdout>) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let json = line.strip_prefix("ANSWER ").unwrap_or_else(|| panic!("no answer: {line}"));
            // Whoever asked may have gone.
            let _ = sender.send(serde_json::from_str(json).unwrap());
        }
    });
    receiver
}

impl Drop for Gate {
    fn drop(&mut self) {
        // End of input is the sign to end.
        drop(self.stdin.take());
        self.child.wait().unwrap();
    }
}
