"""The page `docs/detections.md`: every detection, what it watches and what it does."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from responders.catalogue import CATALOGUE
from shared.detect.aggregation.describe import speaks_when
from shared.detect.kusto.compile import VIEWS, predicate
from shared.model.cases import Decision
from shared.model.declarations import AnyDetection
from shared.objects.decide import strongest_decision

_INTRODUCTION: Final = """\
# Detections

Written from the declarations in `responders/detections/` by `make docs`. The row is that of
[Microsoft's guide](https://learn.microsoft.com/entra/architecture/security-operations-introduction).

The condition is in Kusto, over a view in which names have one spelling (case, spaces and dashes don't matter); the file
that is linked has the whole query, for Log Analytics and Sentinel. Where it is judged by words that differ by tenant,
the file has the defaults, which for ids are none: `responder kql --out DIR` writes it with those of the environment,
and with `--rosters` with what the app has read of the tenants: who is privileged, which groups are role-assignable, and
of which tenants that is known (`privileged_known_in`, `groups_known_in`).

What is put back is put back in mode `enforce`, when the actor is positively not approved. In doubt the owners are paged
instead. In mode `observe`, which is the default, what would have been done is recorded."""

_ANSWERS: Final = {
    Decision.RECORD: "recorded, for the digest",
    Decision.PAGE: "the owners are paged",
    Decision.REMEDIATE: "put back, and the owners are paged",
}


def page() -> str:
    """Write the page."""
    groups = groupby(CATALOGUE, key=_table_of)
    parts = [_INTRODUCTION, _overview(CATALOGUE)]
    for table, detections in groups:
        parts += [f"## {table.replace('-', ' ').capitalize()}", *map(_section, detections)]
    return "\n\n".join(parts) + "\n"


def _table_of(detection: AnyDetection) -> str:
    return detection.seed_row.partition("/")[0]


def _overview(detections: Sequence[AnyDetection]) -> str:
    rows = [
        f"| [{detection.id}](#{detection.id}) | {', '.join(_rows_of(detection))} | {detection.risk} |"
        f" {strongest_decision(detection)} | {detection.title} |"
        for detection in detections
    ]
    return "\n".join(["| detection | row | risk | answer | what it finds |", "|---|---|---|---|---|", *rows])


def _rows_of(detection: AnyDetection) -> tuple[str, ...]:
    return (detection.seed_row, *detection.also)


def _section(detection: AnyDetection) -> str:
    remediation = detection.remediation
    lines = {
        "Row, risk": f"{', '.join(_rows_of(detection))}; {detection.risk}",
        "Watches": f"{', '.join(VIEWS[detection.log].tables)} ([query](kql/{detection.id}.kql))",
        "Speaks": speaks_when(detection),
        "Who may": f"approval list `{detection.unless_actor_in}`"
        if detection.unless_actor_in
        else "nobody is asked for",
        "Answer": _ANSWERS[strongest_decision(detection)],
        "Puts back": f"{remediation.title} (`{remediation.id}`)" if remediation else "",
        "To undo that": remediation.undo if remediation else "",
        "First step by hand": detection.first_step,
        "Permissions": ", ".join(f"`{permission}`" for permission in detection.needs),
        "Judged with the vocabulary's": ", ".join(f"`{word}`" for word in detection.required_profile_keys),
        "Differs from the guide": detection.deviates,
        "MITRE ATT&CK": ", ".join(f"[{technique}]({technique.url})" for technique in detection.techniques),
        "Reference": f"<{detection.reference}>" if detection.reference else "",
    }
    listed = "\n".join(f"- **{name}**: {text}" for name, text in lines.items() if text)
    return f"### {detection.id}\n\n**{detection.title}.** {detection.why}\n\n{listed}\n\n{_conditions(detection)}"


def _conditions(detection: AnyDetection) -> str:
    own = _condition(detection)
    if detection.after is None:
        return own
    return f"{own}\n\nafter a record that met\n\n{_condition(replace(detection, when=detection.after.step_a))}"


def _condition(detection: AnyDetection) -> str:
    return f"```kusto\n{predicate(detection)}\n```"
