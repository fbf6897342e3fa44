"""Secrets: none in the sources, and none in a parameter that the deployment's record shows."""

import re
from collections.abc import Iterator
from typing import Final

from infra.checks.snapshots import Infrastructure, Problem

_LOOKS_SECRET: Final = re.compile(
    r"(?i)accountkey=\w|sharedaccesskey=|[?&](sig|code)=\w|password=\w|-----begin [a-z ]*private|instrumentationkey="
    r"|\b[A-Za-z0-9+/]{40,}={1,2}|\b(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}\b"
)
_PARAMETER: Final = re.compile(
    r"^param \w*(secret|password|webhookurl|routingkey|certificate|accesskey|apikey|token) ", re.IGNORECASE
)


def check_secrets(made: Infrastructure) -> Iterator[Problem]:
    """Check every line of the sources. What outputs show and what becomes of secure parameters the compiler checks."""
    for path, text in made.texts.items():
        secure = False
        for number, line in enumerate(text.splitlines(), start=1):
            secure = bool(line) and (secure or line == "@secure()")
            if found := _LOOKS_SECRET.search(line):
                shown = (
                    f"{found[0][:6]}… looks like a secret; keep it in the vault, or pass it by a @secure() parameter"
                )
                yield Problem(file=path, line=number, text=shown)
            if path.endswith(".bicep") and not secure and _PARAMETER.match(line):
                shown = "the parameter is shown in the deployment's record; put @secure() before it"
                yield Problem(file=path, line=number, text=shown)
