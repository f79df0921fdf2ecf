"""RabbitMQ nodes of our own: one, or several that make a cluster, so that they can be killed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from benchmarks.chaos.part import Part
from benchmarks.chaos.ports import free_port
from workers.queue.message import QUEUE_NAME

_CONTROL_SECONDS = 60.0

# Debian's own `rabbitmq-server` is for one node and its account; its program starts any number as the calling user.
_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server")

_SETTINGS = """
listeners.tcp.default = 127.0.0.1:{port}
log.file.level = warning
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = {first}
cluster_partition_handling = pause_minority
"""


def rabbitmq_server() -> str | None:
    """Return the program that starts a node; None where RabbitMQ is not installed."""
    return next((script for script in _SCRIPTS if Path(script).exists()), shutil.which("rabbitmq-server"))


class RabbitmqNode:
    """A node on loopback; it joins `first`, unless it is the first.

    Attributes:
        port: where it takes connections; the next port is free for more listeners.
    """

    def __init__(self, number: int, folder: Path, first: "RabbitmqNode | None" = None, settings_too: str = "") -> None:
        program = rabbitmq_server()
        if program is None:
            raise FileNotFoundError("RabbitMQ is not installed here: choose Postgres as the queue.")
        self._control = str(Path(program).with_name("rabbitmqctl"))
        self.port, distribution = free_port(), free_port()
        self.name = f"rollcall{number}-{self.port if first is None else first.port}@localhost"
        settings = folder / f"rabbitmq-{number}.conf"
        settings.write_text(_SETTINGS.format(port=self.port, first=(first or self).name) + settings_too)
        (folder / "plugins").write_text("[].\n")
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),  # of the cookie that nodes know each other by
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "rabbitmq"),
            "RABBITMQ_LOG_BASE": str(folder / "rabbitmq-log"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RUNNING_UNDER_SYSTEMD": "1",  # the process that is started is then the node itself
        }
        self.part = Part(f"rabbitmq-{number}", [program], self._environment, folder)

    @property
    def url(self) -> str:
        """Where it takes connections."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def control(self, *arguments: str) -> str:
        """Call `rabbitmqctl` for this node and return what it prints.

        Raises:
            subprocess.CalledProcessError: the node refuses, or is away.
        """
        command = [self._control, "-q", "-n", self.name, *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True, timeout=_CONTROL_SECONDS
        )
        return done.stdout

    def messages(self) -> int:
        """Return how many messages are in our queue, those in workers' hands included."""
        lines = self.control("list_queues", "--no-table-headers", "name", "messages").splitlines()
        counts = dict(line.split() for line in lines)
        return int(counts.get(QUEUE_NAME, 0))

    def answers(self) -> bool:
        """Return whether it lets clients in."""
        return answers(self.url)


def rabbitmq_nodes(count: int, folder: Path) -> Sequence[RabbitmqNode]:
    """Return the nodes of a cluster, none of them started; the first has to be up before the others start."""
    first = RabbitmqNode(1, folder)
    return [first, *(RabbitmqNode(number, folder, first) for number in range(2, count + 1))]


def answers(url: str) -> bool:
    """Return whether a RabbitMQ lets clients in at a URL."""
    try:
        pika.BlockingConnection(pika.URLParameters(f"{url}?socket_timeout=2&stack_timeout=4")).close()
    except (AMQPError, AMQPConnectorException, OSError):
        return False
    return True
