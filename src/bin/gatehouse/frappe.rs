//! A live Frappe site, read by a System Manager's token: its users with an api_key, and their secrets.

use std::collections::HashSet;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::client::{Reply, agent, encoded, unreachable};
use crate::failure::Failure;
use crate::output::text;
use crate::target::check_url;

/// How many users a page of the list holds.
const PAGE_USERS: usize = 1_000;
/// How many secrets are asked for at a time; each is a request of its own.
const AT_ONCE: usize = 4;
/// How long to wait before asking again.
const RETRY_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// What the gate keeps for itself.
const RESERVED: [&str; 2] = ["Administrator", "Guest"];

/// A user with an api_key.
pub struct FrappeUser {
    pub name: String,
    api_key: String,
    enabled: bool,
}

/// A site and the token for it.
pub struct Frappe {
    agent: Agent,
    url: String,
    authorization: String,
}

impl Frappe {
    pub fn new(url: &str, allow_http: bool) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/');
        check_url(url, allow_http)?;
        let token = std::env::var("FRAPPE_TOKEN").ok().filter(|token| !token.is_empty()).ok_or_else(|| {
            Failure::Usage("set FRAPPE_TOKEN to a System Manager's api_key:api_secret on that site".to_owned())
        })?;
        let token = token.trim().trim_start_matches("token ");
        Ok(Self { agent: agent(url), url: url.to_owned(), authorization: format!("token {token}") })
    }

    /// Asks, and asks again where the site is only busy.
    fn get(&self, path: &str) -> Result<Reply, Failure> {
        let mut pauses = RETRY_PAUSES.into_iter();
        loop {
            let reply = self.ask(path)?;
            match pauses.next() {
                Some(pause) if matches!(reply.status, 429 | 502..=504) => std::thread::sleep(pause),
                _ => return Ok(reply),
            }
        }
    }

    fn ask(&self, path: &str) -> Result<Reply, Failure> {
        let url = format!("{}{path}", self.url);
        let request = Request::builder().uri(&url).header("Authorization", &self.authorization).body(());
        let request = request.map_err(|_| Failure::Usage("FRAPPE_TOKEN is no token".to_owned()))?;
        let reply = self.agent.run(request).and_then(Reply::read);
        reply.map_err(|error| Failure::Unavailable(unreachable(&self.url, &error)))
    }

    fn done(&self, reply: Reply) -> Result<Value, Failure> {
        match reply.status {
            200 => Ok(reply.body),
            401 | 403 => Err(Failure::Unauthorized(format!("{} does not let FRAPPE_TOKEN read users", self.url))),
            status => Err(Failure::Unavailable(format!("{} answered with {status}", self.url))),
        }
    }

    /// All users with an api_key, by name, behind one of them.
    pub fn users(&self, after: Option<&str>) -> Result<Vec<FrappeUser>, Failure> {
        let mut filters = vec![json!(["api_key", "is", "set"])];
        if let Some(after) = after {
            filters.push(json!(["name", ">", after]));
        }
        let fields = encoded(&json!(["name", "enabled", "api_key"]).to_string());
        let filters = encoded(&Value::Array(filters).to_string());
        let (mut users, mut seen) = (Vec::new(), HashSet::new());
        loop {
            let start = users.len();
            let page = self.done(self.get(&format!(
                "/api/resource/User?fields={fields}&filters={filters}&order_by=name%20asc&limit_start={start}&limit_page_length={PAGE_USERS}"
            ))?)?;
            let strange = || Failure::Unavailable(format!("{} does not answer as a Frappe site does", self.url));
            let page = page["data"].as_array().ok_or_else(strange)?;
            // A site may have pages of its own length.
            if page.is_empty() {
                return Ok(users);
            }
            for user in page {
                let (name, api_key) = (text(user, "name"), text(user, "api_key"));
                // Each once; else the site takes no notice of where a page starts.
                if name.is_empty() || api_key.is_empty() || !seen.insert(name.to_owned()) {
                    return Err(strange());
                }
                let enabled = user["enabled"] == 1 || user["enabled"] == true;
                users.push(FrappeUser { name: name.to_owned(), api_key: api_key.to_owned(), enabled });
            }
        }
    }

    /// Rows for an import, and reports on users who cannot be one.
    pub fn rows(&self, users: &[FrappeUser], bar: &ProgressBar) -> Result<(Vec<Value>, Vec<Value>), Failure> {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        for some in users.chunks(AT_ONCE) {
            let secrets: Vec<_> = std::thread::scope(|scope| {
                let asked: Vec<_> = some.iter().map(|user| scope.spawn(|| self.secret(user))).collect();
                asked.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
            });
            bar.inc(u64::try_from(some.len()).unwrap_or_default());
            for (user, secret) in some.iter().zip(secrets) {
                let secret = secret.map_err(|_| Failure::Unavailable("a thread ended".to_owned()))??;
                let problem = |message: &str| json!({ "user": user.name, "result": "left out", "message": message });
                match secret {
                    _ if RESERVED.contains(&user.name.as_str()) => {
                        problems.push(problem("the gate reserves this name"))
                    }
                    None => problems.push(problem("the site has no api_secret for this user")),
                    Some(secret) => {
                        let mut row = json!({ "user": user.name, "api_key": user.api_key, "api_secret": secret });
                        // Never true: an import that is started again must not enable whom somebody disabled here.
                        if !user.enabled {
                            row["enabled"] = false.into();
                        }
                        rows.push(row);
                    }
                }
            }
        }
        Ok((rows, problems))
    }

    fn secret(&self, user: &FrappeUser) -> Result<Option<String>, Failure> {
        let name = encoded(&user.name);
        let reply =
            self.get(&format!("/api/method/frappe.client.get_password?doctype=User&name={name}&fieldname=api_secret"))?;
        // Frappe says so where the field is empty.
        if matches!(reply.status, 404 | 417) {
            return Ok(None);
        }
        let body = self.done(reply)?;
        match &body["message"] {
            Value::String(secret) => Ok(Some(secret.clone()).filter(|secret| !secret.is_empty())),
            Value::Null => Ok(None),
            _ => Err(Failure::Unavailable(format!("{} does not answer as a Frappe site does", self.url))),
        }
    }
}
