"""A site that takes requests as Frappe 15.44 does: who somebody is, which method runs, what errors look like.

Argument: `{"users": [{"name", "enabled", "api_key", "api_secret", "sid"}], "hook": null}` in JSON; see `Site.hook`.
Prints `READY <url>`, and ends when its standard input does. Each line of input is a question, answered by
`ANSWER <JSON>`.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import socket
import sys
import threading
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

INTEGRATION = Path(__file__).parents[3] / "integrations/frappe"
sys.path[:0] = [str(INTEGRATION), str(INTEGRATION / "tests")]

import fake_frappe  # noqa: E402

sys.modules["frappe"] = fake_frappe

from gatehouse_frappe.auth import validate  # noqa: E402

METHODS = ("/api/method/", "/api/v1/method/", "/api/v2/method/")
LOGGED_USER = "frappe.auth.get_logged_user"


class Refused(Exception):
    """A request that is answered before it reaches a method."""

    def __init__(self, status: int, kind: str):
        super().__init__(kind)
        self.status, self.kind = status, kind


class Site:
    """What the site knows, and what it is told to be like."""

    def __init__(self, users: list[dict], hook: dict | None = None):
        self.users: list[dict] = []
        self.conf: dict = {}
        self.failure: dict = {}
        self.seen: list[dict] = []
        self.changed = threading.Condition()
        self.server = None
        # Holds the port while nobody listens.
        self.port = socket.socket()
        self.port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port.bind(("127.0.0.1", 0))
        for user in users:
            self.set(user["name"], user)
        self.hook(hook)
        self.listen()

    def listen(self) -> None:
        self.server = Server(self.port.getsockname(), self)
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    # What can be asked.

    def set(self, name: str, changes: dict | None) -> None:
        """Adds a user, changes some of its fields, or with none takes it away."""
        with self.changed:
            found = next((user for user in self.users if user["name"] == name), None)
            if changes is None:
                self.users.remove(found)
            elif found:
                found.update(changes)
            else:
                unset = {"enabled": True, "api_key": None, "api_secret": None, "sid": None}
                self.users.append({"name": name, **unset, **changes})

    def hook(self, hook: dict | None) -> None:
        """Installs the app gatehouse_frappe: `jwks` (an address) or `key` (a shared JWK), `issuer`, `audience`."""
        names = {"jwks": "jwks_url", "key": "shared_key", "issuer": "issuer", "audience": "audience"}
        self.installed = hook is not None
        self.conf = {f"gatehouse_{names[name]}": value for name, value in (hook or {}).items()}

    def fail(self, failure: dict) -> None:
        """From now on: `{}` nothing, `{"status", "body"}` that answer to everything, `{"refuse"}` no connections,
        `{"hang"}` no answers until the next failure is set, `{"slow": seconds}` answers that much later. With `only`,
        a part of a target, other requests are answered as ever."""
        with self.changed:
            self.failure = failure
            self.changed.notify_all()
        if failure.get("refuse") and self.server:
            self.server.stop()
            self.server = None
        if not failure.get("refuse") and not self.server:
            self.listen()

    def requests(self) -> list[dict]:
        """What came since the start, in this order."""
        with self.changed:
            return [dict(request) for request in self.seen]

    # What happens to a request.

    def fails(self, target: str) -> tuple[int, str] | None:
        """Takes its time as it was told to, and says with which answer the site fails, if it does."""
        with self.changed:
            failure = self.failure
            if failure.get("only", "") not in target:
                return None
            if "hang" in failure:
                self.changed.wait_for(lambda: self.failure is not failure)
                return None
            if "slow" in failure:
                self.changed.wait_for(lambda: self.failure is not failure, failure["slow"])
            return (failure["status"], failure["body"]) if "status" in failure else None

    def user_of_session(self, cookies: str, query: list[tuple[str, str]], form: dict) -> str | None:
        """A session is found by the parameter `sid`, in query or body, or the cookie. Each of that name counts: which one a server takes
        of several, and how much it puts up with in a cookie, is not what anybody should rely on."""
        pairs = [cookie.partition("=") for cookie in cookies.split(";")]
        given = [*query, ("sid", form.get("sid")), *((name.strip(), value.strip().strip('"')) for name, _, value in pairs)]
        sids = [value for name, value in given if name == "sid" and value]
        return next((user["name"] for sid in sids for user in self.users if user["sid"] == sid), None)

    def user_of_credentials(self, authorization: str) -> str | None:
        """Frappe splits at spaces, and whatever does not fall into two words is no credentials at all."""
        words = authorization.split(" ")
        if len(words) != 2:
            return None
        scheme, value = words[0].lower(), words[1]
        if scheme == "basic":
            # Python's decoder ignores what is no base64; a raw pair is refused all the same.
            if ":" in value:
                raise Refused(400, "InvalidAuthorizationToken")
            try:
                value = base64.b64decode(value).decode()
            except binascii.Error:
                raise Refused(400, "InvalidAuthorizationToken") from None
            except UnicodeDecodeError:
                value = ""
        pair = value.split(":")
        if scheme not in ("token", "basic") or len(pair) != 2 or not all(pair):
            raise Refused(401, "AuthenticationError")
        # The database compares an api_key without regard to case and to spaces at the end; no-break ones are spaces.
        api_key = pair[0].rstrip("\u00a0").casefold()
        for user in self.users:
            if user["api_key"] and user["api_key"].casefold() == api_key and user["api_secret"] == pair[1]:
                # Disabled or not.
                return user["name"]
        raise Refused(401, "AuthenticationError")

    def sign_in(self, request: Request) -> tuple[str, str]:
        """Who somebody is to the site, and by what."""
        by_session = self.user_of_session(request.field("cookie"), request.query, request.form)
        by_credentials = self.user_of_credentials(request.authorization)
        user, via = by_session or by_credentials or "Guest", "guest"
        if by_session or by_credentials:
            via = "session" if by_session else "token"
        if self.installed:
            # As WSGI has them: fields of one name as one, by commas.
            headers = {name: request.field(name) for name, _ in request.headers}
            fake_frappe.begin(headers, request.form, user, self.conf, self.users)
            try:
                validate()
            except Exception as error:
                raise Refused(getattr(error, "http_status_code", 500), type(error).__name__) from error
            # Nobody may have emptied what the client sent.
            assert fake_frappe.local.form_dict == request.form
            if fake_frappe.local.session.user != user:
                user, via = fake_frappe.local.session.user, "assertion"
        return user, via

    def answer(self, request: Request) -> tuple[int, object]:
        """What runs: the method named by `cmd`, or else by the path; everything else is told how it was seen."""
        path = request.path
        prefix = next((prefix for prefix in METHODS if path.startswith(prefix)), None)
        second = path.startswith("/api/v2/")
        seen = {"method": request.method, "target": request.target, "authorization": bool(request.authorization)}
        seen |= {"user": None, "via": None, "cmd": request.form.get("cmd"), "address": request.address}
        with self.changed:
            self.seen.append(seen)
        failing = self.fails(request.target)
        if failing:
            return failing
        try:
            user, via = self.sign_in(request)
            with self.changed:
                seen |= {"user": user, "via": via}
            if (seen["cmd"] or (prefix and path.removeprefix(prefix).rstrip("/"))) != LOGGED_USER:
                return 200, {**seen, "site": request.site, "headers": request.headers, "body": request.body_seen()}
            if user == "Guest":
                raise Refused(403, "PermissionError")
            return 200, {"data" if second and not seen["cmd"] else "message": user}
        except Refused as error:
            if second:
                return error.status, {"errors": [{"type": error.kind, "message": error.kind}]}
            return error.status, {"exc_type": error.kind}


class Request:
    """A request as it came, read whole."""

    def __init__(self, method: str, target: str, headers: Message, body: bytes, peer: str):
        self.method, self.target, self.body = method, target, body
        self.headers = [[name.lower(), value.strip(" \t")] for name, value in headers.items()]
        self.authorization = self.field("authorization")
        # Over the Host, whoever says it.
        self.site = self.field("x-frappe-site-name") or self.field("host").split(":")[0]
        self.address = self.field("x-forwarded-for").split(",")[0].strip() or peer
        # No URL: a path may begin with two slashes.
        self.path, _, query = target.partition("?")
        self.query = parse_qsl(query, keep_blank_values=True)
        self.form = dict(self.query) | self._form_of_body()

    def field(self, name: str) -> str:
        return ",".join(value for known, value in self.headers if known == name)

    def _form_of_body(self) -> dict:
        kind = self.field("content-type").split(";")[0].strip().lower()
        if kind == "application/json" and self.body:
            try:
                value = json.loads(self.body)
            except ValueError:
                return {}
            return value if isinstance(value, dict) else {"data": value}
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        if kind == "multipart/form-data":
            head = f"Content-Type: {self.field('content-type')}\r\n\r\n".encode()
            parts = BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts()
            named = [(part.get_param("name", header="content-disposition"), part) for part in parts]
            return {name: part.get_payload(decode=True).decode("utf-8", "replace") for name, part in named}
        return {}

    def body_seen(self) -> dict:
        return {"bytes": len(self.body), "text": self.body.decode("utf-8", "replace")}


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, with bodies of a length or in chunks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name: str) -> object:
        """Any method is served."""
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self) -> None:
        # The parsed path has no second slash at its start.
        target = self.requestline.split(" ")[1]
        request = Request(self.command, target, self.headers, self.read_body(), self.client_address[0])
        status, body = self.server.site.answer(request)
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json" if body[:1] in b"{[" else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, *_: object) -> None:
        """Nothing: the tests are full of requests."""


class Server(ThreadingHTTPServer):
    """Listens for a site, a thread for each connection."""

    request_queue_size = 256

    def __init__(self, address: tuple[str, int], site: Site):
        self.site = site
        self.connections: set[socket.socket] = set()
        super().__init__(address, Handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none; anything else is a fault of the site's."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Nobody listens, and connections that were open are not."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main() -> None:
    # What the app logs is for people who ask.
    logging.basicConfig(level=logging.WARNING if os.environ.get("TEST_LOG") else logging.CRITICAL)
    site = Site(**json.loads(sys.argv[1]))
    questions = {"set": site.set, "hook": site.hook, "fail": site.fail, "requests": site.requests}
    host, port = site.port.getsockname()
    print(f"READY http://{host}:{port}", flush=True)
    for line in sys.stdin:
        question, *arguments = json.loads(line)
        print(f"ANSWER {json.dumps(questions[question](*arguments))}", flush=True)
    # Threads that hang are not waited for.
    os._exit(0)


main()
