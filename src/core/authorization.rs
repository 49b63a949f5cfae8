//! The `Authorization` field value (RFC 9110 §11.6.2): the one place that reads it.
//!
//! Strict where Frappe is lenient: what looks like an attempt to authenticate is credentials or an error, and never
//! quietly a guest.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use thiserror::Error;
use zeroize::Zeroizing;

use super::credentials::{
    ADMINISTRATOR, API_KEY_MAX_CHARACTERS, API_SECRET_MAX_CHARACTERS, API_SECRET_PREFIX, Credentials, CredentialsError,
};

/// Base64 of the longest pair, with its padding; anything longer is refused undecoded.
const BASIC_MAX_CHARACTERS: usize = (API_KEY_MAX_CHARACTERS + 1 + API_SECRET_MAX_CHARACTERS).div_ceil(3) * 4;

/// Base64 as lenient servers read it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How the credentials were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `token <api_key>:<api_secret>`, Frappe's own.
    Token,
    /// `Basic base64(<api_key>:<api_secret>)`, RFC 7617. A browser sends it by itself once it was asked for it.
    Basic,
}

/// What a field value turned out to be.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// Credentials for this gate, not verified yet.
    Credentials(Scheme, Credentials),
    /// A well-formed value of a scheme that is not the gate's (`Bearer`, `Digest`, …).
    OtherScheme,
}

/// Why a field value is refused before any look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthorizationError {
    /// The field is there and says nothing.
    #[error("an empty Authorization field")]
    Empty,
    /// No scheme, or something other than a space behind it.
    #[error("no scheme that RFC 9110 knows")]
    Scheme,
    /// White space or a comma inside the pair; two `Authorization` fields arrive joined by a comma.
    #[error("white space or a comma inside the credentials")]
    Separator,
    /// A secret of this gate under a scheme that is not its own: it must not travel on to the origin.
    #[error("the gate's own credentials under another scheme")]
    Misplaced,
    /// The payload of `Basic` is not base64 in the standard alphabet with its padding (RFC 4648 §4).
    #[error("Basic without valid base64")]
    Base64,
    /// The pair itself.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// Reads a field value.
///
/// ```
/// use gatehouse::core::authorization::{Authorization, Scheme, parse};
/// let Ok(Authorization::Credentials(scheme, credentials)) = parse("token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321") else {
///     panic!("credentials expected");
/// };
/// assert_eq!(scheme, Scheme::Token);
/// assert_eq!(credentials.api_key.as_str(), "4c5e1e2f3a4b5c6");
/// ```
pub fn parse(value: &str) -> Result<Authorization, AuthorizationError> {
    let value = value.trim_matches([' ', '\t']);
    if value.is_empty() {
        return Err(AuthorizationError::Empty);
    }
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.bytes().all(is_token_character) {
        return Err(AuthorizationError::Scheme);
    }
    let payload = rest.trim_start_matches(' ');
    let scheme = if scheme.eq_ignore_ascii_case("token") {
        Scheme::Token
    } else if scheme.eq_ignore_ascii_case("Basic") {
        Scheme::Basic
    } else {
        return other_scheme(value, payload);
    };
    if payload.bytes().any(|byte| matches!(byte, b' ' | b'\t' | b',')) {
        return Err(AuthorizationError::Separator);
    }
    let credentials = match scheme {
        Scheme::Token => Credentials::parse(payload)?,
        Scheme::Basic => decode_basic(payload)?,
    };
    Ok(Authorization::Credentials(scheme, credentials))
}

/// Every text that a lenient reader could find in a field value: all of it, its parts, and what those are in base64.
#[must_use]
pub fn readings(value: &str) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    // The payload of a scheme may be broken up by what its reader leaves out.
    let payload = value.trim_matches([' ', '\t']).split_once([' ', '\t']).map_or("", |(_, payload)| payload);
    for part in parts(value).chain([payload]) {
        found.push(part.to_owned());
        for decoded in decode_leniently(part) {
            found.extend(parts(&decoded).map(str::to_owned));
        }
    }
    found.into_iter().filter(|text| !text.is_empty()).map(Zeroizing::new).collect()
}

/// A text, its parts between characters that no secret holds, and those between others that separate or enclose.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split([' ', '\t', ',', ':']);
    [text].into_iter().chain(inside).chain(text.split([' ', '\t', ',', ':', ';', '"', '\'']))
}

/// Whether a text holds a secret of the gate's making, or names the built-in administrator.
#[must_use]
pub fn names_own_credentials(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains(API_SECRET_PREFIX) || text.contains(&format!("{}:", ADMINISTRATOR.to_ascii_lowercase()))
}

