//! 200 clients that change and use the keys of 20 users for a minute.

use std::time::Duration;

use crate::concurrency::{Work, run};
use crate::harness::figures;

const WORK: Work = Work { clients: 200, users: 20, duration: Duration::from_secs(60) };

#[test]
#[ignore = "a minute and a half: npm run soak"]
fn two_hundred_clients_see_one_order_of_changes_for_a_minute() {
    let checked = run(&WORK);
    figures(&format!(
        "{} clients, {} users, {} s: {} secrets generated, {} revocations; of the uses {} had to be admitted and were, {} had to be
refused and were, {} came while that changed. Registry, KV and audit log agreed.",
        WORK.clients, WORK.users, WORK.duration.as_secs(), checked.generated, checked.revoked, checked.admitted, checked.refused, checked.undecided
    ));
    assert!(checked.admitted > 500 && checked.refused > 500, "too little to tell anything: {checked:?}");
}
