//! The gate's own resources, by path, and the methods each has.

use percent_encoding::percent_decode_str;

use super::answer::Envelope;
use super::page;
use super::parameters::{BODY_MAX_BYTES, IMPORT_BODY_MAX_BYTES};
use super::refusal::Refusal;
use super::request_head::RequestUrl;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// Not the gate's own: the origin's.
    Origin,
    /// `frappe.auth.get_logged_user`.
    LoggedUser(Envelope),
    /// `frappe.core.doctype.user.user.generate_keys` and its spellings.
    GenerateKeys {
        /// How the answer is wrapped.
        envelope: Envelope,
        /// The short spelling of Frappe's documentation, where quotes around the value are allowed.
        quotes: bool,
    },
    /// `/_gatehouse/`, or a file under `/_gatehouse/page/`.
    Page(&'static page::File),
    /// `/_gatehouse`, which is the page's address without its slash.
    PageRedirect,
    /// `/_gatehouse/health`.
    Health,
    /// `/_gatehouse/jwks.json`.
    Jwks,
    /// `/_gatehouse/openapi.json`.
    OpenApi,
    /// `/_gatehouse/users`.
    Users,
    /// `/_gatehouse/users/{user}`.
    User(String),
    /// `/_gatehouse/users/{user}/generate`.
    UserGenerate(String),
    /// `/_gatehouse/users/{user}/revoke`.
    UserRevoke(String),
    /// `/_gatehouse/audit`.
    Audit,
    /// `/_gatehouse/import`.
    Import,
    /// `/_gatehouse/export`.
    Export,
    /// `/_gatehouse/reconcile`.
    Reconcile,
    /// Under the gate's own prefix, and nothing.
    Nothing,
}

impl Resource {
    /// Finds what a URL names.
    #[must_use]
    pub fn find(url: &RequestUrl) -> Self {
        let path = url.path.as_str();
        if path == "/_gatehouse" || path.starts_with("/_gatehouse/") {
            return management(path);
        }
        url.path.unambiguous().and_then(rpc).unwrap_or(Self::Origin)
    }

    /// Whether it answers on `MANAGEMENT_HOST` alone, where that is set.
    #[must_use]
    pub fn is_management(&self) -> bool {
        match self {
            Self::GenerateKeys { .. }
            | Self::Page(_)
            | Self::PageRedirect
            | Self::OpenApi
            | Self::Users
            | Self::User(_)
            | Self::UserGenerate(_)
            | Self::UserRevoke(_)
            | Self::Audit
            | Self::Import
            | Self::Export
            | Self::Reconcile => true,
            Self::Origin | Self::LoggedUser(_) | Self::Health | Self::Jwks | Self::Nothing => false,
        }
    }

