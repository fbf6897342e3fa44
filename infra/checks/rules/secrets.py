"""Secrets: none in the sources, none in what the compiler lets through because it can't know a secret by its looks."""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, nowhere

_LOOKS_SECRET: Final = re.compile(
    r"(?i)accountkey=\w|sharedaccesskey=|[?&]sig=\w|[?&]code=\w|password=\w|-----begin|instrumentationkey=\w"
    r"|\b[A-Za-z0-9+/]{40,}={1,2}|\b(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}\b"
)
_NAMED_SECRET: Final = re.compile(r"(?i)(secret|password|webhookurl|routingkey|certificate|accesskey|apikey|token)$")


def check_secrets(infrastructure: Infrastructure, _: Declared) -> Iterator[Problem]:
    """Check every line of the sources, and the parameters of every deployment."""
    for path, text in infrastructure.texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if found := _LOOKS_SECRET.search(line):
                wrong = f"{found[0][:6]}… looks like a secret"
                right = "keep it in the vault, or pass it by a @secure() parameter"
                yield Problem(file=path, line=number, wrong=wrong, right=right)
    for template in _templates(infrastructure.template):
        for name, parameter in template.get("parameters", {}).items():
            if _NAMED_SECRET.search(name) and not str(parameter.get("type")).lower().startswith("secure"):
                yield nowhere(f"the parameter {name} is shown in the deployment's record", "put @secure() before it")


def _templates(template: object) -> Iterator[dict[str, Any]]:
    """Give a template and those nested in it."""
    if isinstance(template, dict):
        found = cast("dict[str, Any]", template)
        if "$schema" in found:
            yield found
        for one in found.values():
            yield from _templates(one)
    elif isinstance(template, list):
        for one in cast("list[object]", template):
            yield from _templates(one)
