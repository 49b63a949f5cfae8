//! A response, read whole.

use serde_json::Value;
use ureq::http::{HeaderMap, Response};

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn read(response: Response<ureq::Body>) -> Self {
        Self::try_read(response).expect("the response broke off")
    }

    /// A response, unless it breaks off.
    pub fn try_read(mut response: Response<ureq::Body>) -> Option<Self> {
        let body = response.body_mut().with_config().limit(256 << 20).read_to_vec().ok()?;
        Some(Self { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// A header field, or "" where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The error's type, in Frappe's first envelope.
    pub fn exc_type(&self) -> String {
        self.json()["exc_type"].as_str().unwrap_or_default().to_owned()
    }

    /// What the example origin received under a header field's name, each field of that name.
    pub fn received(&self, name: &str) -> Vec<String> {
        let json = self.json();
        let headers = json["headers"].as_array().unwrap_or_else(|| panic!("not from the origin: {}", self.text()));
        let named = headers.iter().filter(|header| header[0] == name);
        named.map(|header| header[1].as_str().unwrap().to_owned()).collect()
    }

    /// Everything a client can tell apart, but for the request's own id and the clock.
    pub fn fingerprint(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date", "x-test-kv-reads"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        (self.status, headers, self.text())
    }
}
