//! Roles: what a user may be called, and the one that the gate itself asks for.

use thiserror::Error;

/// The role that may mint and manage; Frappe's name for it.
pub const SYSTEM_MANAGER: &str = "System Manager";
/// The longest role, in characters: the length of a Frappe `Data` field.
pub const ROLE_MAX_CHARACTERS: usize = 140;
/// The most roles of one user; they all travel in one header.
pub const ROLES_MAX: usize = 64;

/// A role's name: 1 to 140 characters, no comma (roles travel comma separated), no control character, no
/// surrounding white space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role(String);

/// Why a role is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RoleError {
    /// Empty, or over 140 characters.
    #[error("a role has 1 to {ROLE_MAX_CHARACTERS} characters")]
    Length,
    /// A comma, a control character, or white space at an end.
    #[error("a role holds no comma, no control character and no surrounding white space")]
    Character,
    /// More than 64 of them.
    #[error("a user has at most {ROLES_MAX} roles")]
    TooMany,
}

impl Role {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the role that may mint and manage.
    #[must_use]
    pub fn is_system_manager(&self) -> bool {
        self.0 == SYSTEM_MANAGER
    }
}

impl TryFrom<String> for Role {
    type Error = RoleError;

    fn try_from(text: String) -> Result<Self, RoleError> {
        if text.is_empty() || text.chars().count() > ROLE_MAX_CHARACTERS {
            return Err(RoleError::Length);
        }
        if text.trim() != text || text.chars().any(|character| character == ',' || character.is_control()) {
            return Err(RoleError::Character);
        }
        Ok(Self(text))
    }
}

/// Reads a list of roles; sorted, each once.
pub fn parse_roles(texts: Vec<String>) -> Result<Vec<Role>, RoleError> {
    let mut roles = Vec::new();
    for text in texts {
        let role = Role::try_from(text)?;
        if let Err(place) = roles.binary_search(&role) {
            roles.insert(place, role);
        }
        if roles.len() > ROLES_MAX {
            return Err(RoleError::TooMany);
        }
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_and_takes_each_role_once() {
        let roles = parse_roles(vec![SYSTEM_MANAGER.into(), "Auditeur général".into(), SYSTEM_MANAGER.into()]).unwrap();
        assert_eq!(roles.iter().map(Role::as_str).collect::<Vec<_>>(), ["Auditeur général", SYSTEM_MANAGER]);
        assert!(roles[1].is_system_manager() && !roles[0].is_system_manager());
    }

    #[test]
    fn refuses_what_would_read_as_another_role() {
        for (text, error) in [
            ("", RoleError::Length),
            (&"r".repeat(141), RoleError::Length),
            ("a,System Manager", RoleError::Character),
            ("a\nb", RoleError::Character),
            (" a", RoleError::Character),
        ] {
            assert_eq!(parse_roles(vec![text.to_owned()]), Err(error), "{text:?}");
        }
        let many = (0..=ROLES_MAX).map(|number| number.to_string()).collect();
        assert_eq!(parse_roles(many), Err(RoleError::TooMany));
    }
}
