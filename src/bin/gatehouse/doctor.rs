//! `gatehouse doctor`: looks at everything a gate needs, and says what to do about each finding.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use serde_json::{Value, json};
use ureq::http::Request;

use crate::arguments::Connection;
use crate::client::{Client, Reply, agent, unreachable};
use crate::failure::Failure;
use crate::output::{Output, list, printable, text};
use crate::target::{Target, url};

/// A clock that is further off makes time limits and assertions wrong.
const CLOCK_OFF_MAX_SECONDS: u64 = 30;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Right,
    Remark,
    Wrong,
}

struct Finding {
    level: Level,
    about: &'static str,
    says: String,
    advice: String,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn right(&mut self, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { level: Level::Right, about, says: says.into(), advice: String::new() });
    }

    fn remark(&mut self, about: &'static str, says: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { level: Level::Remark, about, says: says.into(), advice: advice.into() });
    }

    fn wrong(&mut self, about: &'static str, says: impl Into<String>, advice: impl Into<String>) {
        self.0.push(Finding { level: Level::Wrong, about, says: says.into(), advice: advice.into() });
    }
}

pub fn run(connection: &Connection, output: &mut Output) -> Result<(), Failure> {
    let mut findings = Findings::default();
    if let Some(url) = check_address(connection, &mut findings)
        && check_health(&url, &mut findings)
    {
        check_origin(&url, &mut findings);
        match Target::find(connection) {
            Ok(target) => check_as_manager(&Client::new(target), &mut findings),
            Err(failure) => findings.wrong("credentials", failure.message().unwrap_or_default(), ""),
        }
    }
    print(output, &findings.0)
}

fn check_address(connection: &Connection, findings: &mut Findings) -> Option<String> {
    match url(connection) {
        Ok(url) => {
            findings.right("address", url.clone());
            Some(url)
        }
        Err(failure) => {
            findings.wrong("address", failure.message().unwrap_or_default(), "set --url or GATEHOUSE_URL");
            None
        }
    }
}

fn ask(method: &str, url: &str, fields: &[(&str, &str)]) -> Result<Reply, String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).map_err(|error| error.to_string())?;
    let reply = agent(url).run(request).and_then(Reply::read);
    reply.map_err(|error| unreachable(url, &error))
}

/// Whether it is a gate at all, and set up; and what its clock says.
fn check_health(url: &str, findings: &mut Findings) -> bool {
    let start = Instant::now();
    let reply = match ask("GET", &format!("{url}/_gatehouse/health"), &[]) {
        Ok(reply) => reply,
        Err(message) => {
            findings.wrong(
                "gate",
                message,
                "is the address right, the gate deployed (or `npm start` running), its certificate good?",
            );
            return false;
        }
    };
    let milliseconds = start.elapsed().as_millis();
    match text(&reply.body, "status") {
        "ok" => findings.right("gate", format!("answers after {milliseconds} ms, and is set up")),
        "misconfigured" => {
            for problem in reply.body["problems"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                findings.wrong(
                    "configuration",
                    problem,
                    "variables stand in wrangler.toml, secrets are set by `npx wrangler secret put NAME`",
                );
            }
        }
        _ => {
            findings.wrong("gate", reply.message(), "another server answers at this address");
            return false;
        }
    }
    check_clock(&reply, findings);
    true
}

fn check_clock(reply: &Reply, findings: &mut Findings) {
    let there = reply.date.as_deref().and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let there = there.and_then(|time| u64::try_from(time.timestamp()).ok());
    let here = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or_default();
    match there.map(|there| there.abs_diff(here)) {
        None => findings.remark("clock", "the gate does not tell the time", "a gate on Cloudflare does"),
        Some(off) if off > CLOCK_OFF_MAX_SECONDS => {
            findings.wrong("clock", format!("{off} s apart from this machine's"), "set this machine's clock (NTP)");
        }
        Some(off) => findings.right("clock", format!("within {} s of this machine's", off.max(1))),
    }
}

