//! Who a request acts for, once that is certain.

use super::credentials::{ADMINISTRATOR, ApiKey};
use super::digest::Digest;
use super::grant::OpenedGrant;
use super::role::Role;

/// The user as authenticated for this request. Comes out of an opened grant and from nowhere else.
#[derive(Debug, Clone)]
pub struct Principal {
    user: String,
    api_key: ApiKey,
    roles: Vec<Role>,
}

impl Principal {
    /// The principal of a grant that was found under the digest of the credentials sent.
    #[must_use]
    pub fn of(opened: &OpenedGrant) -> Self {
        let grant = opened.grant();
        Self { user: grant.user.clone(), api_key: grant.api_key.clone(), roles: grant.roles.clone() }
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's api_key.
    #[must_use]
    pub fn api_key(&self) -> &ApiKey {
        &self.api_key
    }

    /// The user's roles, sorted.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }
}

/// Proof that the caller is the built-in administrator, who acts on the gate's own routes and is never forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Administrator(());

impl Administrator {
    /// The name that `get_logged_user` answers with.
    #[must_use]
    pub fn user(self) -> &'static str {
        ADMINISTRATOR
    }
}

/// The digest of the built-in administrator's credentials.
#[derive(Debug, Clone, Copy)]
pub struct AdministratorDigest(Digest);

impl AdministratorDigest {
    /// Keeps the digest of `Administrator:<ADMINISTRATOR_SECRET>`.
    #[must_use]
    pub fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// The proof, if the digest of what was sent is the administrator's. Digests are keyed, so what the comparison
    /// takes tells nothing about the secret.
    #[must_use]
    pub fn verify(self, digest: Digest) -> Option<Administrator> {
        (digest == self.0).then_some(Administrator(()))
    }
}
