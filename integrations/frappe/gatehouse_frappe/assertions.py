"""Whether an assertion is the gate's own: its signature, and what it insists on."""

from __future__ import annotations

import time
from functools import lru_cache
from urllib.parse import urlsplit

import jwt

# For clocks that differ; an assertion lives for a minute.
LEEWAY_SECONDS = 5
# How long the gate says that its keys may be kept.
KEYS_LIFESPAN_SECONDS = 300
# A request waits for the keys no longer than this.
KEYS_TIMEOUT_SECONDS = 5
# Anybody can name a key that does not exist: no more often than this the gate is asked about one.
COOLDOWN_SECONDS = 30
# A gate that did not answer is left alone for so long: each question may hold up a worker of the site.
FAILURE_SECONDS = 3
# RFC 7518, section 3.2.
SHARED_KEY_BYTES = 32
# The one algorithm for each type of public key, whatever an assertion says of itself.
ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA"}


class Misconfigured(Exception):
    """What is wrong with the settings."""


class KeysUnavailable(Exception):
    """Why the gate's keys could not be read."""


def verified_claims(
    assertion: str, jwks_url: str | None, shared_key: dict | None, issuer: str | None, audience: str | None
) -> dict:
    """The claims of an assertion that is right in every respect; a PyJWTError says in which it is not."""
    for name, value in (("issuer", issuer), ("audience", audience)):
        if not isinstance(value, str) or not value:
            raise Misconfigured(f"gatehouse_{name} is not set")
    if bool(jwks_url) == bool(shared_key):
        raise Misconfigured("one of gatehouse_jwks_url and gatehouse_shared_key has to be set")

    def decoded(key: object, algorithm: str) -> dict:
        return jwt.decode(
            assertion,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "sub", "iat", "exp"]},
        )

    if jwks_url:
        _insist_on_a_safe_address(jwks_url)
        key = _published_key(_published_keys(jwks_url), assertion)
        return decoded(key.key, ALGORITHMS[key.key_type])
    keys = _shared_keys(shared_key)
    for key in keys[:-1]:
        try:
            return decoded(key, "HS256")
        except jwt.InvalidSignatureError:
            continue
    return decoded(keys[-1], "HS256")


def _insist_on_a_safe_address(url: object) -> None:
    """Whoever can change the keys on their way can be anybody."""
    if isinstance(url, str):
        address = urlsplit(url)
        is_local = address.scheme == "http" and address.hostname in ("localhost", "127.0.0.1", "::1")
        if is_local or (address.scheme == "https" and address.hostname):
            return
    raise Misconfigured("gatehouse_jwks_url has to be an https address")


class _PublishedKeys(jwt.PyJWKClient):
    """The gate's public keys: read when first needed, and again when they are old."""

    last_asked = failed = float("-inf")

    def get_signing_keys(self, refresh: bool = False) -> list[jwt.PyJWK]:
        """The keys. PyJWT 2.8 would keep an answer that holds none for as long as it keeps keys."""
        if not refresh and time.monotonic() - self.failed < FAILURE_SECONDS:
            raise KeysUnavailable(f"{self.uri}: failed a moment ago")
        try:
            return super().get_signing_keys(refresh)
        except Exception:
            if not refresh:
                self.failed = time.monotonic()
                self.jwk_set_cache.put(None)
            raise

    def get_signing_key(self, kid: str) -> jwt.PyJWK:
        """The key of this id. PyJWT 2.8 would ask the gate about each unknown one."""
        key = self.match_kid(self.get_signing_keys(), kid)
        if key is None and time.monotonic() - self.last_asked > COOLDOWN_SECONDS:
            self.last_asked = time.monotonic()
            key = self.match_kid(self.get_signing_keys(refresh=True), kid)
        if key is None or key.key_type not in ALGORITHMS:
            raise jwt.InvalidKeyError("the gate has no such key")
        return key


@lru_cache(maxsize=64)
def _published_keys(url: str) -> _PublishedKeys:
    """One for each address: a process may serve several sites."""
    return _PublishedKeys(url, lifespan=KEYS_LIFESPAN_SECONDS, timeout=KEYS_TIMEOUT_SECONDS)


def _published_key(keys: _PublishedKeys, assertion: str) -> jwt.PyJWK:
    kid = jwt.get_unverified_header(assertion).get("kid")
    try:
        return keys.get_signing_key(kid)
    # InvalidKeyError is the assertion's fault; anything else that happens is no answer of the gate's.
    except jwt.InvalidKeyError:
        raise
    except (jwt.PyJWTError, OSError, ValueError) as error:
        raise KeysUnavailable(f"{keys.uri}: {error}") from error


def _shared_keys(shared_key: dict) -> list[bytes]:
    """The key, or several while a new one takes over: a JWK, or a set of them, as the gate has it in ASSERTION_JWK."""
    try:
        keys = [jwt.PyJWK(key, "HS256").key for key in shared_key.get("keys", [shared_key]) if key["kty"] == "oct"]
    except Exception:
        # The error would quote the key.
        raise Misconfigured("gatehouse_shared_key is no JWK") from None
    if not keys or any(len(key) < SHARED_KEY_BYTES for key in keys):
        raise Misconfigured(f"gatehouse_shared_key has to be an oct key of {SHARED_KEY_BYTES} bytes or more")
    return keys
