"""A receiver that runs on a real socket, and ways to talk to it."""

import base64
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.types import ASGIApp

from receiver.connections import Connections
from receiver.serving import listen, make_server


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"in {seconds} s this did not happen: {what}")
        time.sleep(0.005)


def sign(key: RSAPrivateKey, body: bytes) -> str:
    return base64.b64encode(key.sign(body, PKCS1v15(), SHA256())).decode()


def public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def is_error(self) -> bool:
        """Whether it has the documented form of an error: one sentence."""
        return (
            list(self.json) == ["error"]
            and self.json["error"].endswith(".")
            and "application/json" in self.headers["content-type"]
        )


@dataclass
class RunningReceiver:
    port: int

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 20,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            return _read(connection.getresponse())
        finally:
            connection.close()

    def post(self, body: bytes, **headers: str) -> Answer:
        """Post to /webhook; header names with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/webhook", body, {"connection": "close", **named})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, *parts: bytes) -> Answer:
        """Send bytes as they are, and read one answer to its end."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return _read(response)


def _read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@contextmanager
def run(app: ASGIApp, connections: Connections | None = None) -> Iterator[RunningReceiver]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = make_server(app, connections)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started, "the receiver has started")
        yield RunningReceiver(port)
    finally:
        server.should_exit = True
        thread.join()
