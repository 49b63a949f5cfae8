//! Paths: one normaliser and one pattern grammar for the gate's own routes, public paths and rules.
//!
//! Guarantees that a pattern never matches a path which the origin could read as another one.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// A request's path after decoding percent-encoded unreserved characters (RFC 3986 §6.2.2.2), writing the other
/// escapes in capitals (§6.2.2.1) and removing dot segments (§5.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalPath {
    text: String,
    ambiguous: bool,
}

impl NormalPath {
    /// Normalises the path of a URL, as it stands there: no query, no fragment.
    #[must_use]
    pub fn new(path: &str) -> Self {
        if is_plain(path) {
            return Self { text: path.to_owned(), ambiguous: false };
        }
        let decoded = decode_unreserved(path);
        let text = remove_dot_segments(&decoded);
        let ambiguous = is_ambiguous(path) || is_ambiguous(&text);
        Self { text, ambiguous }
    }

    /// The normalised path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The normalised path, unless servers differ in how they read it.
    #[must_use]
    pub fn unambiguous(&self) -> Option<&str> {
        (!self.ambiguous).then_some(self.text.as_str())
    }
}

/// Whether a path is normal as it stands, as most are: unreserved characters in segments that do not start with a dot and,
/// but for the last, are not empty.
fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with('/')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte))
        && bytes.iter().zip(bytes.iter().skip(1)).all(|pair| !matches!(pair, (b'/', b'/' | b'.')))
}

/// Escapes and characters that servers read differently: encoded slashes and percent signs, NUL, empty segments, path
/// parameters (encoded ones too: some servers decode before they cut them off), backslashes, bytes that are not UTF-8
/// (overlong forms of dots and slashes among them), and what is no URL's path at all.
fn is_ambiguous(path: &str) -> bool {
    let upper = path.to_ascii_uppercase();
    ["%2F", "%3B", "%5C", "%25", "%00", "//", ";", "\\"].iter().any(|trick| upper.contains(trick))
        || !path.starts_with('/')
        || path.bytes().any(|byte| !byte.is_ascii_graphic())
        || has_broken_escape(path)
        || percent_decode_str(path).decode_utf8().is_err()
}

fn has_broken_escape(path: &str) -> bool {
    path.split('%').skip(1).any(|behind| hex_byte(behind).is_none())
}

