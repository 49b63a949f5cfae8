//! Access rules: which methods and paths a user's credentials are good for.

use thiserror::Error;

use super::path::{NormalPath, PathPattern, PatternError};

/// The most rules of one user.
pub const ACCESS_RULES_MAX: usize = 64;
/// The longest rule, in characters.
pub const ACCESS_RULE_MAX_CHARACTERS: usize = 512;

/// A method or `*`, a space, a path pattern: `GET /api/resource/ToDo/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    text: String,
    method: Option<String>,
    pattern: PathPattern,
}

/// Why a text is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccessRuleError {
    /// Not of the form of a rule.
    #[error("a rule is a method or *, one space and a path pattern, like GET /api/resource/ToDo/*")]
    Format,
    /// The path pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Over 512 characters, or more than 64 rules.
    #[error("a user has at most {ACCESS_RULES_MAX} rules of at most {ACCESS_RULE_MAX_CHARACTERS} characters")]
    TooMany,
}

impl AccessRule {
    /// Reads a rule. Methods are case-sensitive (RFC 9110 §9.1).
    ///
    /// ```
    /// use gatehouse::core::{access_rule::AccessRule, path::NormalPath};
    /// let rule = AccessRule::parse("GET /api/resource/ToDo/*").unwrap();
    /// assert!(rule.allows("GET", &NormalPath::new("/api/resource/ToDo/1")));
    /// assert!(!rule.allows("DELETE", &NormalPath::new("/api/resource/ToDo/1")));
    /// ```
    pub fn parse(text: &str) -> Result<Self, AccessRuleError> {
        if text.len() > ACCESS_RULE_MAX_CHARACTERS {
            return Err(AccessRuleError::TooMany);
        }
        let (method, pattern) = text.split_once(' ').ok_or(AccessRuleError::Format)?;
        let method = match method {
            "*" => None,
            word if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') => {
                Some(word.to_owned())
            }
            _ => return Err(AccessRuleError::Format),
        };
        Ok(Self { text: text.to_owned(), method, pattern: PathPattern::parse(pattern)? })
    }

    /// Whether a request of this method and path is inside the rule.
    #[must_use]
    pub fn allows(&self, method: &str, path: &NormalPath) -> bool {
        self.method.as_deref().is_none_or(|allowed| allowed == method) && self.pattern.matches(path)
    }

    /// The rule as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Reads a list of rules.
pub fn parse_rules(texts: &[String]) -> Result<Vec<AccessRule>, AccessRuleError> {
    if texts.len() > ACCESS_RULES_MAX {
        return Err(AccessRuleError::TooMany);
    }
    texts.iter().map(|text| AccessRule::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_allows_its_method_and_paths_and_nothing_else() {
        for (rule, method, path, allowed) in [
            ("GET /a/*", "GET", "/a/b", true),
            ("GET /a/*", "HEAD", "/a/b", false),
            ("GET /a/*", "get", "/a/b", false),
            ("* /a/**", "DELETE", "/a/b/c", true),
            ("* /a/**", "GET", "/a/../b", false),
            ("* /a/**", "GET", "/a/%2e%2e/b", false),
            ("* /**", "GET", "/a%2fb", false),
        ] {
            assert_eq!(
                AccessRule::parse(rule).unwrap().allows(method, &NormalPath::new(path)),
                allowed,
                "{rule} {path}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_rule() {
        for text in ["", "GET", "/a", "get /a", "GET  /a", " GET /a", "GET /a b", "GET a", "GET,POST /a", "** /a"] {
            assert!(AccessRule::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(parse_rules(&vec!["* /a".to_owned(); 65]), Err(AccessRuleError::TooMany));
        assert_eq!(AccessRule::parse(&format!("* /{}", "a".repeat(512))), Err(AccessRuleError::TooMany));
    }
}
