"""The few files that pages load: read at the start, served by name, and by no path."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from console.pages.refusals import NotThereError

_FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
# Their address changes with their content.
_KEEP = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    kind: str


class StaticFiles:
    """The files.

    Attributes:
        version: of their content, for their addresses.
    """

    def __init__(self) -> None:
        self._files = {
            path.name: _File(path.read_bytes(), _KINDS[path.suffix])
            for path in sorted(_FOLDER.iterdir())
            if path.suffix in _KINDS
        }
        digest = hashlib.sha256(b"".join(file.content for file in self._files.values()))
        self.version = digest.hexdigest()[:12]

    async def serve(self, request: Request) -> Response:
        """Answer with a file.

        Raises:
            NotThereError: there is none of this name.
        """
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise NotThereError("file")
        return Response(file.content, media_type=file.kind, headers={"cache-control": _KEEP})
