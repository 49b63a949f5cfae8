"""websockets against the gate at argv[1], with the token argv[2]: messages and closes, from both sides."""

import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

url, token = sys.argv[1:]
url = url.replace("http://", "ws://") + "/ws"
PATIENCE = 30


def opened(path="", secret=token):
    return connect(url + path, additional_headers={"Authorization": f"token {secret}"}, max_size=8 << 20)


with opened() as socket:
    assert socket.recv(PATIENCE) == "connected as websockets"
    for message in ["hä?", "", "x" * (1 << 20), b"", bytes(range(256)) * 4096]:
        socket.send(message)
        assert socket.recv(PATIENCE) == message
    # In fragments, which the origin gets as one message.
    socket.send(["one ", "message"])
    assert socket.recv(PATIENCE) == "one message"
    assert socket.ping().wait(PATIENCE)

for code, reason in [(1000, "done"), (1011, "failed"), (4001, "as asked")]:
    with opened() as socket:
        socket.recv(PATIENCE)
        socket.send(f"close {code} {reason}")
        try:
            socket.recv(PATIENCE)
        except ConnectionClosed as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (code, reason), closed
        else:
            raise AssertionError("no close")

socket = opened("?id=websockets")
socket.recv(PATIENCE)
socket.close(4002, "from Python")

try:
    opened(secret=token + "0")
except InvalidStatus as refused:
    assert refused.response.status_code == 401
else:
    raise AssertionError("a wrong token opens no socket")
print("websockets works")
