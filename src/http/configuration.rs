//! Variables and secrets: what each may be, read as a whole.
//!
//! A wrong value is a problem with a name, never a default silently taken; and a variable whose feature this build
//! does not have is refused unless it asks for what the build does anyway.

use http::uri::Authority;
use zeroize::Zeroizing;

pub use super::variables::Problem;
use super::variables::Reader;
use super::web_origin::WebOrigin;
use crate::core::assertion::Issuer;
use crate::core::authorization::{names_own_credentials, readings};
use crate::core::credentials::{ADMINISTRATOR, ApiKey, ApiSecret, Credentials};
use crate::core::digest::DigestKey;
use crate::core::grant::SealKey;
use crate::core::path::PathPattern;
use crate::core::pepper::Pepper;
use crate::core::principal::AdministratorDigest;
use crate::core::signing_key::KeyRing;

/// The shortest `ADMINISTRATOR_SECRET`, in characters.
const ADMINISTRATOR_SECRET_MIN_CHARACTERS: usize = 32;
/// The longest `Authorization` that is searched for secrets of the gate's own, in bytes: as long as servers of Kerberos, whose tokens
/// are the longest, take a field (http.sys, `MaxFieldLength`).
const READINGS_MAX_BYTES: usize = 16 * 1024;
/// The least `cacheTtl` of Workers KV, in seconds (Cloudflare's documentation of KV, "Read key-value pairs").
const KV_CACHE_MIN_SECONDS: u32 = 30;
/// The longest either cache may keep a grant, in seconds: nobody wants a revocation to take longer.
const CACHE_MAX_SECONDS: u32 = 3600;

/// The words of variables that are on or off.
const TRUTH: [(&str, bool); 2] = [("true", true), ("false", false)];

/// The most that the origin may take to answer, in seconds.
const ORIGIN_TIMEOUT_MAX_SECONDS: u32 = 3600;

const AUDIT_DAYS_DEFAULT: u32 = 365;
/// Ten years.
const AUDIT_DAYS_MAX: u32 = 3650;

/// The configuration of a gate, checked.
pub struct Configuration {
    /// Where authorised requests go.
    pub target: Target,
    /// How long the origin may take to answer with its head; without a limit, if empty.
    pub origin_timeout_seconds: Option<u32>,
    /// What kind of server stands there.
    pub origin_kind: OriginKind,
    /// Whether credentials that are unknown here are tried at the origin.
    pub adopt: bool,
    /// Whether refusals on the way to the origin are carried out.
    pub mode: Mode,
    /// What happens to requests without credentials.
    pub anonymous: Anonymous,
    /// Paths that need no credentials.
    pub public_paths: Vec<PathPattern>,
    /// The gate's own address, where it is known.
    pub public_url: Option<WebOrigin>,
    /// The one host on which management answers; every host, if empty.
    pub management_host: Option<String>,
    /// What becomes of a principal's `Authorization`.
    pub origin_authorization: OriginAuthorization,
    /// `X-Frappe-Site-Name` for the origin.
    pub origin_site: Option<String>,
    /// How many days audit entries are kept.
    pub audit_days: u32,
    /// How long the isolate keeps a grant.
    pub cache_seconds: u32,
    /// `cacheTtl` of KV reads.
    pub kv_cache_seconds: u32,
    /// Makes the names of grants.
    pub digest_key: DigestKey,
    /// Made the names of secrets that have not been used since the pepper was replaced: `TOKEN_PEPPER_PREVIOUS`.
    pub previous_digest_key: Option<DigestKey>,
    /// Opens grants.
    pub seal_key: SealKey,
    /// The built-in administrator, unless switched off.
    pub administrator: Option<AdministratorDigest>,
    /// Signs who a request acts for; without it the origin gets no assertion.
    pub issuer: Option<Issuer>,
    /// Web origins whose pages may read the gate's own answers, and change things.
    pub allowed_origins: Vec<WebOrigin>,
    /// Whether `FAILED_AUTH` and `REQUESTS` are asked.
    pub limits: bool,
    /// Whether responses tell how long the gate took.
    pub debug_timing: bool,
    /// What could be set and is not, for the operator.
    pub not_set: Vec<&'static str>,
}