/// Lenient decoders leave out what is no base64, and what is left over at the end; some take the second alphabet (RFC 4648
/// §5) for the first.
fn decode_leniently(text: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let both = text.contains(['-', '_']).then(|| text.replace('-', "+").replace('_', "/"));
    [text.to_owned()].into_iter().chain(both).map(|text| {
        let mut signs: Vec<u8> =
            text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).collect();
        if signs.len() % 4 == 1 {
            signs.pop();
        }
        let decoded = Zeroizing::new(LENIENT.decode(&signs).unwrap_or_default());
        Zeroizing::new(String::from_utf8_lossy(&decoded).into_owned())
    })
}

/// A second field hidden behind another scheme, or one of the gate's secrets, is no other scheme's business.
fn other_scheme(value: &str, payload: &str) -> Result<Authorization, AuthorizationError> {
    let names_own_scheme = |part: &str| {
        let word = part.trim_matches([' ', '\t']).split([' ', '\t']).next().unwrap_or_default();
        word.eq_ignore_ascii_case("token") || word.eq_ignore_ascii_case("Basic")
    };
    if payload.split(',').skip(1).any(names_own_scheme) {
        return Err(AuthorizationError::Separator);
    }
    if value.contains(API_SECRET_PREFIX) || value.contains(&format!("{ADMINISTRATOR}:")) {
        return Err(AuthorizationError::Misplaced);
    }
    Ok(Authorization::OtherScheme)
}