/// The byte that the two hex digits at the start of a text stand for.
fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    // from_str_radix takes a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn decode_unreserved(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut decoded = String::with_capacity(path.len());
    decoded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match (hex_byte(part), part.get(2..)) {
            (Some(byte), Some(rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(rest);
            }
            (Some(byte), Some(rest)) => {
                decoded.push_str(&format!("%{byte:02X}"));
                decoded.push_str(rest);
            }
            _ => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    Cow::Owned(decoded)
}

fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            ".." => {
                kept.pop();
            }
            "." => {}
            other => {
                kept.push(other);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    if kept.is_empty() { "/".to_owned() } else { kept.iter().flat_map(|segment| ["/", segment]).collect() }
}

/// A pattern: literal segments, `*` for one segment, a final `**` for all that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
    rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It does not start with a slash, is not in normal form, or could never match.
    #[error("a pattern is a path in normal form that starts with /")]
    NotNormal,
    /// `*` beside other characters, or `**` before the end.
    #[error("* stands for one whole segment, ** for all that follow at the end")]
    Wildcard,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// ```
    /// use gatehouse::core::path::{NormalPath, PathPattern};
    /// let pattern = PathPattern::parse("/api/resource/*/**").unwrap();
    /// assert!(pattern.matches(&NormalPath::new("/api/resource/ToDo/1")));
    /// assert!(!pattern.matches(&NormalPath::new("/api/resource/ToDo")));
    /// ```
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if NormalPath::new(text).unambiguous() != Some(text) {
            return Err(PatternError::NotNormal);
        }
        let path = text.strip_prefix('/').ok_or(PatternError::NotNormal)?;
        let (path, rest) = match path.strip_suffix("**") {
            Some("") => return Ok(Self { segments: Vec::new(), rest: true }),
            Some(before) => (before.strip_suffix('/').ok_or(PatternError::Wildcard)?, true),
            None => (path, false),
        };
        let segments = path
            .split('/')
            .map(|segment| match segment {
                "*" => Ok(Segment::Any),
                literal if literal.contains('*') => Err(PatternError::Wildcard),
                literal => Ok(Segment::Literal(literal.to_owned())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { segments, rest })
    }

    /// Whether the path is one that the pattern stands for. An ambiguous path is none.
    #[must_use]
    pub fn matches(&self, path: &NormalPath) -> bool {
        let Some(path) = path.unambiguous().and_then(|path| path.strip_prefix('/')) else {
            return false;
        };
        let mut segments = path.split('/');
        let fits = self.segments.iter().all(|expected| match (expected, segments.next()) {
            (Segment::Any, Some(segment)) => !segment.is_empty(),
            (Segment::Literal(literal), Some(segment)) => segment == literal,
            (Segment::Any | Segment::Literal(_), None) => false,
        });
        fits && segments.next().is_some() == self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_what_has_one_meaning() {
        for (path, normal) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("/%61pi/%7Euser", "/api/~user"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e%2E/b", "/b"),
            ("/../../a", "/a"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/%c3%a4", "/%C3%A4"),
            ("/a%20b", "/a%20b"),
        ] {
            assert_eq!(NormalPath::new(path).unambiguous(), Some(normal), "{path}");
        }
    }

    #[test]
    fn a_path_that_servers_read_differently_matches_no_pattern() {
        let everything = PathPattern::parse("/**").unwrap();
        for path in [
            "",
            "a",
            "*",
            "/a%2fb",
            "/a%2Fb",
            "/a%5Cb",
            "/a%252fb",
            "/a%00",
            "//a",
            "/a//b",
            "/a;b",
            "/a/..%3b/b",
            "/a%3Bb",
            "/a\\b",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%+1",
            "/%e4",
            "/%c0%ae%c0%ae/a",
            "/a%c0%afb",
            "/a%e0%80%afb",
            "/a%f0%80%80%afb",
            "/a%ed%a0%80b",
            "/ä",
            "/a b",
            "/a\u{7f}",
            "/a/%2e%2e//b",
        ] {
            assert_eq!(NormalPath::new(path).unambiguous(), None, "{path}");
            assert!(!everything.matches(&NormalPath::new(path)), "{path}");
        }
    }

    #[test]
    fn patterns_match_segment_by_segment() {
        for (pattern, matching, others) in [
            ("/", vec!["/"], vec!["/a"]),
            ("/a", vec!["/a", "/%61", "/b/../a"], vec!["/a/", "/A", "/ab", "/", "/a/b"]),
            ("/a/", vec!["/a/"], vec!["/a", "/a/b"]),
            ("/a/*", vec!["/a/b", "/a/%20"], vec!["/a", "/a/", "/a/b/", "/a/b/c"]),
            ("/*/b", vec!["/a/b"], vec!["/a/c", "/b"]),
            ("/a/**", vec!["/a/", "/a/b", "/a/b/c/"], vec!["/a", "/ab", "/a/../b"]),
            ("/a/*/**", vec!["/a/b/", "/a/b/c"], vec!["/a/b", "/a/"]),
            ("/**", vec!["/", "/a/b"], vec![]),
        ] {
            let parsed = PathPattern::parse(pattern).unwrap();
            for path in matching {
                assert!(parsed.matches(&NormalPath::new(path)), "{pattern} {path}");
            }
            for path in others {
                assert!(!parsed.matches(&NormalPath::new(path)), "{pattern} {path}");
            }
        }
    }

    #[test]
    fn refuses_patterns_that_could_not_mean_what_they_say() {
        for (pattern, error) in [
            ("", PatternError::NotNormal),
            ("a", PatternError::NotNormal),
            ("/a//b", PatternError::NotNormal),
            ("/a/../b", PatternError::NotNormal),
            ("/%61", PatternError::NotNormal),
            ("/a b", PatternError::NotNormal),
            ("/a*", PatternError::Wildcard),
            ("/a**", PatternError::Wildcard),
            ("/**/a", PatternError::Wildcard),
            ("/***", PatternError::Wildcard),
        ] {
            assert_eq!(PathPattern::parse(pattern), Err(error), "{pattern}");
        }
    }
}
