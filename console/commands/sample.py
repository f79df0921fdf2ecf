"""`rollcall sample`: posts made-up sessions, signed as the vendor would."""

import asyncio
import base64
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import httpx2
import typer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from console.failure import CommandFailedError
from console.running.receiver_address import webhook_url
from console.samples.dev_key import read_dev_key
from console.samples.session import SampleSession, sample_session
from console.screen.progress import progress_bar
from runtime.environment import read_environment
from runtime.var_folder import VarFolder
from workers.queue.delivery import Provider

_HEADER_PREFIX = {Provider.DYTE: "dyte", Provider.REALTIMEKIT: "rtk"}
_SESSIONS_AT_ONCE = 16
_TIMEOUT_SECONDS = 10.0
# Retries after a 503 of a busy receiver, as the vendor does: how often, and how many seconds apart.
_TRIES = 5
_PAUSE_SECONDS = 1.0
_MOST_SESSIONS = 100_000

Sign = Callable[[bytes], str]


def sample(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The webhook to post to. [default: this folder's receiver]", show_default=False
        ),
    ] = None,
    dialect: Annotated[Provider, typer.Option(help="The vendor's dialect to use.")] = Provider.REALTIMEKIT,
    count: Annotated[int, typer.Option(min=1, max=_MOST_SESSIONS, help="How many sessions to post.")] = 1,
) -> None:
    """Post made-up sessions and print their ids.

    Prints one id per line. Each session is fifteen deliveries with new ids and current times: two people meet, one
    loses the connection and rejoins, everything is recorded, and one leave is missing, as happens. They are signed with
    the development key (dev-key.pem in VAR_DIR) that `rollcall run` creates and trusts if DATABASE_URL is not set.
    """
    environment = read_environment()
    url = _checked(to) if to is not None else webhook_url(environment)
    sign = _signer(read_dev_key(VarFolder.of(environment).development_key))
    # Sample data, not secrets: any random source works.
    chance = random.Random()  # noqa: S311 - as above
    sessions = [sample_session(dialect, datetime.now(UTC), chance) for _ in range(count)]
    asyncio.run(_post_all(sessions, url, dialect, sign))


async def _post_all(sessions: list[SampleSession], url: str, dialect: Provider, sign: Sign) -> None:
    """Post sessions concurrently, the deliveries of each in order; print the id of each when done."""
    waiting = iter(sessions)
    limits = httpx2.Limits(max_connections=_SESSIONS_AT_ONCE)
    with progress_bar(hidden=len(sessions) == 1) as progress:
        posted = progress.add_task("Posting", total=len(sessions))

        async def post_some(client: httpx2.AsyncClient) -> None:
            for session in waiting:
                for body in session.bodies:
                    await _post(client, url, _headers(dialect, sign(body)), body)
                print(session.id, flush=True)  # noqa: T201 - the command's output, one line each for a pipe
                progress.advance(posted)

        async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, limits=limits, trust_env=False) as client:
            posting = [asyncio.create_task(post_some(client)) for _ in range(min(_SESSIONS_AT_ONCE, len(sessions)))]
            try:
                await asyncio.gather(*posting)
            finally:
                for task in posting:
                    task.cancel()
                await asyncio.gather(*posting, return_exceptions=True)


async def _post(client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Post one delivery until it is kept.

    Raises:
        CommandFailedError: there is no receiver at `url`, or it does not keep the delivery.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            answer = await client.post(url, headers=headers, content=body)
        except httpx2.HTTPError as error:
            raise CommandFailedError(
                f"No receiver answers at {url} ({type(error).__name__}): "
                "start one with `make run`, or name one with --to."
            ) from error
        if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE or not tries_left:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    if answer.status_code != httpx2.codes.OK:
        raise CommandFailedError(f"{url} answered {answer.status_code}{_said(answer)}: {_remedy(answer.status_code)}")


def _said(answer: httpx2.Response) -> str:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({error})"


def _remedy(status: int) -> str:
    match status:
        case httpx2.codes.UNAUTHORIZED:
            return (
                "that receiver does not trust this folder's development key. One that `make run` started here without "
                "DATABASE_URL does; for another, add the public key to its WEBHOOK_PUBLIC_KEYS."
            )
        case httpx2.codes.SERVICE_UNAVAILABLE:
            return "it can't verify or keep a delivery now. Run `rollcall doctor` on that machine."
        case httpx2.codes.NOT_FOUND | httpx2.codes.METHOD_NOT_ALLOWED:
            return "is this the full URL of a receiver? It ends in /webhook."
        case _:
            return "a receiver would not answer that. Check what is listening there."


def _headers(dialect: Provider, signature: str) -> dict[str, str]:
    prefix = _HEADER_PREFIX[dialect]
    return {
        "content-type": "application/json",
        f"{prefix}-signature": signature,
        f"{prefix}-uuid": str(uuid4()),
        f"{prefix}-webhook-id": "sample",
    }


def _signer(key: rsa.RSAPrivateKey) -> Sign:
    def sign(body: bytes) -> str:
        return base64.b64encode(key.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()

    return sign


def _checked(to: str) -> str:
    try:
        url = httpx2.URL(to)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise typer.BadParameter("it takes a URL such as http://127.0.0.1:8000/webhook.", param_hint="--to")
    return to
