//! `gatehouse import`: rows in batches, tried first, then taken. A batch repeated does no harm, so an import that broke
//! off is simply started again.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::arguments::Import;
use crate::client::Client;
use crate::failure::Failure;
use crate::frappe::Frappe;
use crate::import_file;
use crate::output::{Output, text};

/// The most rows that the gate takes at a time.
const BATCH_ROWS: usize = 1_000;
/// A body has at most 4 MiB; rows with long lists of rules come in smaller batches.
const BATCH_MAX_BYTES: usize = 3 << 20;

/// What became of rows, numbered as they stand in the file.
#[derive(Default)]
struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    problems: Vec<Value>,
}

impl Report {
    /// Takes an answer of the gate about rows that start behind `offset`.
    fn take(&mut self, answer: &Value, offset: usize) {
        for row in answer["rows"].as_array().into_iter().flatten() {
            match text(row, "result") {
                "created" => self.created = self.created.saturating_add(1),
                "updated" => self.updated = self.updated.saturating_add(1),
                "unchanged" => self.unchanged = self.unchanged.saturating_add(1),
                _ => {
                    let mut row = row.clone();
                    row["row"] = number(&row).saturating_add(offset).into();
                    self.problems.push(row);
                }
            }
        }
    }

    fn print(&self, output: &mut Output, is_dry_run: bool) -> Result<(), Failure> {
        let Self { created, updated, unchanged, problems } = self;
        if output.is_json {
            output.json(&json!({
                "dry_run": is_dry_run, "created": created, "updated": updated, "unchanged": unchanged, "problems": problems,
            }))?;
        } else {
            if !problems.is_empty() {
                let row = |row: &Value| {
                    vec![
                        row["row"].as_u64().map(|number| number.to_string()).unwrap_or_default(),
                        text(row, "user").to_owned(),
                        text(row, "result").to_owned(),
                        text(row, "message").to_owned(),
                    ]
                };
                output.table(&["ROW", "USER", "RESULT", "WHY"], &problems.iter().map(row).collect::<Vec<_>>())?;
            }
            let tense = if is_dry_run { "would be " } else { "" };
            output.text(&format!(
                "{created} {tense}created, {updated} {tense}updated, {unchanged} {tense}unchanged, {} not right",
                problems.len()
            ))?;
        }
        Ok(())
    }
}

/// Whether the gate will not have a row.
fn is_wrong(row: &Value) -> bool {
    matches!(text(row, "result"), "conflict" | "invalid")
}

/// Where a row stands in its batch, from 1.
fn number(row: &Value) -> usize {
    usize::try_from(row["row"].as_u64().unwrap_or_default()).unwrap_or_default()
}

pub fn run(client: &Client, output: &mut Output, import: &Import, allow_http: bool) -> Result<(), Failure> {
    match (&import.file, &import.from_frappe) {
        (Some(path), None) => from_rows(client, output, &import_file::rows(path)?, import.dry_run),
        (None, Some(url)) => from_frappe(client, output, &Frappe::new(url, allow_http)?, import),
        _ => Err(Failure::Usage("name a file, or --from-frappe".to_owned())),
    }
}

/// All rows are tried first: where one is not right, nothing is imported.
fn from_rows(client: &Client, output: &mut Output, rows: &[Value], is_dry_run: bool) -> Result<(), Failure> {
    let mut report = Report { problems: repeated(rows), ..Report::default() };
    in_batches(output, rows, "trying", |batch, offset| {
        report.take(&send_what_is_right(client, batch, true)?, offset);
        Ok(())
    })?;
    if is_dry_run || !report.problems.is_empty() {
        let printed = report.print(output, true);
        let wrong = || Failure::Refused("not every row is right: nothing was imported".to_owned());
        return if report.problems.is_empty() { printed } else { Err(wrong()) };
    }
    let mut report = Report::default();
    let done = in_batches(output, rows, "importing", |batch, offset| {
        let sent = send_batch(client, batch, false).map_err(|failure| broke_off(failure, offset))?;
        report.take(&sent, offset);
        let meanwhile = || Failure::Refused(format!("somebody else changed users meanwhile; {offset} rows are in"));
        if report.problems.is_empty() { Ok(()) } else { Err(meanwhile()) }
    });
    let printed = report.print(output, false);
    done.and(printed)
}

fn in_batches(
    output: &Output,
    rows: &[Value],
    what: &'static str,
    mut send: impl FnMut(&[Value], usize) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bar = output.progress(u64::try_from(rows.len()).unwrap_or_default(), what);
    let mut offset = 0;
    for batch in batches(rows) {
        let sent = send(batch, offset);
        if sent.is_err() {
            bar.abandon();
            return sent;
        }
        offset = offset.saturating_add(batch.len());
        bar.set_position(u64::try_from(offset).unwrap_or_default());
    }
    bar.finish_and_clear();
    Ok(())
}

/// Rows that name a user or an api_key again: the gate sees a batch at a time, and would find them too late.
fn repeated(rows: &[Value]) -> Vec<Value> {
    let mut problems = Vec::new();
    for field in ["user", "api_key"] {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let value = text(row, field).trim();
            // User names are unique whatever their case.
            let value = if field == "user" { value.to_lowercase() } else { value.to_owned() };
            let row_number = at.saturating_add(1);
            match seen.get(&value) {
                Some(first) => problems.push(json!({
                    "row": row_number, "user": text(row, "user"), "result": "conflict",
                    "message": format!("row {first} has the same {field}"),
                })),
                None if value.is_empty() => {}
                None => drop(seen.insert(value, row_number)),
            }
        }
    }
    problems
}

