//! `gatehouse import`: rows in batches, tried first, then taken. A batch repeated does no harm, so an import that broke
//! off is simply started again.

use serde_json::{Value, json};

use crate::arguments::Import;
use crate::client::Client;
use crate::failure::Failure;
use crate::frappe::Frappe;
use crate::import_file;
use crate::output::{Output, text};

/// The most rows that the gate takes at a time.
pub const BATCH_ROWS: usize = 1_000;
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
                    let number = usize::try_from(row["row"].as_u64().unwrap_or_default()).unwrap_or_default();
                    row["row"] = number.saturating_add(offset).into();
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
                        row["row"].to_string(),
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

pub fn run(client: &Client, output: &mut Output, import: &Import) -> Result<(), Failure> {
    match (&import.file, &import.from_frappe) {
        (Some(path), None) => from_rows(client, output, &import_file::rows(path)?, import.dry_run),
        (None, Some(url)) => from_frappe(client, output, &Frappe::new(url)?, import),
        _ => Err(Failure::Usage("name a file, or --from-frappe".to_owned())),
    }
}

/// All rows are tried first: where one is not right, nothing is imported.
fn from_rows(client: &Client, output: &mut Output, rows: &[Value], is_dry_run: bool) -> Result<(), Failure> {
    let tried = send(client, output, rows, true)?;
    if is_dry_run || !tried.problems.is_empty() {
        tried.print(output, true)?;
        return if tried.problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::Refused("not every row is right: nothing was imported".to_owned()))
        };
    }
    let done = send(client, output, rows, false)?;
    done.print(output, false)?;
    if done.problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused("somebody else changed users meanwhile: see above".to_owned()))
    }
}

fn send(client: &Client, output: &Output, rows: &[Value], is_dry_run: bool) -> Result<Report, Failure> {
    let mut report = Report::default();
    let what = if is_dry_run { "trying" } else { "importing" };
    let bar = output.progress(u64::try_from(rows.len()).unwrap_or_default(), what);
    let mut offset = 0;
    for batch in batches(rows) {
        let answer = send_batch(client, batch, is_dry_run).map_err(|failure| {
            bar.abandon();
            broke_off(failure, offset, is_dry_run)
        })?;
        report.take(&answer, offset);
        offset = offset.saturating_add(batch.len());
        bar.set_position(u64::try_from(offset).unwrap_or_default());
    }
    bar.finish_and_clear();
    Ok(report)
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
        rows.retain(|row| matches!(text(row, "result"), "conflict" | "invalid"));
    }
    Ok(body)
}

fn broke_off(failure: Failure, offset: usize, is_dry_run: bool) -> Failure {
    let (Failure::Unavailable(message), false) = (&failure, is_dry_run) else {
        return failure;
    };
    Failure::Unavailable(format!(
        "{message}\n{offset} rows are in; start the same import again, it leaves them unchanged"
    ))
}

/// Users of a Frappe site, batch by batch: secrets stay in memory no longer than their batch.
fn from_frappe(client: &Client, output: &mut Output, frappe: &Frappe, import: &Import) -> Result<(), Failure> {
    let users = frappe.users(import.after.as_deref())?;
    let bar = output.progress(u64::try_from(users.len()).unwrap_or_default(), "importing");
    let (mut report, mut offset, mut last) = (Report::default(), 0, import.after.clone());
    for batch in users.chunks(BATCH_ROWS) {
        let taken = frappe.rows(batch).and_then(|(rows, problems)| {
            let answer = if rows.is_empty() { Value::Null } else { send_batch(client, &rows, import.dry_run)? };
            Ok((answer, problems))
        });
        let (answer, problems) = taken.map_err(|failure| {
            bar.abandon();
            go_on_behind(failure, last.as_deref())
        })?;
        let refused = answer["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|row| matches!(text(row, "result"), "conflict" | "invalid"));
        report.take(&answer, offset);
        report.problems.extend(problems);
        if refused && !import.dry_run {
            bar.abandon();
            report.print(output, false)?;
            return Err(go_on_behind(Failure::Refused("a batch was refused".to_owned()), last.as_deref()));
        }
        offset = offset.saturating_add(batch.len());
        last = batch.last().map(|user| user.name.clone()).or(last);
        bar.set_position(u64::try_from(offset).unwrap_or_default());
    }
    bar.finish_and_clear();
    report.print(output, import.dry_run)?;
    if report.problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused("some users were left out: see above".to_owned()))
    }
}

fn go_on_behind(failure: Failure, last: Option<&str>) -> Failure {
    let Some(last) = last else {
        return failure;
    };
    let message = format!("{}\ngo on with --after '{last}'", failure.message().unwrap_or_default());
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
