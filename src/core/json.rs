//! JSON is made field by field: `json!` and `Display` of serde_json would each bring a serializer of their own into the
//! Worker (7 KB compressed).

use memchr::memchr2_iter;
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
    if text.bytes().any(|byte| byte < b' ') {
        line.push_str(&written(&Value::String(text.to_owned())));
        return;
    }
    // All else stands there as it is, but for two signs (RFC 8259 §7).
    line.push('"');
    let mut start = 0;
    for sign in memchr2_iter(b'"', b'\\', text.as_bytes()) {
        line.push_str(text.get(start..sign).unwrap_or_default());
        line.push('\\');
        start = sign;
    }
    line.push_str(text.get(start..).unwrap_or_default());
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_as_serde_json_does() {
        for text in ["", "plain", "\"", "\\", "[\"a\\b\"]", "\"\"é\\\\", "\u{1}\"", "a\nb", "\u{7f}\u{2028}", "日本"]
        {
            let mut line = String::new();
            push_quoted(&mut line, text);
            assert_eq!(line, written(&text.into()), "{text:?}");
        }
    }
}
