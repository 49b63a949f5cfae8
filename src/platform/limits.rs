//! Rate limits: how often an address may fail, and how often credentials may be used.

use super::bindings::{take_attempt, take_request};
use super::call::Call;
use super::{log, now_ms};
use crate::core::client_address::network;
use crate::http::refusal::Refusal;

/// Refuses a client whose address has failed too often, before anybody is asked about its credentials.
pub fn check_address(call: &Call<'_>) -> Result<(), Refusal> {
    if !call.gate.configuration.limits {
        return Ok(());
    }
    let wait = call.gate.failures.borrow_mut().wait_seconds(call.head.client_address.as_deref(), now_ms());
    wait.map_or(Ok(()), |wait_seconds| Err(Refusal::TooManyAttempts { wait_seconds }))
}

/// Counts a request of a subject: an api_key whose credentials are good, or what stands for credentials that the registry is
/// to judge.
pub async fn count_request(call: &Call<'_>, subject: &str) -> Result<(), Refusal> {
    if !call.gate.configuration.limits {
        return Ok(());
    }
    match take_request(call.env, subject).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::TooManyRequests),
        Err(error) => {
            log::failure("REQUESTS", call.head, &error);
            Err(Refusal::LimitFailed)
        }
    }
}

/// Counts a failed attempt against its address. Once that is over its limit, the isolate remembers it, and this and
/// every other refusal of an attempt from there becomes one that says to wait.
pub async fn judge_refusal(call: &Call<'_>, refusal: Refusal) -> Refusal {
    if !refusal.is_failed_attempt() {
        return refusal;
    }
    if let Err(over) = check_address(call) {
        return over;
    }
    count_failure(call).await;
    refusal
}

/// Counts a failed attempt against its address.
pub async fn count_failure(call: &Call<'_>) {
    if !call.gate.configuration.limits {
        return;
    }
    let address = call.head.client_address.as_deref();
    match take_attempt(call.env, &format!("{:x}", network(address))).await {
        Ok(true) => {}
        Ok(false) => call.gate.failures.borrow_mut().block(address, now_ms()),
        // The attempt is refused anyway.
        Err(error) => log::failure("FAILED_AUTH", call.head, &error),
    }
}
