"""`make setup` gives the command itself, and it works from any folder."""

import subprocess
import sys
from pathlib import Path


def test_the_command_is_installed_and_runs_anywhere(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("responder")
    done = subprocess.run([command, "catalogue"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "ca-policy-created" in done.stdout
