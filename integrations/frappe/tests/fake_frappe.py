"""As much of the module `frappe` as the app uses, behaving as Frappe does. `begin` is what Frappe has done before it
runs hooks. Each thread has a request of its own."""

from __future__ import annotations

import logging
import threading
import unicodedata

local = threading.local()
logger = logging.getLogger


class ValidationError(Exception):
    http_status_code = 417


class AuthenticationError(Exception):
    http_status_code = 401


class PermissionError(Exception):
    http_status_code = 403


class Fields(dict):
    """Frappe's `_dict`: entries are attributes too."""

    __getattr__ = dict.get


class Database:
    """A table of users: rows with `name` and `enabled`."""

    def __init__(self, users: list[dict]):
        self.users = users

    def get_value(self, doctype: str, name: str, fields: list[str], as_dict: bool) -> Fields | None:
        assert doctype == "User" and as_dict
        found = next((user for user in self.users if _folded(user["name"]) == _folded(name)), None)
        return found and Fields({field: found[field] for field in fields})


def _folded(name: str) -> str:
    """What the database's collation compares: letters without case and accents, spaces at the end ignored."""
    letters = unicodedata.normalize("NFD", name.rstrip(" "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def begin(headers: dict, form_dict: dict, user: str, conf: dict, users: list[dict]) -> None:
    local.headers = {name.lower(): value for name, value in headers.items()}
    local.form_dict = Fields(form_dict)
    local.session = Fields(user=user, sid="a session" if user != "Guest" else "Guest")
    local.conf = Fields(conf)
    local.db = Database(users)


def get_request_header(name: str, default: str | None = None) -> str | None:
    return local.headers.get(name.lower(), default)


def set_user(user: str) -> None:
    local.session = Fields(user=user, sid=user)
    local.form_dict = Fields()


def __getattr__(name: str) -> object:
    """`frappe.session`, `frappe.conf` and `frappe.db` are this thread's."""
    if name in ("session", "conf", "db"):
        return getattr(local, name)
    raise AttributeError(name)
