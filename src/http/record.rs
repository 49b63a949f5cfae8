//! What is told of each request that the gate decides: a log line and a data point. Never a secret, a digest, a path
//! or a query string.

use super::request_head::RequestHead;
use super::resource::Resource;
use crate::core::json::push_quoted;

/// The longest index of a data point, in bytes (Cloudflare, "Workers Analytics Engine limits").
const INDEX_MAX_BYTES: usize = 96;

/// What most lines take.
const LINE_BYTES: usize = 320;

/// A request, decided.
pub struct Record<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused, precisely.
    pub reason: Option<String>,
    /// Whether somebody should look.
    pub is_alarming: bool,
    /// Whose credentials came along, if they are anybody's: user and api_key.
    pub holder: Option<(&'a str, &'a str)>,
    /// What kind of route it went to.
    pub route: &'static str,
    /// The method.
    pub method: &'a str,
    /// The response's status.
    pub status: u16,
    /// From the request's arrival to the response's head.
    pub milliseconds: i64,
    /// The request's id.
    pub request_id: &'a str,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The gate answered it.
    Answered,
    /// The origin answered it.
    Forwarded,
    /// The gate refused it.
    Refused,
    /// The gate would have refused it, and only looked on.
    Observed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Forwarded => "forwarded",
            Self::Refused => "refused",
            Self::Observed => "observed",
        }
    }
}

impl<'a> Record<'a> {
    /// A request to a resource, as if the gate had answered it.
    #[must_use]
    pub fn new(resource: &Resource, head: &'a RequestHead) -> Self {
        Self {
            outcome: Outcome::Answered,
            reason: None,
            is_alarming: false,
            holder: None,
            route: resource.class(),
            method: &head.method,
            status: 200,
            milliseconds: 0,
            request_id: &head.request_id,
        }
    }

    /// The log line, in JSON.
    #[must_use]
    pub fn line(&self) -> String {
        let (user, api_key) = self.holder.unzip();
        let texts = [
            ("{\"outcome\":", Some(self.outcome.as_str())),
            (",\"reason\":", self.reason.as_deref()),
            (",\"user\":", user),
            (",\"api_key\":", api_key),
            (",\"route\":", Some(self.route)),
            (",\"method\":", Some(self.method)),
            (",\"request_id\":", Some(self.request_id)),
        ];
        // Written as it goes: every request pays for this, and an object would be made to be thrown away.
        let mut line = String::with_capacity(LINE_BYTES);
        for (name, text) in texts {
            line.push_str(name);
            match text {
                Some(text) => push_quoted(&mut line, text),
                None => line.push_str("null"),
            }
        }
        for (name, number) in [(",\"status\":", i64::from(self.status)), (",\"milliseconds\":", self.milliseconds)] {
            line.push_str(name);
            line.push_str(&number.to_string());
        }
        line.push('}');
        line
    }

    /// The data point's index, by which Analytics Engine samples: the api_key, cut to what an index may hold.
    #[must_use]
    pub fn index(&self) -> &str {
        let api_key = self.holder.map_or("", |(_, api_key)| api_key);
        // An api_key is ASCII.
        api_key.get(..INDEX_MAX_BYTES).unwrap_or(api_key)
    }

    /// The data point's texts.
    #[must_use]
    pub fn blobs(&self) -> [&str; 6] {
        let (user, api_key) = self.holder.unwrap_or_default();
        [self.outcome.as_str(), self.reason.as_deref().unwrap_or_default(), self.route, self.method, user, api_key]
    }

    /// The data point's numbers.
    #[must_use]
    pub fn doubles(&self) -> [i64; 2] {
        [i64::from(self.status), self.milliseconds]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record<'a>(holder: Option<(&'a str, &'a str)>, reason: Option<&str>) -> Record<'a> {
        Record {
            outcome: if reason.is_some() { Outcome::Refused } else { Outcome::Forwarded },
            reason: reason.map(str::to_owned),
            is_alarming: false,
            holder,
            route: "origin",
            method: "GET",
            status: 200,
            milliseconds: 12,
            request_id: "id",
        }
    }

    #[test]
    fn a_line_says_what_became_of_a_request() {
        let line: Value = serde_json::from_str(&record(Some(("alice", "k")), None).line()).unwrap();
        assert_eq!(
            line,
            json!({
                "outcome": "forwarded", "reason": null, "user": "alice", "api_key": "k", "route": "origin",
                "method": "GET", "status": 200, "milliseconds": 12, "request_id": "id",
            })
        );
        let line: Value = serde_json::from_str(&record(None, Some("no credentials")).line()).unwrap();
        assert_eq!(
            (&line["outcome"], &line["reason"], &line["user"]),
            (&json!("refused"), &json!("no credentials"), &Value::Null)
        );
    }

    #[test]
    fn a_data_point_fits_analytics_engine() {
        let long = "k".repeat(140);
        assert_eq!(record(Some(("alice", &long)), None).index().len(), 96);
        assert_eq!(record(Some(("alice", "k")), None).index(), "k");
        assert_eq!(record(None, None).index(), "");
        assert_eq!(record(Some(("alice", "k")), None).blobs(), ["forwarded", "", "origin", "GET", "alice", "k"]);
    }
}
