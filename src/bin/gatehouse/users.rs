//! `gatehouse users`: list, show, set, generate, revoke, delete.

use serde_json::{Map, Value, json};

use crate::arguments::{Settings, UsersWord};
use crate::client::{Client, encoded};
use crate::execute::delivered;
use crate::failure::Failure;
use crate::output::{Output, confirm, list, note, printable, text};

/// The largest page of a list that the gate gives.
const PAGE_MAX: usize = 200;
/// How many entries a person is shown unless more are asked for.
const LIMIT_DEFAULT: usize = 50;

pub fn run(client: &Client, output: &mut Output, word: UsersWord) -> Result<(), Failure> {
    match word {
        UsersWord::List { search, status, limit } => {
            let limit = Limit::new(limit, output);
            let search = search.as_deref().map(|start| format!("&q={}", encoded(start))).unwrap_or_default();
            let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
            print_list(output, &pages(client, &format!("/_gatehouse/users?{search}{status}"), "users", &limit)?)
        }
        UsersWord::Show { user } => print_user(output, &client.get(&path(&user, "")?, "user")?),
        UsersWord::Set { user, settings } => {
            let reply = client.send("PUT", &path(&user, "")?, Some(&body(&settings)))?;
            print_user(output, &reply.done("user")?)
        }
        UsersWord::Generate { user, grace } => {
            let minted = client.post(&path(&user, "/generate")?, &json!({ "grace_seconds": grace }), "api_secret")?;
            print_minted(client, output, &minted)
        }
        UsersWord::Revoke { user, yes } => {
            if !yes {
                confirm(&format!("Make all keys of {user} unusable for good?"))?;
            }
            print_user(output, &client.post(&path(&user, "/revoke")?, &json!({}), "user")?)
        }
        UsersWord::Delete { user, yes } => {
            if !yes {
                confirm(&format!("Revoke the keys of {user}, clear all settings, and hide the user?"))?;
            }
            let deleted = client.send("DELETE", &path(&user, "")?, None)?.done("user")?;
            if output.is_json {
                return output.json(&deleted);
            }
            output.text(&format!("{} is gone{}", printable(text(&deleted, "user")), spreading(&deleted)))
        }
    }
}

fn path(user: &str, verb: &str) -> Result<String, Failure> {
    // They would name another route.
    if matches!(user, "" | "." | "..") {
        return Err(Failure::Usage(format!("{user:?} is no user's name")));
    }
    Ok(format!("/_gatehouse/users/{}{verb}", encoded(user)))
}

/// How many entries are wanted, and whether a person has to be told that there are more.
pub struct Limit {
    wanted: usize,
    tells: bool,
}

impl Limit {
    /// As many as were asked for; else a screenful for people, and all for scripts.
    pub fn new(asked: Option<usize>, output: &Output) -> Self {
        let otherwise = if output.is_json { usize::MAX } else { LIMIT_DEFAULT };
        Self { wanted: asked.unwrap_or(otherwise), tells: asked.is_none() }
    }
}

/// Entries of a paged list, as many as wanted. `path` ends with a question mark or a parameter.
pub fn pages(client: &Client, path: &str, field: &str, limit: &Limit) -> Result<Vec<Value>, Failure> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let left = limit.wanted.saturating_sub(entries.len());
        if left == 0 {
            if limit.tells {
                note("there are more: --limit says how many to show");
            }
            break;
        }
        let limit = PAGE_MAX.min(left);
        match client.page(&format!("{path}&limit={limit}"), field, &cursor, &mut entries)? {
            Some(next) => cursor = next,
            None => break,
        }
    }
    Ok(entries)
}

fn body(settings: &Settings) -> Value {
    let mut body = Map::new();
    let mut lists = |name: &str, values: &Vec<String>, is_cleared: bool| {
        if is_cleared || !values.is_empty() {
            body.insert(name.to_owned(), values.clone().into());
        }
    };
    lists("roles", &settings.roles, settings.no_roles);
    lists("allowed_ips", &settings.allowed_ips, settings.any_ip);
    lists("rules", &settings.rules, settings.no_rules);
    let mut flags = |name: &str, on: bool, off: bool| {
        if on || off {
            body.insert(name.to_owned(), on.into());
        }
    };
    flags("enabled", settings.enable, settings.disable);
    flags("strict", settings.strict, settings.no_strict);
    if let Some(end) = &settings.not_after {
        body.insert("not_after".to_owned(), if end == "never" { Value::Null } else { end.as_str().into() });
    }
    Value::Object(body)
}

fn print_list(output: &mut Output, users: &[Value]) -> Result<(), Failure> {
    if output.is_json {
        return output.json(&users.into());
    }
    if users.is_empty() {
        return output.text("no users");
    }
    let row = |user: &Value| {
        let mut row: Vec<_> = ["user", "api_key", "status"].iter().map(|name| text(user, name).to_owned()).collect();
        row.push(list(user, "roles"));
        row.extend(["created_at", "rotated_at", "last_used_at", "not_after"].iter().map(|name| day(text(user, name))));
        row
    };
    let header = ["USER", "API KEY", "STATUS", "ROLES", "CREATED", "ROTATED", "LAST USED", "EXPIRES"];
    output.table(&header, &users.iter().map(row).collect::<Vec<_>>())
}

/// The day of a time; lists are for an overview.
fn day(time: &str) -> String {
    time.split('T').next().unwrap_or_default().to_owned()
}

fn print_user(output: &mut Output, user: &Value) -> Result<(), Failure> {
    if output.is_json {
        return output.json(user);
    }
    let or = |value: String, other: &str| if value.is_empty() { other.to_owned() } else { value };
    let field = |name: &str, other: &str| or(text(user, name).to_owned(), other);
    output.pairs(&[
        ("user", field("user", "")),
        ("api_key", field("api_key", "none yet: gatehouse users generate")),
        ("status", format!("{}{}", text(user, "status"), spreading(user))),
        ("secrets", user["secrets"].to_string()),
        ("roles", or(list(user, "roles"), "none")),
        ("expires", field("not_after", "never")),
        ("allowed from", or(list(user, "allowed_ips"), "anywhere")),
        ("rules", or(list(user, "rules"), "none: good for every request")),
        ("strict", user["strict"].to_string()),
        ("created", field("created_at", "")),
        ("rotated", field("rotated_at", "never")),
        ("last used", field("last_used_at", "never")),
    ])
}

/// What to say where KV does not know yet.
fn spreading(answer: &Value) -> &'static str {
    if answer["published"] == false { " (KV has yet to learn it; the registry goes on trying)" } else { "" }
}

/// The one place where the command prints a secret.
fn print_minted(client: &Client, output: &mut Output, minted: &Value) -> Result<(), Failure> {
    if output.is_json {
        return delivered(output.json(minted));
    }
    let (api_key, api_secret) = (text(minted, "api_key"), text(minted, "api_secret"));
    delivered(output.pairs(&[
        ("user", format!("{}{}", text(minted, "user"), spreading(minted))),
        ("api_key", api_key.to_owned()),
        ("api_secret", format!("{api_secret}  (shown this once)")),
    ]))?;
    let url = &client.target.url;
    output.text(&format!(
        "\ncurl -H \"Authorization: token {api_key}:{api_secret}\" {url}/api/method/frappe.auth.get_logged_user"
    ))
}
