//! The `Authorization` field value. What is taken comes out as it went in, under both schemes; and a secret of the gate's own
//! is found in every value in which another reader would find it.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use gatehouse::core::authorization::{Authorization, Scheme, names_own_credentials, parse, readings};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "gks_00000000000000000000000000000000000000004023f14c";

fn credentials(value: &str) -> Option<(Scheme, String, String)> {
    match parse(value).ok()? {
        Authorization::Credentials(scheme, found) => {
            Some((scheme, found.api_key.as_str().to_owned(), found.api_secret.reveal().to_owned()))
        }
        Authorization::OtherScheme => None,
    }
}

/// Frappe's reader: two words, the first of them `token` or `basic`, the second base64 that Python decodes, or not.
fn frappe(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    match words.first()?.to_ascii_lowercase().as_str() {
        "token" => words.get(1).map(ToString::to_string),
        "basic" => Some(python(words.get(1)?)),
        _ => None,
    }
}

/// Python's `b64decode`: leaves out what is no base64, and ends where a group is full with its padding.
fn python(text: &str) -> String {
    let (mut signs, mut padding) = (String::new(), 0);
    for sign in text.chars() {
        match sign {
            '=' if signs.len() % 4 >= 2 => {
                padding += 1;
                if signs.len() % 4 + padding >= 4 {
                    break;
                }
            }
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '/' => {
                signs.push(sign);
                padding = 0;
            }
            _ => {}
        }
    }
    lenient(&signs)
}

/// Node's `Buffer.from(text, "base64")`: of both alphabets, up to the first `=`.
fn node(text: &str) -> String {
    let signs = text.split('=').next().unwrap_or_default().replace('-', "+").replace('_', "/");
    lenient(&signs.chars().filter(|sign| sign.is_ascii_alphanumeric() || "+/".contains(*sign)).collect::<String>())
}

/// Base64 of nothing but its signs; what is left over at the end is left out.
fn lenient(signs: &str) -> String {
    let mut bits = 0u32;
    let (mut held, mut decoded) = (0, Vec::new());
    for sign in signs.bytes() {
        let value =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|known| *known == sign);
        bits = bits << 6 | u32::try_from(value.unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn check(value: &str) {
    let parsed = credentials(value);
    let found = readings(value);
    if let Some((scheme, api_key, api_secret)) = &parsed {
        let pair = format!("{api_key}:{api_secret}");
        assert!(pair.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') && pair.matches(':').count() == 1);
        assert!((1..=140).contains(&api_key.len()) && (1..=256).contains(&api_secret.len()));
        for (again, value) in
            [(Scheme::Token, format!("token {pair}")), (Scheme::Basic, format!("Basic {}", STANDARD.encode(&pair)))]
        {
            assert_eq!(credentials(&value), Some((again, api_key.clone(), api_secret.clone())));
        }
        assert!(
            found.iter().any(|text| text.as_str() == api_secret),
            "{scheme:?} {value:?}: its own secret is not found"
        );
        assert_eq!(frappe(value).as_deref(), Some(pair.as_str()), "Frappe reads {value:?} as something else");
    }
    if let Ok(Authorization::OtherScheme) = parse(value) {
        let own = frappe(value).filter(|pair| pair.contains(':'));
        assert_eq!(own, None, "Frappe finds credentials in {value:?}, which passes as another scheme");
    }
    let payload = value.trim_matches([' ', '\t']).split_once([' ', '\t']).map_or("", |(_, payload)| payload);
    let others = [Some(value.to_owned()), frappe(value), Some(python(payload)), Some(node(payload))];
    if others.into_iter().flatten().any(|text| text.contains(SECRET)) {
        assert!(found.iter().any(|text| names_own_credentials(text)), "the gate's secret is overlooked in {value:?}");
    }
}

// A value; and the same bytes as what a leaky client makes of the gate's secret: the api_key, and noise in its base64.
fuzz_target!(|text: &str| {
    check(text);
    let (api_key, noise) = text.split_once('\n').unwrap_or((text, ""));
    for alphabet in [STANDARD, URL_SAFE] {
        let mut encoded: Vec<char> = alphabet.encode(format!("{api_key}:{SECRET}")).chars().collect();
        for (number, sign) in noise.chars().enumerate() {
            let place = number * 7 % encoded.len();
            encoded.insert(place, sign);
        }
        let encoded = String::from_iter(encoded);
        for scheme in ["Basic", "basic\t", "Bearer"] {
            check(&format!("{scheme} {encoded}"));
        }
    }
});
