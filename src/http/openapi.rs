//! The description of the gate's own routes (OpenAPI 3.1). The tests here and `schemathesis` hold it to the code.

use super::answer::Answer;

/// `openapi.json` as build.rs leaves it: without white space, names in order.
const DESCRIPTION: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The answer of `/_gatehouse/openapi.json`.
#[must_use]
pub fn description() -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Some(DESCRIPTION.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::DESCRIPTION;
    use crate::core::access_rule::{ACCESS_RULE_MAX_CHARACTERS, ACCESS_RULES_MAX};
    use crate::core::client_address::ADDRESS_RANGES_MAX;
    use crate::core::credentials::{API_KEY_MAX_CHARACTERS, API_SECRET_MAX_CHARACTERS};
    use crate::core::registry::audit::Action;
    use crate::core::registry::import::IMPORT_ROWS_MAX;
    use crate::core::registry::{GRACE_MAX_SECONDS, Status};
    use crate::core::role::{ROLE_MAX_CHARACTERS, ROLES_MAX};
    use crate::http::request_head::RequestUrl;
    use crate::http::resource::Resource;

    fn document() -> Value {
        serde_json::from_str(DESCRIPTION).unwrap()
    }

    /// A name for each resource that is the gate's own and for programs: the page is for people.
    fn kind(resource: &Resource) -> Option<&'static str> {
        Some(resource.class()).filter(|class| !["page", "origin", "nothing"].contains(class))
    }

    #[test]
    fn describes_every_route_with_its_methods_and_no_other() {
        let document = document();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let url = format!("https://gate.test{}", path.replace("{user}", "alice"));
            let resource = Resource::find(&RequestUrl::parse(&url).unwrap());
            described.insert(kind(&resource).unwrap_or_else(|| panic!("{path} is no route")));
            let item = match item["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => item,
            };
            let methods: BTreeSet<String> = item
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
                .map(|key| key.to_uppercase())
                .collect();
            let allowed = resource.allow().split(", ").filter(|method| !matches!(*method, "HEAD" | "OPTIONS"));
            assert_eq!(methods, allowed.map(str::to_owned).collect(), "{path}");
        }
        let all = [
            "get_logged_user",
            "generate_keys",
            "health",
            "jwks",
            "openapi",
            "users",
            "user",
            "generate",
            "revoke",
            "audit",
            "import",
            "export",
            "reconcile",
        ];
        assert_eq!(described, all.into_iter().collect());
    }

    #[test]
    fn words_and_limits_are_those_of_the_code() {
        let document = document();
        let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        let actions: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let of_schema = |path: &str| document.pointer(&format!("/components/schemas/{path}")).unwrap();
        for (path, expected) in [
            ("User/properties/status/enum", json!(statuses)),
            ("AuditEntry/properties/action/enum", json!(actions)),
            ("Role/maxLength", json!(ROLE_MAX_CHARACTERS)),
            ("Settings/properties/roles/maxItems", json!(ROLES_MAX)),
            ("Settings/properties/allowed_ips/maxItems", json!(ADDRESS_RANGES_MAX)),
            ("Settings/properties/rules/maxItems", json!(ACCESS_RULES_MAX)),
            ("Settings/properties/rules/items/maxLength", json!(ACCESS_RULE_MAX_CHARACTERS)),
            ("Grace/properties/grace_seconds/maximum", json!(GRACE_MAX_SECONDS)),
            ("Import/properties/users/maxItems", json!(IMPORT_ROWS_MAX)),
            ("ImportRow/properties/api_key/maxLength", json!(API_KEY_MAX_CHARACTERS)),
            ("ImportRow/properties/api_secret/maxLength", json!(API_SECRET_MAX_CHARACTERS)),
        ] {
            assert_eq!(of_schema(path), &expected, "{path}");
        }
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn refers_to_nothing_that_is_not_there() {
        fn check(document: &Value, value: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref") {
                        let pointer = reference.as_str().unwrap().trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    fields.values().for_each(|value| check(document, value));
                }
                Value::Array(values) => values.iter().for_each(|value| check(document, value)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        check(&document(), &document());
    }
}
