//! The gate's own routes that the registry answers.

use web_sys::{Request, Response};

use super::authentication::{Holder, holder, note_use};
use super::call::Call;
use super::registry_client::{ADMINISTRATOR, forward};
use crate::core::credentials::Credentials;
use crate::http::refusal::Refusal;

/// Hands a management request on to the registry, which judges the caller before it reads a body.
pub async fn answer(call: &Call<'_>, request: &Request, credentials: &Credentials) -> Result<Response, Refusal> {
    match holder(call, credentials)? {
        Holder::Administrator(_) => forward(call, request, ADMINISTRATOR).await,
        Holder::User(digest) => {
            let response = forward(call, request, &digest.to_hex()).await?;
            if response.ok() {
                note_use(call, digest);
            }
            Ok(response)
        }
    }
}
