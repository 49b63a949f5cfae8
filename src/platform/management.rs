//! The gate's own routes that the registry answers.

use web_sys::{Request, Response};

use super::authentication::{Holder, holder, note_use, rekeyed};
use super::call::Call;
use super::limits::{count_failure, count_request};
use super::now_ms;
use super::registry_client::{ADMINISTRATOR, forward};
use crate::core::credentials::Credentials;
use crate::http::refusal::Refusal;

/// Hands a management request on to the registry, which judges the caller before it reads a body.
pub async fn answer(call: &Call<'_>, request: &Request, credentials: &Credentials) -> Result<Response, Refusal> {
    match holder(call, credentials)? {
        Holder::Administrator(_) => forward(call, request, ADMINISTRATOR).await,
        Holder::User(digest) => {
            let address = call.head.client_address.as_deref();
            let failures = &call.gate.failures;
            if let Some(wait_seconds) = failures.borrow_mut().wait_seconds(address, now_ms()) {
                return Err(Refusal::TooManyAttempts { wait_seconds });
            }
            // By digest: with an api_key alone nobody uses up what another has left.
            count_request(call, &digest.to_hex()).await?;
            // The registry judges by the current pepper, so it has to know these credentials by it.
            match rekeyed(call, credentials, digest).await {
                Ok(_) | Err(Refusal::UnknownCredentials) => {}
                Err(refusal) => return Err(refusal),
            }
            let response = forward(call, request, &digest.to_hex()).await?;
            if response.ok() {
                note_use(call, digest);
            } else if response.status() == 401 {
                failures.borrow_mut().note(address, now_ms());
                count_failure(call).await;
            }
            Ok(response)
        }
    }
}
