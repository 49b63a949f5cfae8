//! Every reason why the gate refuses, and the one place where reasons become responses.
//!
//! The precise reason is for the log alone. All the reasons why a look-up fails give the same 401.

use std::borrow::Cow;

use thiserror::Error;

use super::answer::{Answer, Envelope};
use super::configuration::Problem;
use super::import::{RowReport, report};
use super::parameters::ParameterError;
use crate::core::authorization::AuthorizationError;
use crate::core::grant::GrantError;
use crate::core::json::{push_quoted, written};
use crate::core::principal::GrantRefusal;
use crate::core::user_name::UserNameError;

/// After how many seconds at the most a rate limit lets requests through again: its period in wrangler.toml.
const LIMIT_PERIOD_SECONDS: u32 = 60;

/// What most bodies take.
const BODY_BYTES: usize = 256;

/// Why a request is not served. `Display` is what the log says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing to authenticate with.
    #[error("no credentials")]
    NoCredentials,
    /// The `Authorization` field does not hold credentials.
    #[error("{0}")]
    Authorization(AuthorizationError),
    /// A scheme that is not the gate's.
    #[error("a scheme that is not the gate's")]
    OtherScheme,
    /// No grant under that digest, or the registry does not know it.
    #[error("unknown credentials")]
    UnknownCredentials,
    /// An entry in KV that nobody with the pepper wrote, or that this build cannot read.
    #[error("{0}")]
    Grant(GrantError),
    /// The grant does not hold here and now.
    #[error("{0}")]
    GrantRefused(GrantRefusal),
    /// Outside the principal's rules.
    #[error("outside the rules")]
    OutsideRules,
    /// A method to run in the query of a request that is good for its path alone.
    #[error("cmd in the query")]
    Command,
    /// Attempts from this client's address have failed too often.
    #[error("too many failed attempts")]
    TooManyAttempts {
        /// How long it has to wait.
        wait_seconds: u32,
    },
    /// These credentials were used more often than `REQUESTS` lets them.
    #[error("too many requests")]
    TooManyRequests,
    /// The built-in administrator acts on the gate's own routes alone.
    #[error("Administrator is never forwarded")]
    AdministratorForwarded,
    /// A principal without the role.
    #[error("not a System Manager")]
    NotSystemManager,
    /// An unsafe request that a page of another site made a browser send.
    #[error("a change from another site")]
    CrossSite,
    /// A link must not change anything.
    #[error("a GET that would generate")]
    GenerateByGet,
    /// Not one of the gate's routes.
    #[error("no such route")]
    NoSuchRoute,
    /// The registry has no such user.
    #[error("no such user")]
    NoSuchUser,
    /// The route has other methods.
    #[error("method not allowed")]
    Method {
        /// The methods it has.
        allow: &'static str,
    },
    /// More than a route of the gate reads.
    #[error("body too large")]
    BodyTooLarge,
    /// The client went away, or sent a body that cannot be read.
    #[error("body unreadable")]
    BodyUnreadable,
    /// A parameter is missing or wrong.
    #[error("{0}")]
    Parameter(ParameterError),
    /// Rows of an import that cannot be; nothing was imported.
    #[error("an import that conflicts")]
    ImportConflict(Vec<RowReport>),
    /// The origin could not be asked whose credentials they are, or did not say.
    #[error("the origin did not say whose credentials they are")]
    AdoptionFailed,
    /// The origin did not answer.
    #[error("origin unreachable")]
    OriginUnreachable,
    /// The origin took longer than it may.
    #[error("origin too slow")]
    OriginTimeout,
    /// This request has passed the gate before.
    #[error("the request came back to the gate")]
    Loop,
    /// A value of the configuration is missing or wrong.
    #[error("misconfigured: {}", problem_list(.0))]
    Misconfigured(Vec<Problem>),
    /// KV failed, which is not the same as an entry that is absent.
    #[error("KV failed")]
    KvFailed,
    /// The registry failed.
    #[error("the registry failed")]
    RegistryFailed,
    /// A rate limit could not be asked.
    #[error("a rate limit failed")]
    LimitFailed,
    /// The assertion for the origin could not be signed.
    #[error("signing failed")]
    SigningFailed,
    /// Something that the gate itself got wrong.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl From<AuthorizationError> for Refusal {
    fn from(error: AuthorizationError) -> Self {
        Self::Authorization(error)
    }
}

impl From<GrantRefusal> for Refusal {
    fn from(refusal: GrantRefusal) -> Self {
        Self::GrantRefused(refusal)
    }
}

impl From<ParameterError> for Refusal {
    fn from(error: ParameterError) -> Self {
        Self::Parameter(error)
    }
}

/// What a client may know of a refusal.
struct Shown {
    status: u16,
    exc_type: &'static str,
    message: Cow<'static, str>,
    header: Option<(&'static str, String)>,
}

impl Refusal {
    /// Whether somebody should look: a writer to the namespace who lacks the pepper, or a fault of the gate's own.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        matches!(self, Self::Grant(_) | Self::Internal(_))
    }

