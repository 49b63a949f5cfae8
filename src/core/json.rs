//! JSON is made field by field: `json!` and `Display` of serde_json would each bring a serializer of their own into the
//! Worker (7 KB compressed).

use serde_json::{Map, Value};

/// An object, written as in `json!`; what is in it has to be a value or become one.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::core::json::of_fields(vec![$(($name, ::serde_json::Value::from($value))),*])
    };
}

pub(crate) use object;

/// An object of these fields.
#[must_use]
pub fn of_fields(fields: Vec<(&str, Value)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// The text of a value.
#[must_use]
pub fn written(value: &Value) -> String {
    // Nothing that a value can be fails to be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// Adds a text as JSON has it.
pub fn push_quoted(line: &mut String, text: &str) {
    // Most stand there as they are (RFC 8259 §7).
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        line.push('"');
        line.push_str(text);
        line.push('"');
    } else {
        line.push_str(&written(&Value::String(text.to_owned())));
    }
}
