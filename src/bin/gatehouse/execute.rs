//! `gatehouse execute`: methods called as `bench execute` calls them, and printed as it prints.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, ascii_json};

/// The methods that the gate has, with the seed's short spelling.
const GENERATE_KEYS: [&str; 2] = ["frappe.core.doctype.user.user.generate_keys", "frappe.core.doctype.user.user"];
const LOGGED_USER: &str = "frappe.auth.get_logged_user";

/// Calls a method and prints what it gave back.
pub fn execute(
    client: &Client,
    output: &mut Output,
    method: &str,
    args: Option<&str>,
    kwargs: Option<&str>,
) -> Result<(), Failure> {
    let answer = if GENERATE_KEYS.contains(&method) {
        let user = match (args, kwargs) {
            (Some(args), None) => positional_user(args)?,
            (None, Some(kwargs)) => named_user(kwargs)?,
            _ => return Err(Failure::Usage(format!("{method} takes a user: --args \"['alice@example.com']\""))),
        };
        client.post(&format!("/api/method/{}", GENERATE_KEYS[0]), &json!({ "user": user }), "message")?
    } else if method == LOGGED_USER {
        client.get(&format!("/api/method/{LOGGED_USER}"), "message")?
    } else {
        return Err(Failure::Usage(format!(
            "the gate has no method {method}; it has {} and {LOGGED_USER}",
            GENERATE_KEYS[0]
        )));
    };
    let printed = output.text(&python_json(&answer["message"])?);
    if GENERATE_KEYS.contains(&method) { delivered(printed) } else { printed }
}

/// A secret that nobody has read is no success: the one before it is dead.
pub fn delivered(printed: Result<(), Failure>) -> Result<(), Failure> {
    let lost = |_| Failure::Refused("keys were made, but could not be printed: generate again".to_owned());
    printed.map_err(lost)
}

/// The one user in a Python list or tuple. `bench` takes anything else for one text, and so does this; what a shell made
/// of `['user']`, which is `[user]`, is understood too.
fn positional_user(args: &str) -> Result<String, Failure> {
    let args = args.trim();
    let no_user = || Failure::Usage(format!("--args {args} is no list of one user"));
    let inner =
        [('[', ']'), ('(', ')')].iter().find_map(|(open, close)| args.strip_prefix(*open)?.strip_suffix(*close));
    let Some(inner) = inner else {
        let word = quoted(args).or_else(|| is_bare(args).then(|| args.to_owned()));
        return word.ok_or_else(no_user);
    };
    // Python's list and tuple of texts are JSON5's list.
    let user = match json5::from_str::<Vec<Value>>(&format!("[{inner}]")) {
        Ok(values) => match values.as_slice() {
            [Value::String(user)] => Some(user.clone()),
            _ => None,
        },
        Err(_) => Some(inner.trim()).filter(|word| is_bare(word)).map(str::to_owned),
    };
    user.filter(|user| !user.is_empty()).ok_or_else(no_user)
}

/// Whether it can only be meant as it stands: a literal that was mistyped must not become a user's name.
fn is_bare(word: &str) -> bool {
    const MARKS: &[char] = &['\'', '"', '`', '‘', '’', '“', '”', '[', ']', '(', ')', '{', '}', ','];
    !word.is_empty() && word != "None" && !word.contains(MARKS)
}

fn quoted(text: &str) -> Option<String> {
    text.starts_with(['\'', '"']).then(|| json5::from_str(text).ok()).flatten()
}

fn named_user(kwargs: &str) -> Result<String, Failure> {
    let fields: Option<Value> = json5::from_str(kwargs).ok();
    let user = fields.as_ref().and_then(|fields| fields["user"].as_str());
    user.map(str::to_owned).ok_or_else(|| Failure::Usage(format!("--kwargs {kwargs} holds no user")))
}

/// JSON as Python's `json.dumps` writes it.
fn python_json(value: &Value) -> Result<String, Failure> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, PythonFormatter)).map_err(std::io::Error::from)?;
    Ok(ascii_json(&String::from_utf8_lossy(&text)))
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_user_as_bench_and_shells_write_it() {
        for (args, user) in [
            ("['alice']", Some("alice")),
            ("[\"alice\"]", Some("alice")),
            ("('alice',)", Some("alice")),
            ("('alice')", Some("alice")),
            ("[alice]", Some("alice")),
            ("[user_name]", Some("user_name")),
            ("[alice@example.com]", Some("alice@example.com")),
            (" [ 'alice' , ] ", Some("alice")),
            ("alice", Some("alice")),
            ("'alice'", Some("alice")),
            ("\"alice\"", Some("alice")),
            (r"['o\'hara']", Some("o'hara")),
            ("[]", None),
            ("['']", None),
            ("['a', 'b']", None),
            ("[a, b]", None),
            ("[5]", None),
            ("['alice]", None),
            ("['alice'", None),
            ("'a','b'", None),
            ("[‘alice’]", None),
            ("{'user': 'alice'}", None),
            ("None", None),
            ("", None),
        ] {
            assert_eq!(positional_user(args).ok().as_deref(), user, "{args}");
        }
        assert_eq!(named_user("{'user': 'alice'}").unwrap(), "alice");
        assert!(named_user("{'name': 'alice'}").is_err());
    }

    #[test]
    fn prints_json_as_python_does() {
        let value = json!({ "api_key": "a", "list": [1, "ü"] });
        assert_eq!(python_json(&value).unwrap(), r#"{"api_key": "a", "list": [1, "\u00fc"]}"#);
    }
}
