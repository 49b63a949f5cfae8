//! `gatehouse audit`: the log of changes, newest first.

use serde_json::{Value, json};

use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::users::{Limit, pages};

pub fn run(client: &Client, output: &mut Output, user: Option<&str>, limit: Option<usize>) -> Result<(), Failure> {
    let user = user.map(|user| format!("&user={}", encoded(user))).unwrap_or_default();
    let entries = pages(client, &format!("/_gatehouse/audit?{user}"), "entries", &Limit::new(limit, output))?;
    if output.is_json {
        return output.json(&entries.into());
    }
    if entries.is_empty() {
        return output.text("no entries");
    }
    let row = |entry: &Value| {
        let mut row: Vec<_> =
            ["at", "actor", "address", "action", "user"].iter().map(|name| text(entry, name).to_owned()).collect();
        row.push(changes(&entry["detail"]));
        row
    };
    let header = ["AT", "ACTOR", "ADDRESS", "ACTION", "USER", "WHAT"];
    output.table(&header, &entries.iter().map(row).collect::<Vec<_>>())
}

/// `roles: [] → ["Auditor"]` for what changed; of what is new, what says something.
fn changes(detail: &Value) -> String {
    let one = |(name, value): (&String, &Value)| match (value.get("from"), value.get("to")) {
        (Some(Value::Null), Some(to)) if *to == json!([]) || *to == json!(false) => None,
        (Some(Value::Null), Some(to)) => Some(format!("{name}: {to}")),
        (Some(from), Some(to)) => Some(format!("{name}: {from} → {to}")),
        _ => Some(format!("{name}: {value}")),
    };
    detail.as_object().into_iter().flatten().filter_map(one).collect::<Vec<_>>().join(", ")
}
