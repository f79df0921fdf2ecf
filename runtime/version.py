"""The version of Rollcall, as it introduces itself to others."""

from importlib.metadata import version

VERSION = version("rollcall")
USER_AGENT = f"Rollcall/{VERSION}"
