//! User names: what may be one, and when two are the same.

use thiserror::Error;

/// The longest user name, in characters: the length of a Frappe document's name.
pub const USER_NAME_MAX_CHARACTERS: usize = 140;

/// Folds a text so that names which differ in case or compatibility alone become equal: NFKC and case folding.
///
/// It comes in, as the clock and randomness do: every platform carries Unicode's tables already, and in the Worker
/// they would weigh 60 KB.
pub type Fold = fn(&str) -> String;

/// A user's name as it was first given, and as names are compared: 1 to 140 characters, no control characters, no
/// surrounding white space, not `.` or `..`, and none of the reserved names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName {
    text: String,
    folded: FoldedUserName,
}

/// A user name as names are compared: two users whose names fold to the same cannot exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoldedUserName(String);

/// Why a name cannot be a user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserNameError {
    /// Empty, or over 140 characters.
    #[error("a user name has 1 to {USER_NAME_MAX_CHARACTERS} characters")]
    Length,
    /// A control character, or white space at an end.
    #[error("a user name holds no control character and no surrounding white space")]
    Character,
    /// `.` or `..`: no URL can name it.
    #[error("a user name is not a dot segment")]
    DotSegment,
    /// `Administrator` or `Guest`.
    #[error("this user name is reserved")]
    Reserved,
}

impl UserName {
    /// Checks a name.
    pub fn parse(text: &str, fold: Fold) -> Result<Self, UserNameError> {
        if text.is_empty() || text.chars().count() > USER_NAME_MAX_CHARACTERS {
            return Err(UserNameError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(UserNameError::Character);
        }
        let folded = fold(text);
        match folded.as_str() {
            "." | ".." => Err(UserNameError::DotSegment),
            "administrator" | "guest" => Err(UserNameError::Reserved),
            _ => Ok(Self::from_stored(text.to_owned(), folded)),
        }
    }

    /// A name that was checked when it was stored.
    #[must_use]
    pub fn from_stored(text: String, folded: String) -> Self {
        Self { text, folded: FoldedUserName(folded) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name as names are compared.
    #[must_use]
    pub fn folded(&self) -> &FoldedUserName {
        &self.folded
    }
}

impl FoldedUserName {
    /// The folded characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Unicode's own folding (The Unicode Standard, section 3.13, D146), for tests.
#[cfg(test)]
pub(crate) fn fold_for_tests(text: &str) -> String {
    use caseless::Caseless;
    use unicode_normalization::UnicodeNormalization;
    text.chars().nfd().default_case_fold().nfkd().default_case_fold().nfkd().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fold_alike_are_one_user() {
        let folded = |text| UserName::parse(text, fold_for_tests).unwrap().folded().clone();
        for (one, other) in [
            ("alice@example.test", "ALICE@Example.TEST"),
            ("ﬁne", "FINE"),
            ("Straße", "STRASSE"),
            ("é", "e\u{301}"),
            ("Ａlice", "alice"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("alice"), folded("alicé"));
    }

    #[test]
    fn keeps_the_name_as_it_was_given() {
        for text in ["Alice Example", "a/b", "a%2Fb", "日本", "<b>x</b>", "...", &"n".repeat(140)] {
            assert_eq!(UserName::parse(text, fold_for_tests).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_user() {
        use UserNameError::*;
        for (text, error) in [
            ("", Length),
            (&"n".repeat(141), Length),
            (" a", Character),
            ("a\u{a0}", Character),
            ("a\0b", Character),
            ("a\u{85}b", Character),
            (".", DotSegment),
            ("․․", DotSegment),
            ("Administrator", Reserved),
            ("ADMINISTRATOR", Reserved),
            ("Ａdministrator", Reserved),
            ("guest", Reserved),
            ("Gueſt", Reserved),
        ] {
            assert_eq!(UserName::parse(text, fold_for_tests), Err(error), "{text:?}");
        }
    }
}
