"""The receivers in docs/automations.md and the n8n workflow verify, answer and drop repeats."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from automations.secrets import new_secret
from tests.processes import ROOT, free_port
from tests.receiver.running import wait_until

PAGE = (ROOT / "docs" / "automations.md").read_text(encoding="utf-8")
WORKFLOW = json.loads((ROOT / "docs" / "n8n-workflow.json").read_text(encoding="utf-8"))
SECRET = new_secret()
BODY = (
    '{"type": "session.ended", "timestamp": "2026-03-02T09:30:00Z", "data": {"session": {"title": "Ünïcode"}}}'.encode()
)


def node() -> str:
    found = shutil.which("node")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Node.js is not installed, and CI must not skip what it runs.")
        pytest.skip("Node.js is not installed.")
    return found


def headers(message_id: str, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age)
    mine, other = (Webhook(one).sign(message_id, at, BODY.decode()) for one in (secret, new_secret()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"{other} {mine}",
    }


class Receiver:
    def __init__(self, port: int, output: Path) -> None:
        self.port = port
        self.output = output

    def post(self, body: bytes, sent: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/", body, sent)
            return connection.getresponse().status
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            self.post(b"{}", {})
        except OSError:
            return False
        return True


@pytest.fixture(params=["python", "javascript"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    """The receiver of the page in one of its languages."""
    [program] = re.findall(rf"```{request.param}\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / {"python": "receiver.py", "javascript": "receiver.mjs"}[request.param]
    file.write_text(program, encoding="utf-8")
    interpreter = sys.executable if request.param == "python" else node()
    port = free_port()
    output = tmp_path / "output"
    with output.open("wb") as opened:
        process = subprocess.Popen(
            [interpreter, str(file)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "ROLLCALL_SECRET": SECRET, "PORT": str(port)},
            stdout=opened,
            stderr=opened,
        )
    running = Receiver(port, output)
    try:
        wait_until(running.answers, "it listens", seconds=60)
        yield running
    finally:
        process.kill()
        process.wait()


def test_a_receiver_verifies_answers_and_does_its_work_once(receiver: Receiver) -> None:
    sent = headers("msg_1")
    assert receiver.post(BODY, sent) == 204
    assert receiver.post(BODY, sent) == 204
    assert receiver.post(BODY.replace(b"09:30", b"09:31"), headers("msg_2")) == 401
    assert receiver.post(BODY, headers("msg_3", new_secret())) == 401
    assert receiver.post(BODY, headers("msg_4", age=600)) == 401
    assert receiver.post(BODY, headers("msg_5") | {"webhook-signature": "v1,"}) == 401
    assert receiver.post(BODY, headers("msg_6")) == 204
    work = [line for line in receiver.output.read_text(encoding="utf-8").splitlines() if line.startswith("session.")]
    assert work == ["session.ended 2026-03-02T09:30:00Z"] * 2


def test_the_receivers_are_of_about_twenty_lines() -> None:
    for language in ("python", "javascript"):
        [program] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
        assert len([line for line in program.splitlines() if line.strip()]) <= 25


HARNESS = """
const fs = require('fs');
const { code, items, secret } = JSON.parse(fs.readFileSync(0, 'utf8'));
const run = Object.getPrototypeOf(async function () {}).constructor;
(async () => {
  const outcomes = [];
  for (const { headers, body } of items) {
    const self = { helpers: { getBinaryDataBuffer: async () => Buffer.from(body, 'base64') } };
    const input = { first: () => ({ json: { headers } }) };
    const [{ json }] = await new run('$env', '$input', 'require', code)
      .call(self, { ROLLCALL_SECRET: secret }, input, require);
    outcomes.push(json);
  }
  console.log(JSON.stringify(outcomes));
})();
"""


def test_the_n8n_workflow_checks_the_signature_on_the_raw_body() -> None:
    nodes = {one["name"]: one for one in WORKFLOW["nodes"]}
    cases = [
        (headers("msg_1"), BODY),
        (headers("msg_2"), json.dumps(json.loads(BODY)).encode()),
        (headers("msg_3", new_secret()), BODY),
        (headers("msg_4", age=600), BODY),
        ({}, BODY),
    ]
    given = {
        "code": nodes["Verify"]["parameters"]["jsCode"],
        "items": [{"headers": sent, "body": base64.b64encode(body).decode()} for sent, body in cases],
        "secret": f"{new_secret()} {SECRET}",
    }
    done = subprocess.run(
        [node(), "-e", HARNESS], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60
    )
    first, *others = json.loads(done.stdout)
    assert first == {"verified": True, "id": "msg_1", **json.loads(BODY)}
    assert [one["verified"] for one in others] == [False] * 4


def test_the_n8n_workflow_leads_from_the_raw_body_over_the_check_to_work_done_once() -> None:
    nodes = {one["name"]: one for one in WORKFLOW["nodes"]}
    assert nodes["Rollcall"]["parameters"]["options"]["rawBody"] is True
    leads = {
        name: [[to["node"] for to in way] for way in ways["main"]] for name, ways in WORKFLOW["connections"].items()
    }
    assert leads == {
        "Rollcall": [["Verify"]],
        "Verify": [["Is it signed?"]],
        "Is it signed?": [["Only once"], ["Refuse"]],
        # n8n answers only once it has noted the message: the next one is sent then, and finds the note.
        "Only once": [["Accept"], ["Seen before"]],
        "Accept": [["Your work"]],
    }
    answers = ("Accept", "Seen before", "Refuse")
    assert [nodes[name]["parameters"]["options"]["responseCode"] for name in answers] == [204, 204, 401]
    assert nodes["Only once"]["parameters"]["dedupeValue"] == "={{ $json.id }}"
