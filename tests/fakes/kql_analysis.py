"""What Microsoft's own language service says of queries in Kusto."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.fakes.kql_rows import TABLES

_NOT_INSTALLED: Final = 3


def analysed(folder: Path, *queries: str, tables: Mapping[str, Mapping[str, str]] = TABLES) -> list[list[str]]:
    """Give what it says of each query over these tables' columns; nothing at all is the best."""
    asked = folder / "queries.json"
    asked.write_text(json.dumps({"tables": tables, "queries": queries}), encoding="utf-8")
    script = Path(__file__).with_name("analyse_kql.cjs")
    ran = subprocess.run([shutil.which("node") or "node", str(script), str(asked)], capture_output=True, check=False)
    if ran.returncode == _NOT_INSTALLED and not os.environ.get("CI"):
        pytest.skip("@kusto/language-service-next isn't installed: `make setup` installs it")
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    return json.loads(ran.stdout)
