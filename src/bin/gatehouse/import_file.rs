//! Import files read, and exports that can be imported again.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::Failure;
use crate::import_rows::{csv_rows, json_rows};
use crate::output::Output;

/// Reads all rows of a file; `-` is JSON on standard input.
pub fn rows(path: &Path) -> Result<Vec<Value>, Failure> {
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        let named = |error| Failure::Usage(format!("{}: {error}", path.display()));
        bytes = std::fs::read(path).map_err(named)?;
    }
    // Spreadsheets and editors begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let rows = if is_csv { csv_rows(bytes) } else { json_rows(bytes) };
    let kind = if is_csv { "" } else { " (a file whose name ends in .csv is read as CSV, any other as JSON)" };
    let rows = rows.map_err(|message| Failure::Usage(format!("{}: {message}{kind}", path.display())))?;
    if rows.is_empty() {
        return Err(Failure::Usage(format!("{} holds no users", path.display())));
    }
    Ok(rows)
}

/// Writes all users, page by page, as one object that can be imported.
pub fn export(client: &Client, output: &mut Output, file: Option<&Path>) -> Result<(), Failure> {
    let (mut users, mut cursor) = (Vec::new(), String::new());
    while let Some(next) = client.page("/_gatehouse/export?", "users", &cursor, &mut users)? {
        cursor = next;
    }
    let count = users.len();
    let lines: Vec<_> = users.iter().map(Value::to_string).collect();
    let text = format!("{{\"users\": [\n{}\n]}}", lines.join(",\n"));
    let Some(path) = file else {
        return output.text(&text);
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let named = |error| Failure::Usage(format!("{}: {error}", path.display()));
    let mut written = options.open(path).map_err(named)?;
    written.write_all(text.as_bytes())?;
    written.write_all(b"\n")?;
    if output.is_json {
        return output.json(&json!({ "users": count }));
    }
    output.text(&format!("{count} users written to {}", path.display()))
}
