"""Secrets: none in the sources, and none in a parameter that the deployment's record shows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from infra.checks.snapshots import Infrastructure, Problem, nowhere

_LOOKS_SECRET: Final = re.compile(
    r"(?i)accountkey=\w|sharedaccesskey=|[?&](sig|code)=\w|password=\w|-----begin [a-z ]*private|instrumentationkey="
    r"|\b[A-Za-z0-9+/]{40,}={1,2}|\b(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}\b"
)
_PARAMETER: Final = re.compile(
    r"^param \w*(secret|password|webhookurl|routingkey|certificate|accesskey|apikey|token) ", re.IGNORECASE
)


def check_secrets(made: Infrastructure) -> Iterator[Problem]:
    """Check every line of the sources, and what modules hand on. What outputs show the compiler checks."""
    for name in sorted(set(_handed_on(made.template))):
        yield nowhere(f"a secret is handed on as {name}, which the deployment's record shows; put @secure() before it")
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


def _handed_on(template: Mapping[str, Any]) -> Iterator[str]:
    """Give the parameters of modules that get a secure one and aren't secure themselves."""
    found: Any = template["resources"]
    modules = cast("Iterable[dict[str, Any]]", found.values() if isinstance(found, dict) else found)
    for properties in (one["properties"] for one in modules if "template" in one.get("properties", {})):
        given: dict[str, Any] = properties.get("parameters", {})
        secrets = [f"parameters('{one}')" for one in _secure(template)]
        shown = given.keys() - _secure(properties["template"])
        yield from (name for name in shown if any(one in json.dumps(given[name]) for one in secrets))
        yield from _handed_on(properties["template"])


def _secure(template: Mapping[str, Any]) -> set[str]:
    parameters: Mapping[str, Mapping[str, Any]] = template.get("parameters", {})
    return {name for name, one in parameters.items() if str(one.get("type")).lower().startswith("secure")}
