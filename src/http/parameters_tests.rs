//! Parameters, right and wrong.

use super::*;
use crate::core::user_name::fold_for_tests;

const JSON: Option<&str> = Some("application/json; charset=utf-8");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

#[test]
fn finds_the_user_in_query_form_and_json() {
    for (query, content_type, body, quotes, user) in [
        ("?user=alice%40example.test", None, "", false, "alice@example.test"),
        ("", FORM, "x=1&user=alice+a", false, "alice a"),
        ("", JSON, r#"{"user":"alice","x":1}"#, false, "alice"),
        ("?user=alice", JSON, r#"{"user":"alice"}"#, false, "alice"),
        ("?user=%22user_name%22", None, "", true, "user_name"),
        ("?user='user_name'", None, "", true, "user_name"),
        ("?user=user_name", None, "", true, "user_name"),
        ("?user=%22user_name%22", None, "", false, "\"user_name\""),
        ("?user=%22", None, "", true, "\""),
    ] {
        let found = rpc_user(query, content_type, body.as_bytes(), quotes, fold_for_tests);
        assert_eq!(found.unwrap().as_str(), user, "{query} {body}");
    }
}

#[test]
fn refuses_what_names_no_user() {
    use ParameterError::*;
    for (query, content_type, body, error) in [
        ("", None, "", UserMissing),
        ("?user=", None, "", UserMissing),
        ("?user=\"\"", None, "", UserMissing),
        ("?User=a", None, "", UserMissing),
        ("", JSON, "{}", UserMissing),
        ("", JSON, r#"{"user":5}"#, UserNotText),
        ("", JSON, r#"{"user":null}"#, UserNotText),
        ("", JSON, r#"{"user":["a"]}"#, UserNotText),
        ("", JSON, "[]", NotAnObject),
        ("", JSON, "{", NotAnObject),
        ("", JSON, "\"a\"", NotAnObject),
        ("?user=a&user=b", None, "", UserTwice),
        ("?user=a", FORM, "user=b", UserTwice),
        ("", Some("text/plain"), "user=a", BodyFormat),
        ("", None, "user=a", BodyFormat),
        ("", Some("multipart/form-data; boundary=x"), "x", BodyFormat),
        ("?user=+a", None, "", UserName(UserNameError::Character)),
        ("?user=a%0a", None, "", UserName(UserNameError::Character)),
        ("?user=Guest", None, "", UserName(UserNameError::Reserved)),
    ] {
        assert_eq!(
            rpc_user(query, content_type, body.as_bytes(), true, fold_for_tests).unwrap_err(),
            error,
            "{query} {body}"
        );
    }
}

#[test]
fn settings_are_what_is_enforced_and_nothing_else() {
    let body = r#"{"roles":["B","A","B"],"enabled":false,"not_after":"2030-01-31T01:00:00+01:00","strict":true,
        "allowed_ips":["192.0.2.7/24"],"rules":["GET /a/**"]}"#;
    let taken = settings(body.as_bytes()).unwrap();
    assert_eq!(taken.roles, Some(parse_roles(vec!["A".into(), "B".into()]).unwrap()));
    assert_eq!((taken.enabled, taken.strict), (Some(false), Some(true)));
    assert_eq!(taken.not_after, Some(Some(UnixSeconds(1_896_048_000))));
    assert_eq!(taken.allowed_ips.unwrap()[0].to_string(), "192.0.2.0/24");
    assert_eq!(taken.rules.unwrap()[0].as_str(), "GET /a/**");
    assert_eq!(settings(b"{}").unwrap(), Settings::default());
    assert_eq!(settings(br#"{"not_after":null}"#).unwrap().not_after, Some(None));
    let fields = "roles, enabled, not_after, allowed_ips, rules, strict";
    for (body, error) in [
        ("", ParameterError::NotAnObject),
        ("[]", ParameterError::NotAnObject),
        (r#"{"roles":"A"}"#, ParameterError::NotTexts("roles")),
        (r#"{"roles":[1]}"#, ParameterError::NotTexts("roles")),
        (r#"{"roles":["a,b"]}"#, ParameterError::Role(RoleError::Character)),
        (r#"{"enabled":"yes"}"#, ParameterError::NotBoolean("enabled")),
        (r#"{"enabled":null}"#, ParameterError::NotBoolean("enabled")),
        (r#"{"not_after":"soon"}"#, ParameterError::Time),
        (r#"{"not_after":5}"#, ParameterError::Time),
        (r#"{"allowed_ips":["x"]}"#, ParameterError::AddressRange(AddressRangeError::Format)),
        (r#"{"rules":["x"]}"#, ParameterError::AccessRule(AccessRuleError::Format)),
        (r#"{"strict":1}"#, ParameterError::NotBoolean("strict")),
        (r#"{"api_key":"x"}"#, ParameterError::UnknownField(fields)),
    ] {
        assert_eq!(settings(body.as_bytes()).unwrap_err(), error, "{body}");
    }
    assert_eq!(no_fields(b""), Ok(()));
    assert_eq!(no_fields(b" {} "), Ok(()));
    assert_eq!(no_fields(br#"{"grace_seconds":60}"#), Err(ParameterError::NoFields));
}

#[test]
fn grace_is_at_most_thirty_days() {
    for (body, grace) in [
        ("", Ok(0)),
        ("{}", Ok(0)),
        (r#"{"grace_seconds":60}"#, Ok(60)),
        (r#"{"grace_seconds":2592000}"#, Ok(2_592_000)),
        (r#"{"grace_seconds":2592001}"#, Err(ParameterError::GraceSeconds)),
        (r#"{"grace_seconds":-1}"#, Err(ParameterError::GraceSeconds)),
        (r#"{"grace_seconds":1.5}"#, Err(ParameterError::GraceSeconds)),
        (r#"{"grace_seconds":"60"}"#, Err(ParameterError::GraceSeconds)),
        (r#"{"grace":60}"#, Err(ParameterError::UnknownField("grace_seconds"))),
    ] {
        assert_eq!(grace_seconds(body.as_bytes()), grace, "{body}");
    }
}

#[test]
fn list_queries_are_checked() {
    let taken =
        list_query(&format!("?q=Al&status=active&limit=200&cursor={}", cursor("alicé")), fold_for_tests).unwrap();
    let expected = ListQuery {
        search: "Al".into(),
        folded_search: "al".into(),
        status: Some(Status::Active),
        limit: 200,
        after: Some("alicé".into()),
    };
    assert_eq!(taken, expected);
    let default =
        ListQuery { search: String::new(), folded_search: String::new(), status: None, limit: 50, after: None };
    assert_eq!(list_query("", fold_for_tests).unwrap(), default);
    for (query, error) in [
        ("?limit=0", ParameterError::Limit),
        ("?limit=201", ParameterError::Limit),
        ("?limit=x", ParameterError::Limit),
        ("?status=gone", ParameterError::Status),
        ("?cursor=!", ParameterError::Cursor),
    ] {
        assert_eq!(list_query(query, fold_for_tests).unwrap_err(), error, "{query}");
    }
}
