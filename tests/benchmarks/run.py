"""`python -m tests.benchmarks.run [NAME …]`: measure, print one JSON object and write `docs/performance.md` anew.

With names only those are measured. Progress goes to standard error.
Ratios are what counts: both sides of each are measured in turns, on the same machine.
"""

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from tests.benchmarks.report import keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULES: Final = {
    "import": "import_time",
    "match": "match_rate",
    "sign-ins": "sign_in_rate",
    "aggregation": "aggregation",
    "conditional-access": "ca_verdicts",
    "posture": "posture",
    "remedy": "remedy",
    "burst": "burst",
    "backlog": "backlog",
    "forgeries": "forgeries",
}


def main() -> int:
    """Run every benchmark there is, or those that are named, each in a module with a function `measure`."""
    figures: dict[str, Mapping[str, float]] = {}
    named = sys.argv[1:] or [*_MODULES]
    for key, name in ((key, name) for key, name in _MODULES.items() if key in named):
        module = f"tests.benchmarks.{name}"
        if find_spec(module) is None:
            _say(f"{key}: left out, there is no {module}")
            continue
        _say(f"{key}: measuring …")
        measured: Mapping[str, float] | None = import_module(module).measure()
        if measured is None:
            _say(f"{key}: left out, local.settings.sample.json isn't there")
            continue
        figures[key] = measured
        _say(f"{key}: {measured}")
    keep(figures)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
