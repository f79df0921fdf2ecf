"""A table's file as an answer: sent as it is read, so that neither side has to hold it."""

import asyncio
from collections.abc import Generator
from contextlib import closing
from itertools import chain

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from console.failure import CommandFailedError
from runtime.logs import describe

# Seconds that a browser may take for a part: behind it a snapshot of the database is held.
_PATIENCE = 60.0

_log = structlog.get_logger(__name__)


class FileAnswer(StreamingResponse):
    """The file. What can be wrong with the question is, before the answer begins.

    What goes wrong later cuts the answer off, which browsers tell apart from its end.
    """

    def __init__(self, parts: Generator[str], name: str) -> None:
        """Read the first part.

        Args:
            parts: of the file; closed at the end, however it ends.
            name: the file's, without its ending.
        """
        first = next(parts)
        self._parts = parts
        super().__init__(
            chain([first], parts),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}.csv"'},
        )

    async def stream_response(self, send: Send) -> None:
        """Send the file."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_PATIENCE):
                await send(message)

        with closing(self._parts):
            try:
                await super().stream_response(send_in_time)
            except (CommandFailedError, TimeoutError) as error:
                _log.warning("file_cut_off", error=describe(error))
                raise