/// As many rows as the gate takes at a time.
fn batches(rows: &[Value]) -> Vec<&[Value]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0usize);
    for (at, row) in rows.iter().enumerate() {
        let length = row.to_string().len();
        if at.saturating_sub(start) == BATCH_ROWS || bytes.saturating_add(length) > BATCH_MAX_BYTES {
            batches.extend(rows.get(start..at).filter(|batch| !batch.is_empty()));
            (start, bytes) = (at, 0);
        }
        bytes = bytes.saturating_add(length);
    }
    batches.extend(rows.get(start..).filter(|batch| !batch.is_empty()));
    batches
}

/// The gate's answer about a batch; one that names rows is an answer, whatever its status.
fn send_batch(client: &Client, rows: &[Value], is_dry_run: bool) -> Result<Value, Failure> {
    let reply = client.send("POST", "/_gatehouse/import", Some(&json!({ "users": rows, "dry_run": is_dry_run })))?;
    if !matches!(reply.status, 409 | 417) || !reply.body["rows"].is_array() {
        return reply.done("rows");
    }
    let mut body = reply.body;
    if let Some(rows) = body["rows"].as_array_mut() {
        // Nothing became of the others.
        rows.retain(is_wrong);
    }
    Ok(body)
}

/// Sends rows, and again without those that the gate will not have, so that each is judged and the rest goes on.
fn send_what_is_right(client: &Client, rows: &[Value], is_dry_run: bool) -> Result<Value, Failure> {
    let mut left: Vec<(usize, &Value)> = (1..).zip(rows).collect();
    let mut reports = Vec::new();
    while !left.is_empty() {
        let batch: Vec<_> = left.iter().map(|(_, row)| (*row).clone()).collect();
        let answer = send_batch(client, &batch, is_dry_run)?;
        let mut answered = answer["rows"].as_array().cloned().unwrap_or_default();
        let mut wrong = HashSet::new();
        for row in &mut answered {
            let Some((place, _)) = left.get(number(row).saturating_sub(1)) else { continue };
            if is_wrong(row) {
                wrong.insert(*place);
            }
            row["row"] = (*place).into();
        }
        reports.extend(answered);
        if wrong.is_empty() {
            break;
        }
        left.retain(|(place, _)| !wrong.contains(place));
    }
    Ok(json!({ "rows": reports }))
}

fn broke_off(failure: Failure, offset: usize) -> Failure {
    let hint = format!("{offset} rows are in; start the same import again, it leaves them unchanged");
    with_hint(failure, &hint)
}

/// Users of a Frappe site, batch by batch: secrets stay in memory no longer than their batch. Who cannot be imported is
/// left out and told.
fn from_frappe(client: &Client, output: &mut Output, frappe: &Frappe, import: &Import) -> Result<(), Failure> {
    let users = frappe.users(import.after.as_deref())?;
    let bar = output.progress(u64::try_from(users.len()).unwrap_or_default(), "importing");
    let (mut report, mut last, mut done) = (Report::default(), import.after.as_deref(), Ok(()));
    for batch in users.chunks(BATCH_ROWS) {
        let taken = frappe
            .rows(batch, &bar)
            .and_then(|(rows, problems)| Ok((send_what_is_right(client, &rows, import.dry_run)?, problems)));
        match taken {
            Ok((answer, problems)) => {
                report.take(&answer, 0);
                report.problems.extend(problems);
                last = batch.last().map(|user| user.name.as_str()).or(last);
            }
            Err(failure) => {
                done = Err(match last {
                    Some(last) => with_hint(failure, &format!("go on with --after {}", quoted(last))),
                    None => failure,
                });
                break;
            }
        }
    }
    bar.finish_and_clear();
    for problem in &mut report.problems {
        // Places in a batch mean nothing to a person.
        problem["row"] = Value::Null;
    }
    let printed = report.print(output, import.dry_run);
    done?;
    let left_out = || Failure::Refused("some users were left out: see above".to_owned());
    if report.problems.is_empty() { printed } else { Err(left_out()) }
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn with_hint(failure: Failure, hint: &str) -> Failure {
    let message = format!("{}\n{hint}", failure.message().unwrap_or_default());
    match failure {
        Failure::Unauthorized(_) => Failure::Unauthorized(message),
        Failure::Unavailable(_) => Failure::Unavailable(message),
        Failure::Usage(_) => Failure::Usage(message),
        Failure::Refused(_) | Failure::Told | Failure::Io(_) => Failure::Refused(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_as_many_rows_as_the_gate_takes() {
        let lengths = |rows: &[Value]| batches(rows).iter().map(|batch| batch.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&vec![json!({ "user": "a" }); 2_500]), [1_000, 1_000, 500]);
        assert_eq!(lengths(&vec![json!({ "user": "a" }); 1_000]), [1_000]);
        let long = json!({ "user": "a", "rules": vec!["GET /".repeat(100); 64] });
        assert!(lengths(&vec![long; 300]).iter().all(|length| *length < 110));
    }
}
