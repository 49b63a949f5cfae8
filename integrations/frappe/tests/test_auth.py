"""The hook against a fake Frappe: each rule by which it signs in, refuses, or leaves alone."""

from __future__ import annotations

import hmac
import json
import sys
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

import fake_frappe

sys.modules["frappe"] = fake_frappe

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm
from jwt.utils import base64url_encode

from gatehouse_frappe import assertions, auth, hooks

ISSUER, AUDIENCE = "https://gate.example.test", "https://erp.example.test"
ALICE = "alice@example.test"
USERS = [
    {"name": ALICE, "enabled": 1},
    {"name": "Zoë", "enabled": 1},
    {"name": "disabled@example.test", "enabled": 0},
    {"name": "Administrator", "enabled": 1},
    {"name": "Guest", "enabled": 1},
]
SECRET = b"a shared key for tests, long enough for HS256"


def shared_jwk(secret: bytes) -> dict:
    return json.loads(HMACAlgorithm.to_jwk(secret))


def public_jwk(key: object, kid: str) -> dict:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {**json.loads(OKPAlgorithm.to_jwk(key.public_key())), "kid": kid}
    # Of full length (RFC 7518 §6.2.1.2), which old versions of PyJWT do not see to: one key in 128 would be none.
    numbers = key.public_key().public_numbers()
    x, y = (base64url_encode(number.to_bytes(32, "big")).decode() for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}