impl Configuration {
    /// Whether a text holds a secret of the gate's own, in any way that a lenient reader could find: it goes to no origin.
    #[must_use]
    pub fn is_own_secret_in(&self, text: &str) -> bool {
        // There is no end to what a longer text could be read as, so nobody looks.
        if text.len() > READINGS_MAX_BYTES {
            return true;
        }
        let is_administrators = |text: &str| {
            text.len() >= ADMINISTRATOR_SECRET_MIN_CHARACTERS
                && self.administrator.is_some_and(|administrator| administrator.is_secret(&self.digest_key, text))
        };
        readings(text).iter().any(|text| names_own_credentials(text) || is_administrators(text))
    }
}

/// Where authorised requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A server with an address.
    Url(WebOrigin),
    /// The service binding `ORIGIN_SERVICE`.
    Service,
    /// The zone's own origin, behind the route of this Worker.
    Zone,
}

/// What kind of server the origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginKind {
    /// Any HTTP server.
    Http,
    /// A Frappe site.
    Frappe,
}

/// What becomes of a request that is to be refused on its way to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    Enforce,
    /// It is logged, and goes on without an identity.
    Observe,
}

impl Mode {
    /// Its word in `MODE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// What happens to requests without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// 401.
    Deny,
    /// Forwarded without identity.
    Pass,
}

/// What becomes of a principal's `Authorization` on its way to the origin.
pub enum OriginAuthorization {
    /// Removed.
    Remove,
    /// Replaced by a secret of the origin's.
    Replace(Zeroizing<String>),
    /// The client's own goes on.
    Forward,
}

/// Which bindings are there.
#[derive(Debug, Clone, Copy)]
pub struct Bindings {
    /// `KEYS`, the KV namespace.
    pub keys: bool,
    /// `REGISTRY`, the Durable Object.
    pub registry: bool,
    /// `ORIGIN_SERVICE`, optional.
    pub origin_service: bool,
    /// `FAILED_AUTH`, a rate limit.
    pub failed_auth: bool,
    /// `REQUESTS`, a rate limit.
    pub requests: bool,
}

