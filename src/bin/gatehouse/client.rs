//! Requests to the gate, and its refusals as sentences.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{RootCerts, TlsConfig};

use crate::failure::Failure;
use crate::target::Target;

/// Long enough for an import of 1,000 rows.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer read: a page of an export of 500 users with all settings.
const ANSWER_MAX_BYTES: u64 = 64 << 20;

/// What RFC 3986 leaves unreserved stays readable.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A name as one segment of a path, or one value of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A client for an address, which tells an answer of whatever status from none. It follows no redirect, and asks no proxy
/// unless the connection is encrypted: credentials would go along.
pub fn agent(url: &str) -> Agent {
    // What this machine trusts, a company's own authority included.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let mut config = Agent::config_builder().http_status_as_error(false).max_redirects(0).tls_config(tls);
    if !url.starts_with("https://") {
        config = config.proxy(None);
    }
    config.timeout_global(Some(TIMEOUT)).timeout_connect(Some(CONNECT_TIMEOUT)).build().new_agent()
}

/// An answer, read whole.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub request_id: String,
    pub date: Option<String>,
}

impl Reply {
    pub fn read(response: Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let (parts, mut body) = response.into_parts();
        let text = body.with_config().limit(ANSWER_MAX_BYTES).read_to_string()?;
        let field = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self {
            status: parts.status.as_u16(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            request_id: field("x-request-id").unwrap_or_default(),
            date: field("date"),
        })
    }

    /// What the gate says was wrong.
    pub fn message(&self) -> String {
        let message = self.body["message"].as_str().unwrap_or_default();
        match (message, self.status) {
            (_, 200..=299) => "the answer is not a gate's: is the address right?".to_owned(),
            ("", status) => format!("status {status}, and not from a gate: is the address right?"),
            (message, _) => message.to_owned(),
        }
    }

    /// The body, if the gate did what it was asked to; it then holds this field.
    pub fn done(self, field: &str) -> Result<Value, Failure> {
        let told = || match &*self.request_id {
            "" => self.message(),
            request_id => format!("{} (request {request_id})", self.message()),
        };
        match self.status {
            200..=299 if self.body.get(field).is_some() => Ok(self.body),
            401 => Err(Failure::Unauthorized(format!(
                "{} Is the token right, not expired, and good from this address?",
                told()
            ))),
            403 => Err(Failure::Unauthorized(told())),
            429 | 500..=599 => Err(Failure::Unavailable(told())),
            _ => Err(Failure::Refused(told())),
        }
    }
}

/// Asks one gate with one token.
pub struct Client {
    agent: Agent,
    pub target: Target,
}

impl Client {
    pub fn new(target: Target) -> Self {
        Self { agent: agent(&target.url), target }
    }

    pub fn get(&self, path: &str, field: &str) -> Result<Value, Failure> {
        self.send("GET", path, None)?.done(field)
    }

    /// Adds a page's entries to those before, and gives back the cursor of the next one. `path` ends with a parameter.
    pub fn page(
        &self,
        path: &str,
        field: &str,
        cursor: &str,
        entries: &mut Vec<Value>,
    ) -> Result<Option<String>, Failure> {
        let mut page = self.get(&format!("{path}&cursor={}", encoded(cursor)), field)?;
        if let Some(values) = page[field].as_array_mut() {
            entries.append(values);
        }
        Ok(page["next_cursor"].as_str().map(str::to_owned))
    }

    pub fn post(&self, path: &str, body: &Value, field: &str) -> Result<Value, Failure> {
        self.send("POST", path, Some(body))?.done(field)
    }

    /// Sends a request, and gives back whatever came.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.target.url))
            .header("Authorization", &self.target.authorization)
            .header("Content-Type", "application/json");
        let unreachable = |error: &dyn std::fmt::Display| Failure::Unavailable(unreachable(&self.target.url, error));
        let sent = match body {
            Some(body) => request.body(body.to_string()).map(|request| self.agent.run(request)),
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let response = sent.map_err(|error| Failure::Usage(error.to_string()))?.map_err(|error| unreachable(&error))?;
        Reply::read(response).map_err(|error| unreachable(&error))
    }
}

/// A sentence about a server that gave no answer.
pub fn unreachable(url: &str, error: &dyn std::fmt::Display) -> String {
    format!("{url} gave no answer: {error}")
}
