"""How long the app takes to start: `import function_app` against `import azure.functions` alone, in fresh processes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).parents[2]
_SETTINGS: Final = _REPOSITORY / "local.settings.sample.json"
_RUNS: Final = 9
_LOADED_WHEN_NEEDED: Final = ("msgraph", "azure.identity", "azure.storage", "httpx")
"""Libraries that take longer to import than all the rest, and that most invocations don't need."""

_MEASURE: Final = """
import json, sys, time
started = time.perf_counter()
import {module}
seconds = time.perf_counter() - started
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{"ms": seconds * 1000, "rss_mb": peak / 1024, "modules": sorted(sys.modules)}}))
"""


def measure() -> dict[str, float] | None:
    """Give both medians in milliseconds, their ratio and the app's peak memory; None without sample settings.

    Raises:
        AssertionError: the app imports a library that it should import when it is needed.
    """
    if not _SETTINGS.is_file():
        return None
    with tempfile.TemporaryDirectory() as compiled:
        environment = _environment(compiled)
        pairs = [
            (_import("azure.functions", environment), _import("function_app", environment)) for _ in range(_RUNS + 1)
        ]
    floors, apps = zip(*pairs[1:], strict=True)  # the first pair compiled the bytecode
    too_early = [name for name in _LOADED_WHEN_NEEDED if name in apps[0]["modules"]]
    if too_early:
        raise AssertionError(f"import function_app imports {', '.join(too_early)}, which is to be imported when needed")
    floor, app = (statistics.median(run["ms"] for run in runs) for runs in (floors, apps))
    return {
        "app_ms": round(app, 1),
        "floor_ms": round(floor, 1),
        "ratio": round(app / floor, 2),
        "rss_mb": round(statistics.median(run["rss_mb"] for run in apps), 1),
    }


def _environment(compiled: str) -> dict[str, str]:
    """Give the sample's settings and a place for bytecode, which the shell may have told Python not to write."""
    values: Mapping[str, str] = json.loads(_SETTINGS.read_text(encoding="utf-8"))["Values"]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **values, "PYTHONPYCACHEPREFIX": compiled}


def _import(module: str, environment: Mapping[str, str]) -> dict[str, float | list[str]]:
    command = [sys.executable, "-c", _MEASURE.format(module=module)]
    ran = subprocess.run(command, cwd=_REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise AssertionError(f"import {module} failed:\n{ran.stderr}")
    return json.loads(ran.stdout)
