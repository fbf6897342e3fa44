"""The scripts as text: shellcheck has nothing to say, and each command of az that they name exists."""

import re
import subprocess

import pytest

from tests.integration.infra.scripts.az_parser import REPOSITORY, AzParser
from tests.integration.infra.scripts.conftest import SCRIPTS

_COMMAND = re.compile(r"\b(?:az|write|found|again az|again found) ((?:[a-z][a-z-]+ )+)(?=--|\"\$\{)")
_TEXTS = sorted([*SCRIPTS.glob("*.sh"), REPOSITORY / "azure.yaml"])


def test_shellcheck_has_nothing_to_say(az_parser: AzParser) -> None:
    del az_parser  # which has installed it
    shellcheck = REPOSITORY / ".venv-az" / "bin" / "shellcheck"
    files = sorted([*SCRIPTS.glob("*.sh"), *SCRIPTS.glob("az/*.sh")])
    done = subprocess.run([shellcheck, "-x", *files], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.stdout == ""
    assert done.returncode == 0


def _commands() -> list[str]:
    """Find what stands between az and its first option, in commands as in what people are told to run."""
    found = {command.strip() for file in _TEXTS for command in _COMMAND.findall(file.read_text(encoding="utf-8"))}
    return sorted(found)


def test_commands_are_found() -> None:
    commands = _commands()
    assert len(commands) > 40
    assert {"deployment sub create", "login", "role assignment delete"} <= set(commands)


@pytest.mark.parametrize("command", _commands())
def test_a_command_of_az_exists(az_parser: AzParser, command: str) -> None:
    message = az_parser.read([*command.split(), "--no-such-option"]).error
    assert "misspelled" not in message
    assert "required" in message or "unrecognized arguments: --no-such-option" in message
