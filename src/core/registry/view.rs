//! A user as management routes show it.

use serde_json::Value;

use super::User;
use crate::core::access_rule::AccessRule;
use crate::core::credentials::ApiKey;
use crate::core::json::object;
use crate::core::role::Role;
use crate::core::unix_time::UnixSeconds;

/// A user as management routes show it; `published` says whether KV says the same.
#[must_use]
pub fn user_view(user: &User, published: bool, now: UnixSeconds) -> Value {
    let mut view = object! {
        "user": user.name.as_str(),
        "api_key": user.api_key.as_ref().map(ApiKey::as_str),
        "status": user.status(now).as_str(),
        "created_at": user.created_at.rfc3339(),
        "rotated_at": user.rotated_at.map(UnixSeconds::rfc3339),
        "last_used_at": user.last_used_at.map(UnixSeconds::rfc3339),
        "secrets": user.live_secrets(now),
        "published": published,
    };
    if let (Value::Object(fields), Value::Object(settings)) = (&mut view, settings_view(user)) {
        fields.extend(settings);
    }
    view
}

/// A user's settings, as a `PUT` takes them.
#[must_use]
pub fn settings_view(user: &User) -> Value {
    object! {
        "roles": user.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "enabled": user.enabled,
        "not_after": user.not_after.map(UnixSeconds::rfc3339),
        "allowed_ips": user.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rules": user.rules.iter().map(AccessRule::as_str).collect::<Vec<_>>(),
        "strict": user.strict,
    }
}