/// Reads the configuration. `variable` gives the text of a variable or secret; an empty one counts as not set.
pub fn read(
    variable: &dyn Fn(&'static str) -> Option<String>,
    bindings: Bindings,
) -> Result<Configuration, Vec<Problem>> {
    let mut reader = Reader::new(variable);
    let limits = reader.choice("LIMITS", [("on", true), ("off", false)]).unwrap_or(true);
    reader.check_bindings(bindings, limits);
    let target = reader.target(bindings.origin_service);
    // No limit is 0 here alone: it cannot be written.
    let origin_timeout_seconds =
        Some(reader.number("ORIGIN_TIMEOUT_SECONDS", 0, 1..=ORIGIN_TIMEOUT_MAX_SECONDS)).filter(|seconds| *seconds > 0);
    let pepper = reader.pepper();
    let previous_pepper = reader.previous_pepper();
    let administrator_secret = reader.administrator_secret();
    let origin_kind = reader.choice("ORIGIN_KIND", [("http", OriginKind::Http), ("frappe", OriginKind::Frappe)]);
    let origin_kind = origin_kind.unwrap_or(OriginKind::Http);
    let adopt = reader.choice("ADOPT", [("on", true), ("off", false)]).unwrap_or(false);
    if adopt && origin_kind != OriginKind::Frappe {
        reader.problem("ADOPT", "asks the origin as Frappe is asked: it needs `ORIGIN_KIND = \"frappe\"`");
    }
    let mode = reader.choice("MODE", [("enforce", Mode::Enforce), ("observe", Mode::Observe)]);
    let anonymous = reader.choice("ANONYMOUS", [("deny", Anonymous::Deny), ("pass", Anonymous::Pass)]);
    let public_paths = reader.public_paths();
    let public_url = reader.checked("PUBLIC_URL", "is no address like https://gate.example.com", WebOrigin::parse);
    let management_host = reader.checked("MANAGEMENT_HOST", "is no host", |text| {
        text.parse::<Authority>().ok().filter(|_| !text.contains('@')).map(|host| host.as_str().to_ascii_lowercase())
    });
    let origin_authorization = reader.origin_authorization(adopt);
    let origin_site = reader.checked("ORIGIN_SITE", "is no site name", |text| {
        let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
        fits.then(|| text.to_owned())
    });
    let audit_days = reader.number("AUDIT_DAYS", AUDIT_DAYS_DEFAULT, 1..=AUDIT_DAYS_MAX);
    let cache_seconds = reader.number("CACHE_SECONDS", 5, 0..=CACHE_MAX_SECONDS);
    let kv_cache_seconds =
        reader.number("KV_CACHE_SECONDS", KV_CACHE_MIN_SECONDS, KV_CACHE_MIN_SECONDS..=CACHE_MAX_SECONDS);
    let issuer = reader.issuer(target.as_ref(), public_url.as_ref());
    let allowed_origins = reader.allowed_origins();
    let debug_timing = reader.choice("DEBUG_TIMING", TRUTH).unwrap_or(false);
    let Reader { problems, not_set, .. } = reader;
    match (target, pepper, origin_authorization) {
        (Some(target), Some(pepper), Some(origin_authorization)) if problems.is_empty() => {
            let digest_key = DigestKey::new(&pepper);
            let administrator =
                administrator_secret.map(|credentials| AdministratorDigest::new(digest_key.digest(&credentials)));
            Ok(Configuration {
                target,
                origin_timeout_seconds,
                origin_kind,
                adopt,
                mode: mode.unwrap_or(Mode::Enforce),
                anonymous: anonymous.unwrap_or(Anonymous::Deny),
                public_paths,
                public_url,
                management_host,
                origin_authorization,
                origin_site,
                audit_days,
                cache_seconds,
                kv_cache_seconds,
                seal_key: SealKey::new(&pepper),
                digest_key,
                previous_digest_key: previous_pepper.as_ref().map(DigestKey::new),
                administrator,
                issuer,
                allowed_origins,
                limits,
                debug_timing,
                not_set,
            })
        }
        _ => Err(problems),
    }
}

impl Reader<'_> {
    fn check_bindings(&mut self, bindings: Bindings, limits: bool) {
        for (name, there) in [("KEYS", bindings.keys), ("REGISTRY", bindings.registry)] {
            if !there {
                self.problem(name, "is not bound");
            }
        }
        for (name, there) in [("FAILED_AUTH", bindings.failed_auth), ("REQUESTS", bindings.requests)] {
            if limits && !there {
                self.problem(name, "is not bound; `LIMITS = \"off\"` goes without it");
            }
        }
    }

    fn target(&mut self, service: bool) -> Option<Target> {
        let what = match (self.text("ORIGIN").as_deref(), service) {
            (None, true) => return Some(Target::Service),
            (None, false) => "is missing",
            (Some(_), true) => "has to be empty where ORIGIN_SERVICE is bound",
            (Some("zone"), false) => return Some(Target::Zone),
            (Some(text), false) => match WebOrigin::parse(text) {
                Some(origin) => return Some(Target::Url(origin)),
                None => "is neither `zone` nor an address like https://app.example.com, without a path",
            },
        };
        self.problem("ORIGIN", what);
        None
    }

    fn pepper(&mut self) -> Option<Pepper> {
        if self.text("TOKEN_PEPPER").is_none() {
            self.problem("TOKEN_PEPPER", "is missing");
        }
        self.one_pepper("TOKEN_PEPPER")
    }

    fn previous_pepper(&mut self) -> Option<Pepper> {
        const NAME: &str = "TOKEN_PEPPER_PREVIOUS";
        let previous = Zeroizing::new(self.text(NAME)?);
        // The operator is about to replace it.
        let is_same = self.text("TOKEN_PEPPER").map(Zeroizing::new).is_some_and(|current| current == previous);
        if is_same { None } else { self.one_pepper(NAME) }
    }

    fn one_pepper(&mut self, name: &'static str) -> Option<Pepper> {
        let text = Zeroizing::new(self.text(name)?);
        Pepper::parse(&text).map_err(|error| self.problem(name, format!("is {error}"))).ok()
    }

    fn administrator_secret(&mut self) -> Option<Credentials> {
        const NAME: &str = "ADMINISTRATOR_SECRET";
        let text = Zeroizing::new(self.optional_text(NAME)?);
        if text.len() < ADMINISTRATOR_SECRET_MIN_CHARACTERS {
            self.problem(NAME, format!("is shorter than {ADMINISTRATOR_SECRET_MIN_CHARACTERS} characters"));
            return None;
        }
        match (ApiKey::parse(ADMINISTRATOR), ApiSecret::parse(&text)) {
            (Ok(api_key), Ok(api_secret)) => Some(Credentials { api_key, api_secret }),
            (Err(error), _) | (_, Err(error)) => {
                self.problem(NAME, format!("cannot be sent as an api_secret: {error}"));
                None
            }
        }
    }

    fn public_paths(&mut self) -> Vec<PathPattern> {
        let text = self.optional_text("PUBLIC_PATHS").unwrap_or_default();
        let mut patterns = Vec::new();
        for (number, pattern) in (1..).zip(text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty())) {
            match PathPattern::parse(pattern) {
                Ok(parsed) => patterns.push(parsed),
                Err(error) => self.problem("PUBLIC_PATHS", format!("is wrong at its entry {number}: {error}")),
            }
        }
        patterns
    }

    /// The web origins of `ALLOWED_ORIGINS`, separated by commas.
    fn allowed_origins(&mut self) -> Vec<WebOrigin> {
        let text = self.optional_text("ALLOWED_ORIGINS").unwrap_or_default();
        let mut origins = Vec::new();
        for text in text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match WebOrigin::parse(text) {
                Some(origin) => origins.push(origin),
                None => {
                    self.problem(
                        "ALLOWED_ORIGINS",
                        "holds something other than addresses like https://app.example.com",
                    );
                }
            }
        }
        origins
    }

    /// What signs assertions, if anything does.
    fn issuer(&mut self, target: Option<&Target>, public_url: Option<&WebOrigin>) -> Option<Issuer> {
        let audience = self.optional_text("ASSERTION_AUDIENCE").or_else(|| match target {
            Some(Target::Url(origin)) => Some(origin.to_string()),
            Some(Target::Service | Target::Zone) | None => None,
        });
        let jwk = Zeroizing::new(self.optional_text("ASSERTION_JWK")?);
        let keys = KeyRing::parse(&jwk);
        if let Err(error) = &keys {
            self.problem("ASSERTION_JWK", format!("is {error}"));
        }
        if public_url.is_none() && self.text("PUBLIC_URL").is_none() {
            self.problem("PUBLIC_URL", "is missing: assertions name it as their issuer");
        }
        if audience.is_none() && target.is_some() {
            self.problem("ASSERTION_AUDIENCE", "is missing: the origin has no address that could be the audience");
        }
        Some(Issuer { keys: keys.ok()?, issuer: public_url?.to_string(), audience: audience? })
    }

    fn origin_authorization(&mut self, adopt: bool) -> Option<OriginAuthorization> {
        let forward = self.choice("FORWARD_CREDENTIALS", TRUTH);
        let secret = self.optional_text("ORIGIN_AUTHORIZATION").map(Zeroizing::new);
        match (secret, forward.unwrap_or(false)) {
            (None, false) => Some(OriginAuthorization::Remove),
            (None, true) => Some(OriginAuthorization::Forward),
            (Some(_), true) => {
                self.problem("FORWARD_CREDENTIALS", "and ORIGIN_AUTHORIZATION exclude each other");
                None
            }
            (Some(_), false) if adopt => {
                self.problem(
                    "ADOPT",
                    "and ORIGIN_AUTHORIZATION exclude each other: adopted credentials go on to the origin",
                );
                None
            }
            (Some(value), false) => {
                let fits = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
                if fits && value.trim().len() == value.len() {
                    return Some(OriginAuthorization::Replace(value));
                }
                self.problem("ORIGIN_AUTHORIZATION", "cannot be sent as a header field");
                None
            }
        }
    }
}

/// Everything that a gate in front of an address binds, for the tests of this layer.
#[cfg(test)]
pub(super) const BOUND: Bindings =
    Bindings { keys: true, registry: true, origin_service: false, failed_auth: true, requests: true };

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
