//! What is written is read back as it was.

use std::rc::Rc;

use base64::{Engine, engine::general_purpose::STANDARD};
use gatehouse::core::access_rule::{AccessRule, parse_rules};
use gatehouse::core::assertion::Issuer;
use gatehouse::core::authorization::{Authorization, Scheme, parse};
use gatehouse::core::client_address::{AddressRange, parse_ranges};
use gatehouse::core::credentials::{ApiKey, ApiSecret, Credentials};
use gatehouse::core::digest::Digest;
use gatehouse::core::grant::{Grant, GrantError};
use gatehouse::core::path::{NormalPath, PathPattern};
use gatehouse::core::principal::Principal;
use gatehouse::core::registry::import::{ImportRow, export_row};
use gatehouse::core::registry::{Secret, Settings};
use gatehouse::core::role::{Role, parse_roles};
use gatehouse::core::signing_key::KeyRing;
use gatehouse::core::unix_time::UnixSeconds;
use gatehouse::core::user_name::UserName;
use gatehouse::http::import::{ImportKeys, rows};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_assert_ne, proptest};
use serde_json::{Value, json};

use crate::{config, digest, fold, keys};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
/// Every year that RFC 3339 can write.
const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

fn api_key() -> impl Strategy<Value = ApiKey> {
    "[!-+\\--9;-~]{1,140}".prop_map(|text| ApiKey::parse(&text).unwrap())
}

/// As the gate makes them, and as others do.
fn api_secret() -> impl Strategy<Value = ApiSecret> {
    let foreign = "[!-+\\--9;-f][!-+\\--9;-~]{0,255}".prop_map(|text| ApiSecret::parse(&text).unwrap());
    proptest::prop_oneof![any::<[u8; 20]>().prop_map(ApiSecret::from_random), foreign]
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    vec("[^,\\pC\\s][^,\\pC]{0,20}[^,\\pC\\s]", 0..4).prop_map(|texts| parse_roles(texts).unwrap())
}

fn time() -> impl Strategy<Value = Option<UnixSeconds>> {
    of(YEARS.prop_map(UnixSeconds))
}

fn ranges() -> impl Strategy<Value = Vec<AddressRange>> {
    let v4 = (any::<std::net::Ipv4Addr>(), 0..=32u8).prop_map(|(address, bits)| format!("{address}/{bits}"));
    let v6 = (any::<std::net::Ipv6Addr>(), 0..=128u8).prop_map(|(address, bits)| format!("{address}/{bits}"));
    vec(proptest::prop_oneof![v4, v6], 0..4).prop_map(|texts| parse_ranges(&texts).unwrap())
}

fn rules() -> impl Strategy<Value = Vec<AccessRule>> {
    let rule = "(\\*|[A-Z]{1,7}) (/[a-z0-9~_.-]{0,5}[a-z]|/\\*){0,4}(/|/\\*\\*)?";
    vec(rule, 0..4).prop_map(|texts| texts.into_iter().filter_map(|text| AccessRule::parse(&text).ok()).collect())
}

fn user_name() -> impl Strategy<Value = UserName> {
    "[^\\pC\\s][^\\pC]{0,40}[^\\pC\\s]".prop_filter_map("reserved", |text| UserName::parse(&text, fold).ok())
}