    /// Whether it answers anyone.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Page(_) | Self::PageRedirect | Self::Health | Self::Jwks | Self::OpenApi)
    }

    /// A word for what it is, for the log.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::LoggedUser(_) => "get_logged_user",
            Self::GenerateKeys { .. } => "generate_keys",
            Self::Page(_) | Self::PageRedirect => "page",
            Self::Health => "health",
            Self::Jwks => "jwks",
            Self::OpenApi => "openapi",
            Self::Users => "users",
            Self::User(_) => "user",
            Self::UserGenerate(_) => "generate",
            Self::UserRevoke(_) => "revoke",
            Self::Audit => "audit",
            Self::Import => "import",
            Self::Export => "export",
            Self::Reconcile => "reconcile",
            Self::Nothing => "nothing",
        }
    }

    /// The largest body it reads, in bytes.
    #[must_use]
    pub fn body_max_bytes(&self) -> usize {
        if *self == Self::Import { IMPORT_BODY_MAX_BYTES } else { BODY_MAX_BYTES }
    }

    /// The user whom the path names.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let (Self::User(name) | Self::UserGenerate(name) | Self::UserRevoke(name)) = self else {
            return None;
        };
        Some(name)
    }

    /// How answers are wrapped, for Frappe's RPC. A Frappe desk calls these with its session cookie, so with
    /// `ANONYMOUS = "pass"` they are the origin's to answer where no credentials come along.
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        let (Self::LoggedUser(envelope) | Self::GenerateKeys { envelope, .. }) = self else {
            return None;
        };
        Some(*envelope)
    }

    /// Refuses a method that the resource does not have.
    pub fn check_method(&self, method: &str) -> Result<(), Refusal> {
        if *self == Self::Origin {
            return Ok(());
        }
        if *self == Self::Nothing {
            return Err(Refusal::NoSuchRoute);
        }
        // A link must not change anything; Frappe answers so since version 14.
        if matches!(self, Self::GenerateKeys { .. }) && matches!(method, "GET" | "HEAD") {
            return Err(Refusal::GenerateByGet);
        }
        let allow = self.allow();
        if allow.split(", ").any(|allowed| allowed == method) { Ok(()) } else { Err(Refusal::Method { allow }) }
    }

    /// The methods it has, as `Allow` lists them (RFC 9110 §10.2.1).
    #[must_use]
    pub fn allow(&self) -> &'static str {
        match self {
            Self::LoggedUser(_) => "GET, HEAD, POST, OPTIONS",
            Self::GenerateKeys { .. } | Self::UserGenerate(_) | Self::UserRevoke(_) | Self::Import => "POST, OPTIONS",
            Self::Page(_)
            | Self::PageRedirect
            | Self::Health
            | Self::Jwks
            | Self::OpenApi
            | Self::Users
            | Self::Audit
            | Self::Export => "GET, HEAD, OPTIONS",
            Self::Reconcile => "GET, HEAD, POST, OPTIONS",
            Self::User(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
            Self::Origin | Self::Nothing => "",
        }
    }
}

fn rpc(path: &str) -> Option<Resource> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (method, envelope) = if let Some(method) = path.strip_prefix("/api/v2/method/") {
        (method, Envelope::V2)
    } else {
        let method = path.strip_prefix("/api/method/").or_else(|| path.strip_prefix("/api/v1/method/"))?;
        (method, Envelope::V1)
    };
    match (method, envelope) {
        ("frappe.auth.get_logged_user", _) => Some(Resource::LoggedUser(envelope)),
        ("frappe.core.doctype.user.user.generate_keys", _) | ("User/generate_keys", Envelope::V2) => {
            Some(Resource::GenerateKeys { envelope, quotes: false })
        }
        ("frappe.core.doctype.user.user", _) => Some(Resource::GenerateKeys { envelope, quotes: true }),
        _ => None,
    }
}

