//! Whether a request has to authenticate before it goes on, and with what.

use super::configuration::{Anonymous, Configuration, OriginKind};
use super::cors::is_allowed;
use super::cross_site::is_cross_site_change;
use super::frappe::has_command;
use super::refusal::Refusal;
use super::request_head::RequestHead;
use super::resource::Resource;
use crate::core::authorization::{Authorization, Scheme, parse};
use crate::core::credentials::Credentials;

/// What has to happen before the request goes on.
#[derive(Debug)]
pub enum Access {
    /// The gate's own resource: these credentials have to be valid, if there are any.
    Own(Resource, Option<Credentials>),
    /// For the origin, once these credentials are valid.
    Authenticate(Credentials),
    /// For the origin, without identity; an `Authorization` of another scheme goes along untouched.
    Anonymous,
}

/// Decides how a request to a resource gets in.
pub fn access(configuration: &Configuration, head: &RequestHead, mut resource: Resource) -> Result<Access, Refusal> {
    let authorization = head.authorization.as_deref().map(parse).transpose()?;
    let pass = configuration.anonymous == Anonymous::Pass;
    let credentials = match authorization {
        Some(Authorization::Credentials(scheme, credentials)) => {
            if scheme == Scheme::Basic && cross_site(configuration, head) {
                return Err(Refusal::CrossSite);
            }
            Some(credentials)
        }
        Some(Authorization::OtherScheme) if !pass => return Err(Refusal::OtherScheme),
        Some(Authorization::OtherScheme) | None => None,
    };
    // A preflight never says with what its request will come: a page that the operator allowed is answered here.
    let is_answered_here = head.is_preflight() && is_allowed(&configuration.allowed_origins, head);
    if pass && credentials.is_none() && resource.envelope().is_some() && !is_answered_here {
        resource = Resource::Origin;
    }
    if resource.is_management() && !on_management_host(configuration, head) {
        resource = Resource::Nothing;
    }
    if resource != Resource::Origin {
        return own(configuration, head, resource, credentials);
    }
    match credentials {
        Some(credentials) => Ok(Access::Authenticate(credentials)),
        None if pass => Ok(Access::Anonymous),
        None if head.is_preflight() || is_public(configuration, head) => {
            check_command(configuration, head)?;
            Ok(Access::Anonymous)
        }
        None => Err(Refusal::NoCredentials),
    }
}

/// Refuses a request that is good for its path alone and names a method to Frappe, which would run it whatever the path
/// says.
pub fn check_command(configuration: &Configuration, head: &RequestHead) -> Result<(), Refusal> {
    let is_named = configuration.origin_kind == OriginKind::Frappe && has_command(&head.url.query);
    if is_named { Err(Refusal::Command) } else { Ok(()) }
}

fn own(
    configuration: &Configuration,
    head: &RequestHead,
    resource: Resource,
    credentials: Option<Credentials>,
) -> Result<Access, Refusal> {
    resource.check_method(&head.method)?;
    if cross_site(configuration, head) {
        return Err(Refusal::CrossSite);
    }
    let open = head.method == "OPTIONS" || resource.is_open();
    if credentials.is_none() && !open {
        return Err(Refusal::NoCredentials);
    }
    Ok(Access::Own(resource, credentials))
}

fn cross_site(configuration: &Configuration, head: &RequestHead) -> bool {
    let here = head.url.web_origin();
    let public_url = configuration.public_url.as_ref().map(ToString::to_string);
    let own: Vec<&str> = [Some(here.as_str()), public_url.as_deref()].into_iter().flatten().collect();
    is_cross_site_change(head, &own, &configuration.allowed_origins)
}

fn on_management_host(configuration: &Configuration, head: &RequestHead) -> bool {
    configuration.management_host.as_ref().is_none_or(|host| head.url.authority.eq_ignore_ascii_case(host))
}

fn is_public(configuration: &Configuration, head: &RequestHead) -> bool {
    configuration.public_paths.iter().any(|pattern| pattern.matches(&head.url.path))
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
