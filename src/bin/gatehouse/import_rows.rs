//! From the bytes of an import file to rows as the gate takes them. No I/O, so that it is fuzzed as it is.

use serde_json::{Map, Value};

/// Columns that hold one text, those that hold a list, and those that hold true or false. The web page takes the same.
const TEXTS: [&str; 4] = ["user", "api_key", "api_secret", "not_after"];
const LISTS: [&str; 3] = ["roles", "allowed_ips", "rules"];
const FLAGS: [&str; 2] = ["enabled", "strict"];

/// `{"users": […]}`, a list, or several of them one after the other.
pub fn json_rows(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut rows = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value.map_err(|error| error.to_string())? {
            Value::Array(values) => rows.extend(values),
            Value::Object(mut fields) => match fields.remove("users") {
                Some(Value::Array(values)) => rows.extend(values),
                _ => return Err("a list of users, or an object with `users`, is expected".to_owned()),
            },
            _ => return Err("a list of users, or an object with `users`, is expected".to_owned()),
        }
    }
    Ok(rows)
}

/// A header, then a row for each user. Empty cells are left out.
pub fn csv_rows(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let first = bytes.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let delimiter = first.iter().copied().find(|byte| b",;".contains(byte)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| error.to_string())?;
    let header: Vec<_> = header.iter().map(|column| column.to_ascii_lowercase().replace(' ', "_")).collect();
    let known = || TEXTS.iter().chain(&LISTS).chain(&FLAGS);
    if let Some(unknown) = header.iter().find(|column| !known().any(|name| name == column)) {
        let names: Vec<_> = known().copied().collect();
        return Err(format!("there is no column {unknown:?}; the columns are {}", names.join(", ")));
    }
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let mut row = Map::new();
        for (column, cell) in header.iter().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
            row.insert(
                column.clone(),
                cell_value(column, cell)
                    .ok_or_else(|| format!("row {}: {column} {}", number.saturating_add(1), expected(column)))?,
            );
        }
        rows.push(Value::Object(row));
    }
    Ok(rows)
}

/// What a cell should be. What it is stays out of messages: a secret may stand in the wrong column.
fn expected(column: &str) -> &'static str {
    if column == "roles" { "takes roles separated by commas" } else { "has to be true or false" }
}

fn cell_value(column: &str, cell: &str) -> Option<Value> {
    if column == "roles" && cell.contains(';') {
        return None;
    }
    if LISTS.contains(&column) {
        let is_separator = |character: char| match column {
            "roles" => character == ',',
            "allowed_ips" => character == ',' || character.is_whitespace(),
            // No rule holds a semicolon.
            _ => matches!(character, ';' | '\n'),
        };
        return Some(cell.split(is_separator).map(str::trim).filter(|text| !text.is_empty()).collect());
    }
    if FLAGS.contains(&column) {
        return match cell.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true.into()),
            "false" | "0" | "no" => Some(false.into()),
            _ => None,
        };
    }
    Some(cell.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_of_csv_is_what_the_gate_takes() {
        let text = "user,api_key,api_secret,roles,enabled,rules\n\
                    alice@example.com, k1 ,s1,\"System Manager, Auditor\",,\n\
                    \"o'hara, ann\",k2,s2,,no,GET /a/*;POST /b\n";
        assert_eq!(
            csv_rows(text.as_bytes()).unwrap(),
            [
                json!({ "user": "alice@example.com", "api_key": "k1", "api_secret": "s1", "roles": ["System Manager", "Auditor"] }),
                json!({ "user": "o'hara, ann", "api_key": "k2", "api_secret": "s2", "enabled": false, "rules": ["GET /a/*", "POST /b"] }),
            ]
        );
        assert_eq!(
            csv_rows(b"User;API key;Allowed IPs\r\nann;k;192.0.2.1, ::1\r\n").unwrap(),
            [json!({ "user": "ann", "api_key": "k", "allowed_ips": ["192.0.2.1", "::1"] })]
        );
        assert!(csv_rows(b"user,password\na,b\n").unwrap_err().contains("password"));
        assert!(csv_rows(b"user,enabled\na,maybe\n").unwrap_err().contains("row 1"));
        assert!(csv_rows(b"user,api_key\na\n").is_err(), "a row of another length");
    }

    #[test]
    fn json_is_a_list_or_pages_of_an_export() {
        for text in
            [r#"[{"user":"a"},{"user":"b"}]"#, r#"{"users":[{"user":"a"}],"next_cursor":"x"} {"users":[{"user":"b"}]}"#]
        {
            assert_eq!(json_rows(text.as_bytes()).unwrap(), [json!({ "user": "a" }), json!({ "user": "b" })]);
        }
        for text in ["{", r#"{"people":[]}"#, "5", r#"{"users":{}}"#] {
            assert!(json_rows(text.as_bytes()).is_err(), "{text}");
        }
    }
}
