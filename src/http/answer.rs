//! The gate's own answers, before the platform makes responses of them.

use serde_json::Value;

use crate::core::json::{object, written};

/// How Frappe's API wraps a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{"message": …}`; errors as `exc_type` and its kin.
    V1,
    /// `{"data": …}`; errors as a list.
    V2,
}

impl Envelope {
    /// The envelope that a client of this path expects.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        if path.starts_with("/api/v2/") { Self::V2 } else { Self::V1 }
    }

    /// Wraps a result.
    #[must_use]
    pub fn wrap(self, result: &Value) -> Value {
        match self {
            Self::V1 => object! { "message": result.clone() },
            Self::V2 => object! { "data": result.clone() },
        }
    }
}

/// Status, header fields and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// Besides those that every answer of the gate carries, or in their place.
    pub headers: Vec<(&'static str, String)>,
    /// JSON unless a header field says otherwise, or nothing.
    pub body: Option<String>,
}

/// What every answer with a body carries unless it says otherwise: JSON that nobody stores and nobody takes for
/// something else.
pub const JSON_HEADERS: [(&str, &str); 3] =
    [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")];

impl Answer {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(written(body)) }
    }

    /// What a preflight or an `OPTIONS` gets on the gate's own routes.
    #[must_use]
    pub fn options(allow: &str) -> Self {
        Self { status: 204, headers: vec![("Allow", allow.to_owned())], body: None }
    }
}
