"""requests against the gate at argv[1], with the token argv[2]: bodies whose hash is argv[4], of argv[3] bytes."""

import gzip
import hashlib
import io
import sys

import requests

url, token, size, expected = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"token {token}"
PATIENCE = 60


def get(path, **options):
    return session.get(url + path, timeout=PATIENCE, **options)


def uploaded(body):
    return session.post(url + "/upload", data=body, timeout=PATIENCE).json()["body"]["sha256"]


# Download in pieces, then upload what came: with a length, and in chunks of no known number.
pieces = list(get(f"/pattern/{size}", stream=True).iter_content(65536))
body = b"".join(pieces)
assert hashlib.sha256(body).hexdigest() == expected
assert uploaded(io.BytesIO(body)) == expected
assert uploaded(iter(pieces)) == expected
form = session.post(url + "/form", files={"file": ("ä.bin", body)}, data={"a": "b"}, timeout=PATIENCE)
assert form.status_code == 200 and form.json()["body"]["bytes"] > len(body)

# Events, each of which the origin sends only after the one before it has arrived.
arrived = []
with get("/events/requests", stream=True) as events:
    for line in events.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("data: "):
            arrived.append(line)
            assert get("/events/requests/next").status_code == 204
assert arrived == ["data: event 1", "data: event 2", "data: event 3"], arrived

# What requests does by itself: decoding, redirects, cookies.
assert get("/gzip").text == "compressed by the origin"
assert get("/redirect/relative").json()["target"] == "/login"
own = get("/redirect/own")
assert own.url == url + "/login?next=/app" and own.json()["target"] == "/login?next=/app"
get("/cookies")
assert session.cookies["b"] == "2"
assert get("/status/204").content == b"" and session.head(url + "/status/200", timeout=PATIENCE).content == b""
assert get("/status/404").status_code == 404
assert gzip.decompress(get("/gzip", headers={"Accept-Encoding": "gzip"}, stream=True).raw.read()) == b"compressed by the origin"
print("requests works")