/// A preflight is forwarded without credentials, so it shows whether the origin answers at all.
fn check_origin(url: &str, findings: &mut Findings) {
    let preflight = [("Origin", "https://doctor.invalid"), ("Access-Control-Request-Method", "GET")];
    match ask("OPTIONS", &format!("{url}/"), &preflight) {
        Ok(reply) if matches!(text(&reply.body, "exc_type"), "OriginUnreachable") => {
            findings.wrong(
                "origin",
                "does not answer the gate",
                "is ORIGIN right, the server running, and reachable from the gate?",
            );
        }
        Ok(reply) if matches!(text(&reply.body, "exc_type"), "GatewayLoop") => {
            findings.wrong(
                "origin",
                "sends requests back to the gate",
                "ORIGIN has to name the server behind the gate",
            );
        }
        Ok(reply) if reply.status == 503 => findings.remark("origin", reply.message(), ""),
        Ok(reply) => findings.right("origin", format!("answers (a preflight: {})", reply.status)),
        Err(message) => findings.wrong("origin", message, ""),
    }
}

/// What a System Manager may see: registry, KV, and what is not set.
fn check_as_manager(client: &Client, findings: &mut Findings) {
    match client.get("/_gatehouse/users?limit=1", "users") {
        Ok(_) => findings.right("registry", "answers, and the credentials may manage"),
        Err(failure @ Failure::Unauthorized(_)) => {
            let advice = "use a System Manager's token, or Administrator with the deployed ADMINISTRATOR_SECRET";
            return findings.wrong("credentials", failure.message().unwrap_or_default(), advice);
        }
        Err(failure) => {
            let advice = "is the Durable Object REGISTRY bound and migrated? `npx wrangler tail` shows the reason";
            return findings.wrong("registry", failure.message().unwrap_or_default(), advice);
        }
    }
    match client.get("/_gatehouse/health", "outbox") {
        Ok(health) => {
            match health["outbox"].as_u64() {
                Some(0) => findings.right("KV", "says what the registry says"),
                Some(depth) => findings.remark(
                    "KV",
                    format!("{depth} changes have yet to arrive"),
                    "look again in a minute; if the number stands still, `npx wrangler tail` shows why KV refuses",
                ),
                None => findings.wrong("KV", "the gate tells nothing of its outbox", ""),
            }
            findings.right("version", format!("{}, mode {}", text(&health, "version"), text(&health, "mode")));
            let not_set = list(&health, "not_set");
            if !not_set.is_empty() {
                findings.remark("not set", not_set, "none is needed; the README's table says what each is good for");
            }
        }
        Err(failure) => findings.wrong("health", failure.message().unwrap_or_default(), ""),
    }
    // A name that nobody can have, so that KV is read and nothing else happens.
    let probe = Client::new(Target { url: client.target.url.clone(), authorization: "token doctor:doctor".to_owned() });
    match probe.send("GET", "/api/method/frappe.auth.get_logged_user", None) {
        Ok(reply) if reply.status == 401 => findings.right("KV", "is read, and unknown credentials are refused"),
        Ok(reply) if reply.status == 503 => {
            findings.wrong("KV", "cannot be read", "is the namespace KEYS bound? See status.cloudflare.com");
        }
        Ok(reply) => findings.wrong("KV", format!("unknown credentials got {}", reply.status), "report this"),
        Err(failure) => findings.wrong("KV", failure.message().unwrap_or_default(), ""),
    }
}

fn print(output: &mut Output, findings: &[Finding]) -> Result<(), Failure> {
    let word = |level| match level {
        Level::Right => "right",
        Level::Remark => "remark",
        Level::Wrong => "wrong",
    };
    let mut printed = Ok(());
    if output.is_json {
        let shown = findings.iter().map(|finding| {
            json!({ "level": word(finding.level), "about": finding.about, "says": finding.says, "advice": finding.advice })
        });
        printed = output.json(&shown.collect());
    } else {
        for Finding { level, about, says, advice } in findings {
            let mark = match level {
                Level::Right => "✓",
                Level::Remark => "•",
                Level::Wrong => "✗",
            };
            printed = printed.and(output.text(&format!("{mark} {about:13} {}", printable(says))));
            if !advice.is_empty() {
                printed = printed.and(output.text(&format!("                → {advice}")));
            }
        }
    }
    // Whoever does not read the findings still learns that there are some.
    if findings.iter().any(|finding| finding.level == Level::Wrong) { Err(Failure::Told) } else { printed }
}
