"""Each setting has one place in code, a row in README's table and a line in `.env.example`."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import automations
import clock
import console
import receiver
import runtime
import workers
from runtime.setting import Setting

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
# What `rollcall run` tells its children, and nobody else sets.
OURS = {"ROLLCALL_DEV_KEY", "ROLLCALL_SECRETS_KEY_FILE"}
# The usual variables for the way out, which other programs read as well.
USUAL = {"HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}


def declared() -> dict[str, list[Setting[Any]]]:
    """Every setting in code, by its name; a setting that is imported elsewhere counts once."""
    found: dict[str, list[Setting[Any]]] = {}
    for package in (runtime, receiver, workers, automations, clock, console):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Setting) and not any(value is known for known in found.get(value.name, [])):
                    found.setdefault(value.name, []).append(value)
    return found


SETTINGS = declared()


def test_a_setting_is_declared_once() -> None:
    assert {name for name, settings in SETTINGS.items() if len(settings) > 1} == set()


def test_the_readme_lists_every_setting_and_no_other() -> None:
    table = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == set(SETTINGS) - OURS


def test_the_example_has_a_line_for_every_setting_and_for_no_other() -> None:
    assert set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE)) - USUAL == set(SETTINGS) - OURS


def test_what_the_example_gives_for_a_number_or_a_folder_is_the_default() -> None:
    given = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    compared = {name for name, (setting, *_) in SETTINGS.items() if isinstance(setting.default, int | Path)}
    assert {"PORT", "VAR_DIR"} <= compared
    assert {name: given[name] for name in compared} == {name: str(SETTINGS[name][0].default) for name in compared}
