"""A key document on loopback that can be away, garbage, rotated, slow, huge or elsewhere."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class KeyServer:
    """Serves one document; what it answers is set from outside."""

    def __init__(self) -> None:
        self.status = 200
        self.content = b""
        self.headers: dict[str, str] = {}
        self.fetches = 0
        self.gate = threading.Event()
        self.gate.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/.well-known/webhooks.json"

    def serve_key(self, pem: str) -> None:
        self.status = 200
        self.headers = {}
        self.content = json.dumps({"success": True, "data": {"publicKey": pem}}).encode()


@contextmanager
def run_key_server(tls: ssl.SSLContext | None = None) -> Iterator[KeyServer]:
    state = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.fetches += 1
            state.gate.wait(30)
            try:
                self.send_response(state.status)
                for name, value in state.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(state.content)))
                self.end_headers()
                self.wfile.write(state.content)
            except OSError:
                return  # the receiver hung up

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