    /// Whether it counts against the client's address: credentials of the gate's schemes that are not good.
    #[must_use]
    pub fn is_failed_attempt(&self) -> bool {
        matches!(self, Self::Authorization(_) | Self::UnknownCredentials | Self::Grant(_) | Self::GrantRefused(_))
    }

    /// Whether it is the gate's judgement on a request, which an observing gate keeps to itself; and not a failure of the
    /// origin or of the gate's own, which nothing could be forwarded in spite of.
    #[must_use]
    pub fn is_judgement(&self) -> bool {
        match self {
            Self::NoCredentials
            | Self::Authorization(_)
            | Self::OtherScheme
            | Self::UnknownCredentials
            | Self::Grant(_)
            | Self::GrantRefused(_)
            | Self::OutsideRules
            | Self::Command
            | Self::TooManyAttempts { .. }
            | Self::TooManyRequests
            | Self::AdministratorForwarded
            | Self::CrossSite
            | Self::AdoptionFailed
            | Self::KvFailed
            | Self::RegistryFailed
            | Self::LimitFailed
            | Self::SigningFailed => true,
            Self::NotSystemManager
            | Self::GenerateByGet
            | Self::NoSuchRoute
            | Self::NoSuchUser
            | Self::Method { .. }
            | Self::BodyTooLarge
            | Self::BodyUnreadable
            | Self::Parameter(_)
            | Self::ImportConflict(_)
            | Self::OriginUnreachable
            | Self::OriginTimeout
            | Self::Loop
            | Self::Misconfigured(_)
            | Self::Internal(_) => false,
        }
    }

    /// The response. `challenge_basic`: whether a browser may ask its user for a password.
    #[must_use]
    pub fn answer(&self, envelope: Envelope, challenge_basic: bool) -> Answer {
        let Shown { status, exc_type, message, header } = self.shown(challenge_basic);
        let mut body = error_body(envelope, exc_type, &message);
        if let Some(reports) = self.row_reports() {
            body.push_str(",\"rows\":");
            body.push_str(&written(&report(reports)));
        }
        body.push('}');
        Answer { status, headers: header.into_iter().collect(), body: Some(body) }
    }

    fn row_reports(&self) -> Option<&[RowReport]> {
        let (Self::ImportConflict(reports) | Self::Parameter(ParameterError::ImportInvalid(reports))) = self else {
            return None;
        };
        Some(reports)
    }

    fn shown(&self, challenge_basic: bool) -> Shown {
        match self {
            Self::Authorization(AuthorizationError::Base64) => {
                plain(400, "InvalidAuthorizationToken", "The Basic credentials are not valid base64.")
            }
            Self::NoCredentials
            | Self::Authorization(
                AuthorizationError::Empty
                | AuthorizationError::Scheme
                | AuthorizationError::Separator
                | AuthorizationError::Misplaced
                | AuthorizationError::Credentials(_),
            )
            | Self::OtherScheme
            | Self::UnknownCredentials
            | Self::GrantRefused(GrantRefusal::Expired | GrantRefusal::Address)
            | Self::Grant(GrantError::Format | GrantError::Seal | GrantError::Content) => unauthorized(challenge_basic),
            Self::OutsideRules => plain(403, "PermissionError", "These credentials are not good for this request."),
            Self::Command => plain(403, "PermissionError", "This request may not name a method in cmd."),
            Self::TooManyAttempts { wait_seconds } => Shown {
                header: Some(("Retry-After", wait_seconds.to_string())),
                ..plain(429, "TooManyRequestsError", "Too many failed attempts. Wait.")
            },
            Self::TooManyRequests => Shown {
                header: Some(("Retry-After", LIMIT_PERIOD_SECONDS.to_string())),
                ..plain(429, "TooManyRequestsError", "Too many requests with these credentials. Wait.")
            },
            Self::AdministratorForwarded => plain(
                403,
                "PermissionError",
                "Administrator is good for the gate's own routes only. Generate keys for a user.",
            ),
            Self::NotSystemManager => plain(403, "PermissionError", "Only a System Manager may do this."),
            Self::CrossSite => plain(403, "PermissionError", "Changes from another site are refused."),
            Self::GenerateByGet => plain(403, "PermissionError", "Not permitted: generate with POST."),
            Self::NoSuchRoute => plain(404, "DoesNotExistError", "The gate has no such route."),
            Self::NoSuchUser => plain(404, "DoesNotExistError", "There is no such user."),
            Self::Method { allow } => Shown {
                header: Some(("Allow", (*allow).to_owned())),
                ..plain(405, "MethodNotAllowed", "This route has other methods.")
            },
            Self::BodyTooLarge => plain(413, "RequestEntityTooLarge", "The body is larger than this route reads."),
            Self::BodyUnreadable => plain(400, "InvalidRequest", "The body could not be read."),
            Self::Parameter(ParameterError::UserName(UserNameError::Reserved)) => {
                plain(403, "PermissionError", "This user name is reserved.")
            }
            Self::Parameter(error) => {
                Shown { message: format!("{error}.").into(), ..plain(417, "ValidationError", "") }
            }
            Self::ImportConflict(_) => plain(409, "ConflictError", "Nothing was imported: rows conflict."),
            Self::AdoptionFailed => {
                plain(502, "OriginUnreachable", "The origin did not say whose credentials these are. Try again.")
            }
            Self::OriginUnreachable => plain(502, "OriginUnreachable", "The origin did not answer."),
            Self::OriginTimeout => plain(504, "OriginTimeout", "The origin took too long to answer."),
            Self::Loop => plain(503, "GatewayLoop", "The origin sent this request back to the gate."),
            Self::Misconfigured(problems) => Shown {
                message: format!("The gate is misconfigured: {}.", problem_list(problems)).into(),
                ..plain(503, "Misconfigured", "")
            },
            Self::KvFailed | Self::RegistryFailed | Self::LimitFailed | Self::SigningFailed => {
                plain(503, "ServiceUnavailable", "The gate cannot decide right now. Try again.")
            }
            Self::Internal(_) => plain(500, "InternalError", "The gate failed."),
        }
    }
}

