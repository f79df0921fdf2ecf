"""The floor: a Starlette application that reads the body and answers, on stock uvicorn with the receiver's settings.

With --verify it also checks the signature, as every receiver must: the bound for intake.

    python -m benchmarks.floor [--verify]        (PORT and WEBHOOK_PUBLIC_KEYS as the receiver takes them)
"""

import argparse
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver.keys.public_key import PublicKey, read_public_keys
from receiver.serving import listen, make_server
from receiver.signature import read_claim

_ACCEPTED = b'{"status":"accepted"}'


async def answer(request: Request) -> Response:
    """Read the body and answer."""
    await request.body()
    return Response(_ACCEPTED, media_type="application/json")


class Verifying:
    """The same with the signature checked."""

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    async def answer(self, request: Request) -> Response:
        """Read the body, check its signature and answer."""
        body = await request.body()
        if not self._key.made(read_claim(request.scope["headers"]).signature, body):
            return Response(b"{}", status_code=401)
        return Response(_ACCEPTED, media_type="application/json")


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verify", action="store_true")
    endpoint = answer
    if parser.parse_args().verify:
        (key,) = read_public_keys(os.environ["WEBHOOK_PUBLIC_KEYS"])
        endpoint = Verifying(key).answer
    app = Starlette(routes=[Route("/webhook", endpoint, methods=["POST"])])
    make_server(app, protocol=HttpToolsProtocol).run(sockets=[listen("127.0.0.1", int(os.environ["PORT"]))])


if __name__ == "__main__":
    main()