/// Segments are decoded one by one, so that a user's name may hold a slash.
fn management(path: &str) -> Resource {
    let mut segments = path.split('/').skip(2);
    let (first, user, verb) = (segments.next(), segments.next(), segments.next());
    let user = user.map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned));
    match (first, user, verb, segments.next()) {
        (None, ..) => Resource::PageRedirect,
        (Some(""), None, None, None) => Resource::Page(page::index()),
        (Some("page"), Some(Ok(name)), None, None) => page::find(&name).map_or(Resource::Nothing, Resource::Page),
        (Some("health"), None, None, None) => Resource::Health,
        (Some("jwks.json"), None, None, None) => Resource::Jwks,
        (Some("openapi.json"), None, None, None) => Resource::OpenApi,
        (Some("audit"), None, None, None) => Resource::Audit,
        (Some("import"), None, None, None) => Resource::Import,
        (Some("export"), None, None, None) => Resource::Export,
        (Some("reconcile"), None, None, None) => Resource::Reconcile,
        (Some("users"), None, None, None) => Resource::Users,
        (Some("users"), Some(Ok(user)), None, None) if !user.is_empty() => Resource::User(user),
        (Some("users"), Some(Ok(user)), Some("generate"), None) => Resource::UserGenerate(user),
        (Some("users"), Some(Ok(user)), Some("revoke"), None) => Resource::UserRevoke(user),
        _ => Resource::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str) -> Resource {
        Resource::find(&RequestUrl::parse(&format!("https://gate.test{path}")).unwrap())
    }

    #[test]
    fn finds_frappes_methods_under_every_spelling() {
        use Envelope::{V1, V2};
        for (path, resource) in [
            ("/api/method/frappe.auth.get_logged_user", Resource::LoggedUser(V1)),
            ("/api/method/frappe.auth.get_logged_user/", Resource::LoggedUser(V1)),
            ("/api/method/frappe%2Eauth.get_logged_user", Resource::LoggedUser(V1)),
            ("/api/v1/method/frappe.auth.get_logged_user?x=y", Resource::LoggedUser(V1)),
            ("/api/v2/method/frappe.auth.get_logged_user", Resource::LoggedUser(V2)),
            (
                "/api/method/frappe.core.doctype.user.user.generate_keys",
                Resource::GenerateKeys { envelope: V1, quotes: false },
            ),
            ("/api/method/frappe.core.doctype.user.user", Resource::GenerateKeys { envelope: V1, quotes: true }),
            ("/api/v2/method/User/generate_keys", Resource::GenerateKeys { envelope: V2, quotes: false }),
            ("/api/method/User/generate_keys", Resource::Origin),
            ("/api/method/ping", Resource::Origin),
            ("/api/method/frappe.auth.get_logged_user//", Resource::Origin),
            ("/api/v3/method/frappe.auth.get_logged_user", Resource::Origin),
            ("/", Resource::Origin),
            ("//_gatehouse/users", Resource::Origin),
        ] {
            assert_eq!(find(path), resource, "{path}");
        }
    }

    #[test]
    fn finds_management_routes_and_decodes_a_users_name() {
        for (path, resource) in [
            ("/_gatehouse/health", Resource::Health),
            ("/_gatehouse/jwks.json", Resource::Jwks),
            ("/_gatehouse/openapi.json", Resource::OpenApi),
            ("/_gatehouse/users", Resource::Users),
            ("/_gatehouse/audit?user=a", Resource::Audit),
            ("/_gatehouse/users/alice@example.test", Resource::User("alice@example.test".into())),
            ("/_gatehouse/users/a%2Fb%25c%3B%20%C3%A4", Resource::User("a/b%c; ä".into())),
            ("/_gatehouse/users/a/generate", Resource::UserGenerate("a".into())),
            ("/_gatehouse/users/a/revoke", Resource::UserRevoke("a".into())),
            ("/%5Fgatehouse/users", Resource::Users),
            ("/x/../_gatehouse/health", Resource::Health),
            ("/_gatehouse", Resource::PageRedirect),
            ("/_gatehouse/", Resource::Page(page::index())),
            ("/_gatehouse/page/main.js", Resource::Page(page::find("main.js").unwrap())),
            ("/_gatehouse/page/index.html", Resource::Nothing),
            ("/_gatehouse/page/", Resource::Nothing),
            ("/_gatehouse/users/", Resource::Nothing),
            ("/_gatehouse/users/%ff", Resource::Nothing),
            ("/_gatehouse/users/a/b", Resource::Nothing),
            ("/_gatehouse/users/a/generate/", Resource::Nothing),
            ("/_gatehouse//users", Resource::Nothing),
        ] {
            assert_eq!(find(path), resource, "{path}");
        }
    }

    #[test]
    fn a_get_that_would_generate_is_forbidden_and_other_methods_are_listed() {
        let generate = find("/api/method/frappe.core.doctype.user.user.generate_keys");
        assert_eq!(generate.check_method("GET"), Err(Refusal::GenerateByGet));
        assert_eq!(generate.check_method("PUT"), Err(Refusal::Method { allow: "POST, OPTIONS" }));
        assert_eq!(generate.check_method("POST"), Ok(()));
        assert_eq!(find("/x").check_method("BREW"), Ok(()));
        assert_eq!(
            find("/_gatehouse/users").check_method("post"),
            Err(Refusal::Method { allow: "GET, HEAD, OPTIONS" })
        );
        assert_eq!(find("/_gatehouse/x").check_method("GET"), Err(Refusal::NoSuchRoute));
    }
}