fn plain(status: u16, exc_type: &'static str, message: &'static str) -> Shown {
    Shown { status, exc_type, message: message.into(), header: None }
}

fn unauthorized(challenge_basic: bool) -> Shown {
    let basic = if challenge_basic { r#", Basic realm="gatehouse", charset="UTF-8""# } else { "" };
    Shown {
        header: Some(("WWW-Authenticate", format!(r#"token realm="gatehouse"{basic}"#))),
        ..plain(401, "AuthenticationError", "Valid credentials are required.")
    }
}

fn problem_list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Frappe's shape, but for the brace at its end. `exc` is never empty: one client takes an error without it for success.
/// Written as it goes: whoever sends garbage by the thousand should cost little.
fn error_body(envelope: Envelope, exc_type: &str, message: &str) -> String {
    let mut body = String::with_capacity(BODY_BYTES);
    match envelope {
        Envelope::V1 => {
            let exception = ["frappe.exceptions.", exc_type].concat();
            let mut exc = "[".to_owned();
            push_quoted(&mut exc, &[&exception, ": ", message].concat());
            exc.push(']');
            body.push_str("{\"exc\":");
            push_quoted(&mut body, &exc);
            for (name, text) in [("exc_type", exc_type), ("exception", &exception), ("message", message)] {
                body.push(',');
                push_quoted(&mut body, name);
                body.push(':');
                push_quoted(&mut body, text);
            }
        }
        Envelope::V2 => {
            body.push_str("{\"errors\":[{\"message\":");
            push_quoted(&mut body, message);
            body.push_str(",\"type\":");
            push_quoted(&mut body, exc_type);
            body.push_str("}]");
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::credentials::CredentialsError;

    #[test]
    fn every_failed_look_up_gets_the_same_answer() {
        let expected = Refusal::UnknownCredentials.answer(Envelope::V1, true);
        assert_eq!(expected.status, 401);
        for refusal in [
            Refusal::NoCredentials,
            Refusal::OtherScheme,
            Refusal::GrantRefused(GrantRefusal::Expired),
            Refusal::GrantRefused(GrantRefusal::Address),
            Refusal::Grant(GrantError::Seal),
            Refusal::Grant(GrantError::Format),
            Refusal::Grant(GrantError::Content),
            Refusal::Authorization(AuthorizationError::Empty),
            Refusal::Authorization(CredentialsError::Checksum.into()),
        ] {
            assert_eq!(refusal.answer(Envelope::V1, true), expected, "{refusal}");
        }
    }

    #[test]
    fn an_error_has_frappes_shape() {
        let answer = Refusal::NoCredentials.answer(Envelope::V1, true);
        let body: Value = serde_json::from_str(&answer.body.unwrap()).unwrap();
        assert_eq!(body["exc_type"], "AuthenticationError");
        assert_eq!(body["exception"], "frappe.exceptions.AuthenticationError");
        let exc: Vec<String> = serde_json::from_str(body["exc"].as_str().unwrap()).unwrap();
        assert_eq!(exc, ["frappe.exceptions.AuthenticationError: Valid credentials are required."]);
        assert_eq!(
            answer.headers,
            [("WWW-Authenticate", r#"token realm="gatehouse", Basic realm="gatehouse", charset="UTF-8""#.to_owned())]
        );

        let answer = Refusal::NoSuchUser.answer(Envelope::V2, true);
        let body: Value = serde_json::from_str(&answer.body.unwrap()).unwrap();
        assert_eq!(body, json!({ "errors": [{ "type": "DoesNotExistError", "message": "There is no such user." }] }));
    }

    #[test]
    fn a_script_in_a_page_does_not_make_the_browser_ask_for_a_password() {
        let answer = Refusal::NoCredentials.answer(Envelope::V1, false);
        assert_eq!(answer.headers, [("WWW-Authenticate", r#"token realm="gatehouse""#.to_owned())]);
    }
}
