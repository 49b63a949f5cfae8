//! A site that answers the routes of an import as Frappe does: a list of users, and one secret at a time.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};

/// What the site takes.
pub const FRAPPE_TOKEN: &str = "0123456789abcde:edcba9876543210";

/// Name, api_key, api_secret (none where the field is empty), enabled.
pub type SiteUser = (String, String, Option<String>, bool);

/// Starts a site with these users, sorted by name, and gives back its address.
pub fn frappe_site(users: Vec<SiteUser>) -> String {
    let router = Router::new()
        .route("/api/resource/User", get(list))
        .route("/api/method/frappe.client.get_password", get(password))
        .layer(from_fn(authenticate))
        .with_state(users);
    super::serve(router)
}

async fn authenticate(request: Request, next: Next) -> Response {
    let given = request.headers().get("authorization");
    if given.is_some_and(|value| value == &format!("token {FRAPPE_TOKEN}")) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, Json(json!({ "exc_type": "AuthenticationError" }))).into_response()
}

async fn list(State(users): State<Vec<SiteUser>>, Query(query): Query<HashMap<String, String>>) -> Response {
    assert_eq!(query["fields"], r#"["name","enabled","api_key"]"#);
    let filters: Vec<Value> = serde_json::from_str(&query["filters"]).unwrap();
    assert_eq!(filters[0], json!(["api_key", "is", "set"]));
    let after = filters.get(1).map_or("", |filter| filter[2].as_str().unwrap());
    let (start, length): (usize, usize) =
        (query["limit_start"].parse().unwrap(), query["limit_page_length"].parse().unwrap());
    // A site may have shorter pages than it was asked for.
    let found = users.iter().filter(|user| user.0.as_str() > after).skip(start).take(length.min(500));
    let shown = found
        .map(|(name, api_key, _, enabled)| json!({ "name": name, "api_key": api_key, "enabled": u8::from(*enabled) }));
    Json(json!({ "data": shown.collect::<Value>() })).into_response()
}

async fn password(State(users): State<Vec<SiteUser>>, Query(query): Query<HashMap<String, String>>) -> Response {
    assert_eq!((&*query["doctype"], &*query["fieldname"]), ("User", "api_secret"));
    let secret = users.iter().find(|user| user.0 == query["name"]).and_then(|user| user.2.clone());
    match secret {
        Some(secret) => Json(json!({ "message": secret })).into_response(),
        None => (StatusCode::EXPECTATION_FAILED, Json(json!({ "exc_type": "ValidationError" }))).into_response(),
    }
}
