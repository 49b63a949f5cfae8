//! The example origins that verify assertions, behind a running gate and past it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::harness::command::{bare, run as run_command};
use crate::harness::{Gate, Options, Reply, npm_program, python, root};

const ISSUER: &str = "https://gate.example.test";
const AUDIENCE: &str = "https://app.example.test";

/// A running example; ends when dropped.
struct Example {
    child: Child,
    url: String,
}

impl Example {
    /// Starts it with keys from a gate; it prints its address when it is ready.
    fn start(command: &mut Command, keys: &Gate) -> Self {
        let jwks = format!("{}/_gatehouse/jwks.json", keys.url);
        command.env("ISSUER", ISSUER).env("AUDIENCE", AUDIENCE).env("JWKS_URL", jwks);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // uvicorn tells it on the one, Node on the other.
        let said = child.stderr.take().unwrap();
        let printed = child.stdout.take().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        for output in [Box::new(said) as Box<dyn Read + Send>, Box::new(printed)] {
            let sender = sender.clone();
            // To the end: a full pipe would hold it up.
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if let Some((_, rest)) = line.split_once(" on http://") {
                        let address = rest.split(' ').next().unwrap();
                        // Whoever asked may have gone.
                        let _ = sender.send(format!("http://{address}"));
                    }
                }
            });
        }
        drop(sender);
        let url = receiver.recv().expect("the example ended before it was ready");
        Self { child, url }
    }

    /// Sends a request past the gate.
    fn get(&self, path: &str, assertion: Option<&str>) -> Reply {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut request = Request::get(format!("{}{path}", self.url));
        if let Some(assertion) = assertion {
            request = request.header("X-Gatehouse-Assertion", assertion);
        }
        Reply::read(agent.run(request.body(()).unwrap()).unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn fastapi() -> Command {
    let mut command = Command::new(python());
    command.args(["-B", "-m", "uvicorn", "main:app", "--port", "0", "--app-dir"]).arg(root().join("examples/fastapi"));
    command
}

fn express() -> Command {
    let mut command = Command::new(npm_program("node"));
    command.arg(root().join("examples/express/server.mjs")).env("PORT", "0");
    command
}

fn new_key() -> Value {
    run_command(&mut bare(), &["signing-key", "new", "--algorithm", "es256"]).json()
}

/// A gate that signs with a key for the example, in front of the shared origin or another.
fn gate(jwk: &Value, more: &[(&'static str, &str)]) -> Gate {
    let jwk = jwk.to_string();
    let variables = [("PUBLIC_URL", ISSUER), ("ASSERTION_AUDIENCE", AUDIENCE), ("ASSERTION_JWK", &jwk)];
    Gate::start(Options::with(&[&variables[..], more].concat()))
}

/// The assertion that the shared origin gets from a gate.
fn assertion(gate: &Gate) -> String {
    let reply = gate.get("/asserted", &gate.generate("alice@example.test").token());
    reply.received("x-gatehouse-assertion").pop().unwrap()
}

fn serves_who_comes_through_the_gate_alone(example: &mut Command) {
    let jwk = new_key();
    // Its keys are the example's to read, and what it signs for the shared origin the example's to judge.
    let keys = gate(&jwk, &[]);
    let example = Example::start(example, &keys);
    let front = gate(&jwk, &[("ORIGIN", &example.url), ("ANONYMOUS", "pass")]);

    let zoe = front.generate_with_roles("Zoë", &["Clerk"]).token();
    let reply = front.get("/", &zoe);
    assert_eq!((reply.status, reply.json()), (200, json!({ "user": "Zoë", "roles": ["Clerk"] })));
    assert_eq!(front.get("/none", &zoe).status, 404);
    assert_eq!(front.send("GET", "/", &[], b"").status, 401, "nobody has authenticated");

    let good = assertion(&keys);
    assert_eq!(example.get("/", Some(&good)).json()["user"], "alice@example.test");
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let of_another_key = assertion(&gate(&new_key(), &[]));
    let for_another = assertion(&gate(&jwk, &[("ASSERTION_AUDIENCE", "https://other.example.test")]));
    let of_another_issuer = assertion(&gate(&jwk, &[("PUBLIC_URL", "https://other.example.test")]));
    for wrong in [None, Some(""), Some("a.b.c"), Some(&*unsigned)]
        .into_iter()
        .chain([&of_another_key, &for_another, &of_another_issuer].map(|wrong| Some(wrong.as_str())))
    {
        for path in ["/", "/none", "/docs", "/openapi.json"] {
            assert_eq!(example.get(path, wrong).status, 401, "{path} {wrong:?}");
        }
    }
}

#[test]
fn fastapi_serves_who_comes_through_the_gate_and_nobody_else() {
    serves_who_comes_through_the_gate_alone(&mut fastapi());
}

#[test]
fn express_serves_who_comes_through_the_gate_and_nobody_else() {
    serves_who_comes_through_the_gate_alone(&mut express());
}
