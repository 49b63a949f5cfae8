//! `gatehouse reconcile`: makes KV equal to the registry, and waits until it is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;

const PATH: &str = "/_gatehouse/reconcile";
const PAUSE: Duration = Duration::from_secs(1);
/// The registry's own pauses, when KV fails, are at most 30 s.
const PATIENCE: Duration = Duration::from_secs(180);

pub fn run(client: &Client, output: &mut Output, only_status: bool) -> Result<(), Failure> {
    if only_status {
        let progress = client.get(PATH, "total")?;
        return print(output, &progress);
    }
    let mut progress = client.post(PATH, &json!({}), "total")?;
    let bar = output.progress(number(&progress, "total"), "reconciling");
    let mut since = Instant::now();
    while number(&progress, "done") < number(&progress, "total") {
        std::thread::sleep(PAUSE);
        let later = client.get(PATH, "total")?;
        if later != progress {
            since = Instant::now();
        }
        progress = later;
        bar.set_position(number(&progress, "done"));
        if since.elapsed() > PATIENCE {
            return Err(Failure::Unavailable(
                "the reconciliation stands still: `gatehouse doctor` may know why".to_owned(),
            ));
        }
    }
    bar.finish_and_clear();
    print(output, &progress)
}

fn number(progress: &Value, name: &str) -> u64 {
    progress[name].as_u64().unwrap_or_default()
}

fn print(output: &mut Output, progress: &Value) -> Result<(), Failure> {
    if output.is_json {
        return output.json(progress);
    }
    output.text(&match (number(progress, "done"), number(progress, "total")) {
        (0, 0) => "never reconciled".to_owned(),
        (done, total) if done == total => format!("reconciled: {} grants", total.saturating_sub(1)),
        (done, total) => format!("under way: {done} of {total}"),
    })
}
