"""pgbouncer in session mode, as used in front of many Postgres servers."""

import os
import shutil
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.chaos.part import Part
from benchmarks.chaos.ports import free_port

# `unix_socket_dir` is empty: on TCP alone, as the proxies in front of it need it.
_SETTINGS = """
[databases]
* = host={host} port={server_port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
max_client_conn = 200
default_pool_size = 60
server_login_retry = 1
{account}
"""


def pgbouncer() -> str | None:
    """Return the program; None where it is not installed."""
    return os.environ.get("PGBOUNCER") or shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


def _account(host: object) -> str:
    # It does not run as root; and where the server listens on a socket in a folder, only its own account gets there.
    if os.geteuid() != 0:
        return ""
    owner = Path(str(host)).owner() if str(host).startswith("/") else "nobody"
    return f"user = {owner}"


class Pooler:
    """A pgbouncer on loopback.

    Attributes:
        part: its process.
        url: where it takes connections to the database that it was made for.
    """

    def __init__(self, database_url: str, folder: Path) -> None:
        """Prepare a pooler for a database.

        Raises:
            FileNotFoundError: pgbouncer is not installed.
        """
        program = pgbouncer()
        if program is None:
            raise FileNotFoundError("pgbouncer is not installed here: leave --pooler away, or name it in PGBOUNCER.")
        server = conninfo_to_dict(database_url)
        port = free_port()
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                host=server.get("host") or "127.0.0.1",
                server_port=server.get("port") or 5432,
                user=server.get("user"),
                port=port,
                account=_account(server.get("host")),
            )
        )
        self.url = f"postgresql://{server.get('user')}@127.0.0.1:{port}/{server.get('dbname')}"
        self.part = Part("pgbouncer", [program, str(settings)], {"PATH": os.environ["PATH"]}, folder)