class Gate:
    """Publishes keys, counts how often it is asked, and fails as it is told to."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = b'{"keys":[]}', 200, 0
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.asked += 1
                self.send_response(gate.status)
                self.end_headers()
                self.wfile.write(gate.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/_gatehouse/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def publish(self, *keys: dict) -> None:
        self.body = json.dumps({"keys": keys}).encode()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Hook(unittest.TestCase):
    conf: dict = {}

    def setUp(self) -> None:
        self.conf = {
            "gatehouse_shared_key": shared_jwk(SECRET),
            "gatehouse_issuer": ISSUER,
            "gatehouse_audience": AUDIENCE,
        }

    def gate(self, *keys: dict) -> Gate:
        """Keys are read from this gate from now on."""
        gate = Gate()
        gate.publish(*keys)
        self.addCleanup(gate.stop)
        del self.conf["gatehouse_shared_key"]
        self.conf["gatehouse_jwks_url"] = gate.url
        return gate

    def claims(self, **changes: object) -> dict:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": ALICE, "roles": [], "iat": now, "exp": now + 60, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, **changes: object) -> str:
        return jwt.encode(self.claims(**changes), SECRET, "HS256")

    def request(self, assertion: str | None, user: str = "Guest", **form: object) -> str:
        """Whom the request has in the end."""
        headers = {} if assertion is None else {"X-Gatehouse-Assertion": assertion}
        fake_frappe.begin(headers, form, user, self.conf, USERS)
        auth.validate()
        self.assertEqual(fake_frappe.local.form_dict, form, "what the client sent is still there")
        return fake_frappe.session.user

    def refused(self, assertion: str, *, status: int = 401, because: str, user: str = "Guest", **form: object) -> None:
        """The request is refused, nobody is signed in, the log says why, and the client is not told."""
        with self.assertLogs("gatehouse") as log, self.assertRaises(Exception) as raised:
            self.request(assertion, user, **form)
        self.assertEqual(raised.exception.http_status_code, status)
        self.assertIn(because, log.output[0])
        self.assertNotIn(because, str(raised.exception))
        self.assertEqual(fake_frappe.session.user, user)


class WhoIsSignedIn(Hook):
    def test_the_user_of_an_assertion_is_signed_in_and_what_was_sent_is_kept(self) -> None:
        self.assertEqual(self.request(self.assertion(), cmd="app.method", a="1"), ALICE)
        self.assertEqual(self.request(self.assertion(sub="Zoë")), "Zoë")

    def test_a_request_without_an_assertion_stays_whose_it_was(self) -> None:
        for conf in (self.conf, {}):
            self.conf = conf
            self.assertEqual(self.request(None), "Guest")
            self.assertEqual(self.request(None, user="bob@example.test"), "bob@example.test")

    def test_an_unknown_or_disabled_user_is_refused(self) -> None:
        self.refused(self.assertion(sub="nobody@example.test"), because="does not know")
        self.refused(self.assertion(sub="disabled@example.test"), because="disabled")

    def test_a_user_whose_name_differs_in_case_or_accents_is_somebody_else(self) -> None:
        for name in ("ALICE@example.test", "Zoe", "Zoë ", "administrator", "GUEST"):
            self.refused(self.assertion(sub=name), because="does not know")

    def test_administrator_and_guest_are_never_signed_in(self) -> None:
        self.refused(self.assertion(sub="Administrator"), because="Administrator")
        self.refused(self.assertion(sub="Guest"), because="Guest")

    def test_another_users_session_is_refused_and_ones_own_stays(self) -> None:
        self.refused(self.assertion(), because="another user's session", user="Zoë")
        self.refused(self.assertion(), because="another user's session", user="Administrator")
        self.assertEqual(self.request(self.assertion(), user=ALICE), ALICE)
        self.assertEqual(fake_frappe.session.sid, "a session")
        self.refused(self.assertion(sub="disabled@example.test"), because="disabled", user="disabled@example.test")

    def test_a_restricted_user_runs_what_the_path_says_and_no_cmd(self) -> None:
        restricted = self.assertion(restricted=True)
        for cmd in ("app.method", "", None):
            self.refused(restricted, status=403, because="cmd", cmd=cmd)
            self.refused(restricted, status=403, because="cmd", user=ALICE, cmd=cmd)
        self.assertEqual(self.request(restricted, a="1"), ALICE)
        self.assertEqual(self.request(self.assertion(restricted=False), cmd="app.method"), ALICE)
        # Whatever else it may come to say.
        self.refused(self.assertion(restricted=["GET /"]), status=403, because="cmd", cmd="app.method")


class WhatAnAssertionIs(Hook):
    def test_each_claim_is_insisted_on(self) -> None:
        now = int(time.time())
        for changes in (
            {"iss": "https://other.example.test"},
            {"iss": None},
            {"aud": "https://other.example.test"},
            {"aud": None},
            {"exp": now - 10},
            {"exp": None},
            {"iat": now + 60, "exp": now + 120},
            {"iat": None},
            {"sub": None},
        ):
            with self.subTest(changes):
                self.refused(self.assertion(**changes), because="the assertion is not right")

    def test_clocks_may_differ_by_a_few_seconds(self) -> None:
        now = int(time.time())
        self.assertEqual(self.request(self.assertion(iat=now - 62, exp=now - 2)), ALICE)
        self.assertEqual(self.request(self.assertion(iat=now + 2, exp=now + 62)), ALICE)

    def test_what_is_no_assertion_is_refused_and_never_a_guest(self) -> None:
        good = self.assertion()
        for wrong in ("", "x", "a.b.c", f"{good},{good}", f"{good[:-4]}AAAA", good.rpartition(".")[0] + "."):
            with self.subTest(wrong):
                self.refused(wrong, because="the assertion is not right")
        self.refused(jwt.encode(self.claims(), None, "none"), because="the assertion is not right")
        other = jwt.encode(self.claims(), b"x" * 32, "HS256")
        self.refused(other, because="Signature verification failed")

    def test_a_user_is_a_text(self) -> None:
        with self.assertLogs("gatehouse"), self.assertRaises(fake_frappe.AuthenticationError):
            self.request(self.assertion(sub=5))

    def test_both_shared_keys_are_good_while_one_takes_over(self) -> None:
        # As ASSERTION_JWK may stand there, with a key that is not for sharing.
        private = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
        self.conf["gatehouse_shared_key"] = {"keys": [private, shared_jwk(b"n" * 32), shared_jwk(SECRET)]}
        self.assertEqual(self.request(self.assertion()), ALICE)
        self.assertEqual(self.request(jwt.encode(self.claims(), b"n" * 32, "HS256")), ALICE)
        self.refused(jwt.encode(self.claims(), b"o" * 32, "HS256"), because="Signature verification failed")
        self.refused(self.assertion(aud="other"), because="Audience")


class PublishedKeys(Hook):
    def setUp(self) -> None:
        super().setUp()
        self.key = ec.generate_private_key(ec.SECP256R1())

    def signed(self, key: object, kid: str, algorithm: str = "ES256", **changes: object) -> str:
        return jwt.encode(self.claims(**changes), key, algorithm, {"kid": kid})

    def test_keys_of_both_types_are_read_once_and_kept(self) -> None:
        edwards = ed25519.Ed25519PrivateKey.generate()
        gate = self.gate(public_jwk(self.key, "p256"), public_jwk(edwards, "edwards"))
        for _ in range(3):
            self.assertEqual(self.request(self.signed(self.key, "p256")), ALICE)
            self.assertEqual(self.request(self.signed(edwards, "edwards", "EdDSA")), ALICE)
        self.assertEqual(gate.asked, 1)

    def test_only_the_algorithm_of_the_key_will_do(self) -> None:
        published = public_jwk(self.key, "p256")
        self.gate(published, shared_jwk(SECRET) | {"kid": "oct"})
        edwards = ed25519.Ed25519PrivateKey.generate()
        # The public half is no secret, and neither is anything else that was published.
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = self.signed(b"x" * 32, "p256", "HS256").rpartition(".")[0]
        signature = base64url_encode(hmac.digest(public, signed.encode(), "sha256")).decode()
        self.refused(f"{signed}.{signature}", because="alg")
        self.refused(self.signed(SECRET, "oct", "HS256"), because="no such key")
        self.refused(self.signed(edwards, "p256", "EdDSA"), because="alg")
        self.refused(self.signed(None, "p256", "none"), because="alg")
        self.refused(self.signed(ec.generate_private_key(ec.SECP256R1()), "p256"), because="Signature")

    def test_an_assertion_of_public_keys_is_nothing_to_a_shared_one(self) -> None:
        self.refused(self.signed(self.key, "p256"), because="alg")

    def test_a_new_key_is_found_and_unknown_ones_do_not_make_the_site_ask_each_time(self) -> None:
        gate = self.gate(public_jwk(self.key, "old"))
        self.assertEqual(self.request(self.signed(self.key, "old")), ALICE)
        gate.publish(public_jwk(self.key, "old"), public_jwk(self.key, "new"))
        self.assertEqual(self.request(self.signed(self.key, "new")), ALICE)
        self.assertEqual(gate.asked, 2)
        for number in range(5):
            self.refused(self.signed(self.key, f"unknown {number}"), because="no such key")
        self.refused(jwt.encode(self.claims(), self.key, "ES256"), because="no such key")
        self.assertEqual(gate.asked, 2)
        # Later it asks again.
        assertions._published_keys(gate.url).last_asked -= assertions.COOLDOWN_SECONDS
        self.refused(self.signed(self.key, "unknown"), because="no such key")
        self.assertEqual(gate.asked, 3)

    def test_keys_that_cannot_be_read_let_nobody_in(self) -> None:
        gate = self.gate()
        wrong = [(200, body) for body in (b"", b"<html>", b"[]", b'{"keys":[]}', b"\xff")]
        for answer in [(500, b""), (404, b""), *wrong]:
            with self.subTest(answer):
                gate.status, gate.body = answer
                self.refused(self.signed(self.key, "p256"), status=503, because="cannot be verified")
                self.later(gate)
        gate.status = 200
        gate.publish(public_jwk(self.key, "p256"))
        self.assertEqual(self.request(self.signed(self.key, "p256")), ALICE)

        gone = Gate()
        gone.stop()
        self.conf["gatehouse_jwks_url"] = gone.url
        self.refused(self.signed(self.key, "p256"), status=503, because="cannot be verified")
        self.assertEqual(self.request(None), "Guest")


    def test_a_gate_that_did_not_answer_is_left_alone_for_a_moment(self) -> None:
        gate = self.gate(public_jwk(self.key, "p256"))
        gate.status = 500
        for _ in range(5):
            self.refused(self.signed(self.key, "p256"), status=503, because="cannot be verified")
        self.assertEqual(gate.asked, 1)
        gate.status = 200
        self.later(gate)
        self.assertEqual(self.request(self.signed(self.key, "p256")), ALICE)

    def later(self, gate: Gate) -> None:
        """As if the moment had passed for which a failing gate is left alone."""
        assertions._published_keys(gate.url).failed -= assertions.FAILURE_SECONDS


class Settings(Hook):
    def test_without_settings_an_assertion_is_refused_and_the_log_says_what_is_missing(self) -> None:
        good = self.assertion()
        for name in ("gatehouse_issuer", "gatehouse_audience", "gatehouse_shared_key"):
            with self.subTest(name):
                conf, self.conf = self.conf, {key: value for key, value in self.conf.items() if key != name}
                self.refused(good, status=503, because=name)
                self.conf = conf
        self.conf = {}
        self.refused(good, status=503, because="gatehouse_issuer is not set")

    def test_wrong_settings_are_refused_too(self) -> None:
        good = self.assertion()
        for changes in (
            {"gatehouse_jwks_url": "https://gate.example.test/_gatehouse/jwks.json"},
            {"gatehouse_shared_key": "a text"},
            {"gatehouse_shared_key": {"kty": "oct"}},
            {"gatehouse_shared_key": {"keys": []}},
            {"gatehouse_shared_key": shared_jwk(b"too short")},
            {"gatehouse_shared_key": public_jwk(ec.generate_private_key(ec.SECP256R1()), "p256")},
            {"gatehouse_issuer": ["https://gate.example.test"]},
            {"gatehouse_audience": ["a", "b"]},
        ):
            with self.subTest(changes):
                conf, self.conf = self.conf, {**self.conf, **changes}
                self.refused(good, status=503, because="gatehouse_")
                self.conf = conf

    def test_keys_are_never_read_in_the_clear(self) -> None:
        self.gate()
        plain = "http://gate.example.test/_gatehouse/jwks.json"
        for address in (plain, "file:///etc/hostname", "ftp://localhost/x", "https://", "x", 5):
            self.conf["gatehouse_jwks_url"] = address
            self.refused(self.assertion(), status=503, because="https")

    def test_frappe_is_told_of_the_hook_by_its_name(self) -> None:
        module, _, function = hooks.auth_hooks[0].rpartition(".")
        self.assertIs(getattr(sys.modules[module], function), auth.validate)


if __name__ == "__main__":
    unittest.main()
