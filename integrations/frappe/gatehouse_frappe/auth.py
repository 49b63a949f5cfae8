"""Who is calling, by the gate's signed word: the hook that Frappe runs after its own checks of a request."""

from __future__ import annotations

import frappe
import jwt

from gatehouse_frappe.assertions import KeysUnavailable, Misconfigured, verified_claims

FIELD = "X-Gatehouse-Assertion"
SETTINGS = ("gatehouse_jwks_url", "gatehouse_shared_key", "gatehouse_issuer", "gatehouse_audience")
# Frappe's own: the one has every right, and the other is nobody.
NEVER_SIGNED_IN = ("Administrator", "Guest")


class GatehouseUnavailable(frappe.ValidationError):
    """The assertion could not be judged; its sender is not at fault, and is not let in."""

    http_status_code = 503


def validate() -> None:
    """Signs in the user of the request's assertion. A request without one stays whoever Frappe found it to be."""
    assertion = frappe.get_request_header(FIELD)
    # An empty field is an assertion that is not right.
    if assertion is None:
        return
    claims = _claims(assertion)
    user = claims["sub"]
    _insist_on_an_enabled_user(user)
    # Frappe has run its own checks. A session that ended up under another name would be stored under both.
    if frappe.session.user not in ("", "Guest", user):
        raise _refused("the request comes with another user's session or credentials")
    # Frappe runs the method named by `cmd` whatever the path says, and the gate has judged the path alone.
    if claims.get("restricted", False) is not False and "cmd" in frappe.local.form_dict:
        raise _refused("a cmd from a user whose rules name paths", frappe.PermissionError)
    if frappe.session.user != user:
        # set_user begins a new request in all but name: what the client sent would be gone.
        form_dict = frappe.local.form_dict
        frappe.set_user(user)
        frappe.local.form_dict = form_dict


def _claims(assertion: str) -> dict:
    settings = {name.removeprefix("gatehouse_"): frappe.conf.get(name) for name in SETTINGS}
    try:
        claims = verified_claims(assertion, **settings)
    except (Misconfigured, KeysUnavailable) as error:
        frappe.logger("gatehouse").error(f"assertions cannot be verified: {error}")
        raise GatehouseUnavailable("Who is calling cannot be told at present") from None
    except jwt.PyJWTError as error:
        raise _refused(f"the assertion is not right: {error}") from None
    if not isinstance(claims["sub"], str):
        raise _refused("the assertion names no user")
    return claims


def _insist_on_an_enabled_user(user: str) -> None:
    if user in NEVER_SIGNED_IN:
        raise _refused(f"the assertion is for {user}")
    found = frappe.db.get_value("User", user, ["name", "enabled"], as_dict=True)
    # The database finds names that differ in case or accents: those are somebody else.
    if not found or found.name != user:
        raise _refused("the assertion is for somebody whom this site does not know")
    if not found.enabled:
        raise _refused("the assertion is for a disabled user")


def _refused(reason: str, error: type[Exception] = frappe.AuthenticationError) -> Exception:
    """The error to raise; the reason is for the log alone."""
    frappe.logger("gatehouse").warning(f"refused: {reason}")
    return error()