fn grant() -> impl Strategy<Value = Grant> {
    (user_name(), api_key(), roles(), of(any::<i64>()), ranges(), rules(), any::<(bool, bool)>()).prop_map(
        |(user, api_key, roles, expires_at, allowed_ips, rules, (strict, adopted))| Grant {
            user: user.as_str().to_owned(),
            api_key,
            roles,
            expires_at: expires_at.map(UnixSeconds),
            allowed_ips,
            rules,
            strict,
            adopted,
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    (of(roles()), of(any::<bool>()), of(time()), of(ranges()), of(rules()), of(any::<bool>())).prop_map(
        |(roles, enabled, not_after, allowed_ips, rules, strict)| Settings {
            roles,
            enabled,
            not_after,
            allowed_ips,
            rules,
            strict,
        },
    )
}

/// What a JSON Web Token says.
fn decoded(part: &str) -> Value {
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn credentials_come_out_of_both_schemes_as_they_went_in(api_key in api_key(), api_secret in api_secret()) {
        let pair = format!("{}:{}", api_key.as_str(), api_secret.reveal());
        for (scheme, value) in [
            (Scheme::Token, format!("token {pair}")),
            (Scheme::Basic, format!("Basic {}", STANDARD.encode(&pair))),
        ] {
            let Ok(Authorization::Credentials(found, credentials)) = parse(&value) else {
                panic!("{value:?} is refused");
            };
            prop_assert_eq!((found, &credentials.api_key), (scheme, &api_key));
            prop_assert_eq!(credentials.api_secret.reveal(), api_secret.reveal());
        }
    }

    #[test]
    fn digests_are_of_one_pair_and_read_back_from_their_one_spelling(one in (api_key(), api_secret()), other in (api_key(), api_secret())) {
        let [one, other] = [one, other].map(|(api_key, api_secret)| keys().0.digest(&Credentials { api_key, api_secret }));
        prop_assert_ne!(one, other);
        prop_assert_eq!(Digest::from_hex(&one.to_hex()), Some(one));
        prop_assert_eq!(Digest::from_hex(&one.to_hex().to_uppercase()), None);
    }

    #[test]
    fn a_sealed_grant_opens_as_it_was_under_its_own_name_alone(grant in grant()) {
        let (_, seal_key) = keys();
        let entry = seal_key.seal(digest("k:s"), &grant);
        let opened = seal_key.open(digest("k:s"), &entry).unwrap();
        prop_assert_eq!(opened.grant(), &grant);
        prop_assert_eq!(seal_key.open(digest("k:t"), &entry), Err(GrantError::Seal));
        prop_assert_eq!(Grant::from_json(&grant.to_json().to_string()), Some(grant));
    }

    #[test]
    fn a_sealed_grant_with_one_byte_changed_never_opens(grant in grant(), place in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let (_, seal_key) = keys();
        let entry = seal_key.seal(digest("k:s"), &grant);
        let mut changed = entry.clone().into_bytes();
        *place.get_mut(&mut changed) = byte;
        if let Ok(changed) = String::from_utf8(changed).map_err(drop) && changed != entry {
            prop_assert!(seal_key.open(digest("k:s"), &changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn a_pattern_matches_the_path_it_spells_and_what_encodes_it(path in "(/[a-zA-Z0-9~_.-]{0,6}[a-z]){1,4}/?", encoded in any::<proptest::sample::Index>()) {
        let pattern = PathPattern::parse(&path).unwrap();
        prop_assert!(pattern.matches(&NormalPath::new(&path)));
        let place = encoded.index(path.len());
        if path.as_bytes()[place] != b'/' {
            let spelled = format!("{}%{:02x}{}", &path[..place], path.as_bytes()[place], &path[place + 1..]);
            prop_assert!(pattern.matches(&NormalPath::new(&spelled)), "{}", spelled);
        }
        let around = format!("/x/..{path}");
        prop_assert!(pattern.matches(&NormalPath::new(&around)));
        let longer = format!("{path}/x");
        prop_assert!(!pattern.matches(&NormalPath::new(&longer)));
    }

    #[test]
    fn rules_roles_and_ranges_are_written_as_they_are_read(rules in rules(), roles in roles(), ranges in ranges()) {
        let texts: Vec<_> = rules.iter().map(|rule| rule.as_str().to_owned()).collect();
        prop_assert_eq!(parse_rules(&texts), Ok(rules));
        let texts: Vec<_> = roles.iter().map(|role| role.as_str().to_owned()).collect();
        prop_assert_eq!(parse_roles(texts.iter().rev().cloned().collect()), Ok(roles));
        let texts: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        prop_assert_eq!(parse_ranges(&texts), Ok(ranges));
    }

    #[test]
    fn a_time_is_read_as_it_was_written(seconds in YEARS) {
        let time = UnixSeconds(seconds);
        prop_assert_eq!(UnixSeconds::parse_rfc3339(&time.rfc3339()), Some(time));
    }

    #[test]
    fn an_imported_user_is_exported_as_a_row_that_imports_it_again(
        name in user_name(),
        credentials in of((api_key(), vec(api_secret(), 0..3))),
        grace_end in YEARS,
        settings in settings(),
    ) {
        let (digest_key, seal_key) = keys();
        let import_keys = ImportKeys { digest_key: &digest_key, seal_key: &seal_key, fold };
        let (api_key, api_secrets) = credentials.map_or((None, Vec::new()), |(api_key, api_secrets)| (Some(api_key), api_secrets));
        // The newest secret has no end, one in its grace has.
        let ends = [None, Some(UnixSeconds(grace_end))];
        let secrets = api_key.iter().cycle().zip(api_secrets).zip(ends).map(|((api_key, api_secret), expires_at)| Secret {
            digest: digest_key.digest(&Credentials { api_key: api_key.clone(), api_secret }),
            expires_at,
        });
        let row = ImportRow { name, secrets: secrets.collect(), api_key, deleted: false, settings };
        let user = row.apply(None, None, NOW).unwrap();
        let page = json!({ "users": [export_row(&user, &seal_key)], "next_cursor": null }).to_string();
        let (mut read, dry_run) = rows(page.as_bytes(), import_keys).unwrap_or_else(|error| panic!("{error}: {page}"));
        prop_assert_eq!((read.len(), dry_run), (1, false));
        prop_assert_eq!(read.remove(0).apply(None, None, NOW), Ok(user));
    }

    #[test]
    fn an_assertion_says_who_the_principal_is(grant in grant()) {
        let grant = Rc::new(Grant { expires_at: None, allowed_ips: Vec::new(), ..grant });
        let principal = Principal::authenticate(&grant, NOW, None).unwrap();
        let key = json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" });
        let issuer = Issuer {
            keys: KeyRing::parse(&key.to_string()).unwrap(),
            issuer: "https://gate.test".to_owned(),
            audience: "https://app.test".to_owned(),
        };
        let input = issuer.signing_input(&principal, NOW);
        let (header, claims) = input.split_once('.').unwrap();
        prop_assert_eq!(&decoded(header)["alg"], &json!("HS256"));
        let mut expected = json!({
            "iss": "https://gate.test",
            "aud": "https://app.test",
            "sub": grant.user,
            "roles": grant.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
            "api_key": grant.api_key.as_str(),
            "iat": NOW.0,
            "exp": NOW.0 + 60,
        });
        if !grant.rules.is_empty() {
            expected["restricted"] = true.into();
        }
        prop_assert_eq!(decoded(claims), expected);
    }
}
