"""The vendor: a separate posting process, so that nothing in this one adds to the time of an answer."""

import asyncio
import multiprocessing
import os
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from benchmarks.chaos.account import Account
from benchmarks.chaos.posting import Plan, Posting

_context = multiprocessing.get_context("spawn")


class Vendor:
    """Posts from the start of the `with` block until `stop`, at the latest until its end."""

    def __init__(self, plan: Plan, key: RSAPrivateKey) -> None:
        """Prepare to post by a plan, signed with `key`."""
        self._commands, theirs = _context.Pipe()
        self._accepted: Synchronized[int] = _context.Value("L", 0)
        self._process = _context.Process(target=_post, args=(plan, theirs, self._accepted), daemon=True)
        self._key = key

    def __enter__(self) -> Self:
        self._process.start()
        self.sign_with(self._key)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self._commands.close()

    @property
    def accepted(self) -> int:
        """Answers of 200 so far."""
        return self._accepted.value

    def sign_with(self, key: RSAPrivateKey) -> None:
        """Sign with another key from now on."""
        self._commands.send_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def stop(self) -> Account:
        """Begin no more deliveries, wait for the answers under way, and return what came of all."""
        self._commands.send_bytes(b"")
        account: Account = self._commands.recv()
        return account


def _post(plan: Plan, commands: Connection, accepted: "Synchronized[int]") -> None:
    asyncio.run(_post_until_told(plan, commands, accepted))


async def _post_until_told(plan: Plan, commands: Connection, accepted: "Synchronized[int]") -> None:
    def count() -> None:
        accepted.value += 1

    posting = Posting(plan, count)

    def obey() -> None:
        try:
            command = commands.recv_bytes()
        except EOFError:  # who wanted to know is dead
            os._exit(1)
        if command:
            key = load_pem_private_key(command, password=None)
            assert isinstance(key, RSAPrivateKey)
            posting.key = key
        else:
            posting.stop()

    obey()
    asyncio.get_running_loop().add_reader(commands.fileno(), obey)
    await posting.run()
    commands.send(posting.account)