fn decode_basic(payload: &str) -> Result<Credentials, AuthorizationError> {
    if payload.len() > BASIC_MAX_CHARACTERS {
        return Err(CredentialsError::TooLong.into());
    }
    let pair = Zeroizing::new(STANDARD.decode(payload).map_err(|_| AuthorizationError::Base64)?);
    let pair = str::from_utf8(&pair).map_err(|_| CredentialsError::Character)?;
    Ok(Credentials::parse(pair)?)
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;

    const K: &str = "4c5e1e2f3a4b5c6";
    const S: &str = "9f8e7d6c5b4a321";

    #[test]
    fn takes_both_schemes_in_any_case_with_one_space_or_more() {
        let pair = format!("{K}:{S}");
        let encoded = STANDARD.encode(&pair);
        for (value, scheme) in [
            (format!("token {pair}"), Scheme::Token),
            (format!("TOKEN {pair}"), Scheme::Token),
            (format!("Token   {pair}"), Scheme::Token),
            (format!(" \ttoken {pair}\t "), Scheme::Token),
            (format!("Basic {encoded}"), Scheme::Basic),
            (format!("basic  {encoded}"), Scheme::Basic),
        ] {
            match parse(&value) {
                Ok(Authorization::Credentials(found, credentials)) => {
                    assert_eq!(found, scheme, "{value:?}");
                    assert_eq!(credentials.api_key.as_str(), K);
                    assert_eq!(credentials.api_secret.reveal(), S);
                }
                other => panic!("{value:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn refuses_what_only_looks_like_credentials() {
        use AuthorizationError::{Base64, Empty, Misplaced, Scheme, Separator};
        use CredentialsError::*;
        let encoded = |pair: &[u8]| format!("Basic {}", STANDARD.encode(pair));
        let cases: Vec<(String, AuthorizationError)> = vec![
            ("".into(), Empty),
            (" \t ".into(), Empty),
            ("token".into(), NoColon.into()),
            ("token ".into(), NoColon.into()),
            ("token ks".into(), NoColon.into()),
            ("token :s".into(), EmptyApiKey.into()),
            ("token k:".into(), EmptyApiSecret.into()),
            ("token k:s:x".into(), SecondColon.into()),
            ("token k\u{e9}:s".into(), Character.into()),
            ("token k:s gone".into(), Separator),
            ("token k: s".into(), Separator),
            ("token k:s,token k:s".into(), Separator),
            ("token k:s, token k:s".into(), Separator),
            ("Bearer abc, token k:s".into(), Separator),
            ("Digest a=b,\tBASIC azpz".into(), Separator),
            ("token\tk:s".into(), Scheme),
            ("token:k:s".into(), Scheme),
            ("k:s".into(), Scheme),
            ("\"token\" k:s".into(), Scheme),
            ("Bearer gks_0123".into(), Misplaced),
            ("Bearer Administrator:secret".into(), Misplaced),
            ("Bearer Administrator Administrator:secret".into(), Misplaced),
            ("gks_0123".into(), Misplaced),
            ("Basic k:s".into(), Base64),
            ("Basic azpz=".into(), Base64),
            ("Basic a".into(), Base64),
            ("Basic azpz\u{e9}".into(), Base64),
            ("Basic azp6eg=".into(), Base64),
            ("Basic azp6eg".into(), Base64),
            ("Basic azp6eh==".into(), Base64),
            ("Basic _-8=".into(), Base64),
            ("Basic azpz azpz".into(), Separator),
            ("Basic azpz, Basic azpz".into(), Separator),
            ("Basic".into(), NoColon.into()),
            (encoded(b"ks"), NoColon.into()),
            (encoded(b"k:\xff"), Character.into()),
            (encoded(b"k:s s"), Character.into()),
            (format!("Basic {}", "A".repeat(BASIC_MAX_CHARACTERS + 4)), TooLong.into()),
        ];
        for (value, error) in cases {
            assert_eq!(parse(&value).unwrap_err(), error, "{value:?}");
        }
    }

    #[test]
    fn the_longest_pair_fits_in_basic() {
        let pair = format!("{}:{}", "k".repeat(140), "s".repeat(256));
        assert!(parse(&format!("Basic {}", STANDARD.encode(pair))).is_ok());
    }

    /// RFC 7617 §2 and §2.1. Both decode; what they hold is outside the limits of an api_secret, and that is the
    /// reason given, not the base64.
    #[test]
    fn rfc_7617_vectors_are_decoded_and_judged_by_their_characters() {
        for value in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic dGVzdDoxMjPCow=="] {
            assert_eq!(parse(value).unwrap_err(), CredentialsError::Character.into(), "{value}");
        }
        assert_eq!(STANDARD.decode("QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap(), b"Aladdin:open sesame");
        assert_eq!(STANDARD.decode("dGVzdDoxMjPCow==").unwrap(), "test:123£".as_bytes());
        // The same user-id with a password inside the limits.
        let Ok(Authorization::Credentials(Scheme::Basic, credentials)) = parse("Basic QWxhZGRpbjpvcGVuc2VzYW1l") else {
            panic!("credentials expected");
        };
        assert_eq!(credentials.api_key.as_str(), "Aladdin");
        assert_eq!(credentials.api_secret.reveal(), "opensesame");
    }

    #[test]
    fn the_gates_own_secrets_are_found_however_they_are_wrapped() {
        let secret = "gks_00000000000000000000000000000000000000004023f14c";
        let basic = STANDARD.encode(format!("key:{secret}"));
        for (value, found) in [
            (format!("token key:{secret}"), true),
            (format!("TOKEN   {secret}"), true),
            (format!("Bearer {secret}"), true),
            (format!("Basic {basic}"), true),
            (format!("basic\t{}", basic.trim_end_matches('=')), true),
            (format!("Basic {}!{}", &basic[..5], &basic[5..]), true),
            (format!("Basic {basic}A"), true),
            (format!("Bearer x, Basic {basic}"), true),
            // Node.js decodes both alphabets.
            (format!("Bearer {}", URL_SAFE.encode(format!("k?~>?:{secret}"))), true),
            (format!("Basic A, Basic {basic}"), true),
            (basic.clone(), true),
            (format!("x:{basic}"), true),
            (format!("token {}:key", secret.to_uppercase()), true),
            ("token administrator:x".to_owned(), true),
            ("token Administrator:x".to_owned(), true),
            (format!("Basic {}", STANDARD.encode("Administrator:x")), true),
            ("token 4c5e1e2f3a4b5c6:9f8e7d6c5b4a321".to_owned(), false),
            (format!("Basic {}", STANDARD.encode("4c5e1e2f3a4b5c6:9f8e7d6c5b4a321")), false),
            ("Bearer abc.def".to_owned(), false),
            ("Basic ?".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(readings(&value).iter().any(|text| names_own_credentials(text)), found, "{value}");
        }
    }

    #[test]
    fn a_secret_is_among_the_readings_of_what_holds_it_quotes_and_all() {
        let secret = "thirty-two;characters\"or'more_of-them";
        let pair = format!("somebody:{secret}");
        let basic = format!("Basic {}", STANDARD.encode(&pair));
        for value in [format!("token {pair}"), basic, format!("Bearer {secret}")] {
            assert!(readings(&value).iter().any(|text| text.as_str() == secret), "{value}");
        }
    }

    #[test]
    fn another_scheme_is_told_apart() {
        for value in ["Bearer abc.def", "Digest username=\"x\", realm=\"token\"", "Negotiate", "tokens k:s"] {
            assert!(matches!(parse(value), Ok(Authorization::OtherScheme)), "{value}");
        }
    }
}
