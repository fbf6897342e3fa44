"""The page `docs/detections.md`: every detection, what it finds and what is done about it."""

from collections.abc import Sequence
from copy import replace
from itertools import groupby
from typing import Final

from responders.catalogue import CATALOGUE
from responders.detections.evidence import Evidence, evidence_of
from shared.detect.aggregation.describe import raises_case_when
from shared.detect.conditions import required
from shared.detect.kusto.compile import predicate, why_no_query
from shared.detect.kusto.views import VIEWS
from shared.detect.matcher import INDEXED_BY
from shared.model.cases import Decision
from shared.model.detections import AnyDetection
from shared.model.events import Log
from shared.respond.deciding import strongest_decision

_INTRODUCTION: Final = """\
# Detections

`make docs` writes this page from the declarations in `responders/detections/`. *Row* is the row of
[Microsoft's guide](https://learn.microsoft.com/entra/architecture/security-operations-introduction) that the detection
covers.

*Answer* is what the app does in mode `enforce` about a change by an actor who isn't approved:

- **remediate**: it puts the change back, checks that it is back, and tells the owners. In doubt it touches nothing and
  pages the owners.
- **page**: it pages the owners. They undo the change by hand.
- **record**: it keeps the case and pages nobody.

In mode `page` nothing is put back; the owners are paged. In mode `observe`, the default, the case only records what
mode `enforce` would have done.

Each condition is shown in Kusto. It reads a view in which case, kinds of spaces and kinds of dashes make no difference.
The linked file has the whole query for Log Analytics and Sentinel. Some conditions use values of the tenant profile.
The linked files have its defaults, in which lists of ids are empty. `responder kql --out DIR` writes the files with
your profile. With `--rosters` it also fills in what the app has read from the tenants: who is privileged, which groups
are role-assignable or left out by policies, and for which tenants that is known (`privileged_known_in`,
`groups_known_in`, `policy_groups_known_in`).

*How its names are known* says how many of the activities it names were seen where. A presumed name may never be
logged."""

_ANSWERS: Final = {
    Decision.RECORD: "the case is recorded, nobody is paged",
    Decision.PAGE: "the owners are paged",
    Decision.REMEDIATE: "the change is put back and the owners are told",
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


def _log_of(detection: AnyDetection) -> str:
    """Name the tables in which a query finds it, with the query."""
    if why_no_query(detection):
        return "the audit stream alone"
    return f"{', '.join(VIEWS[detection.log].tables)} ([query](kql/{detection.id}.kql))"


_RESTRAINS: Final = "in mode `enforce`, set for it by name, the account behind it is disabled, its sessions are revoked"


def _section(detection: AnyDetection) -> str:
    remediation = detection.remediation
    lines = {
        "Row of the guide": ", ".join(_rows_of(detection)),
        "Risk": detection.risk,
        "Log": _log_of(detection),
        "Raises a case": raises_case_when(detection),
        "Applies to": f"everybody who isn't on the approval list `{detection.unless_actor_in}`"
        if detection.unless_actor_in
        else "everybody, approved or not",
        "Answer": _ANSWERS[strongest_decision(detection)],
        "How it is put back": f"{remediation.title} (`{remediation.id}`)" if remediation else "",
        "How to undo that": remediation.undo if remediation else "",
        "Restrains": _RESTRAINS if detection.contains else "",
        "What to do first": detection.first_step,
        "Permissions for putting it back": ", ".join(f"`{permission}`" for permission in detection.needs),
        "Uses from the tenant profile": ", ".join(f"`{word}`" for word in detection.required_profile_keys),
        "Differs from the guide": detection.deviates,
        "How its names are known": _evidence(detection),
        "MITRE ATT&CK": ", ".join(f"[{technique}]({technique.url})" for technique in detection.techniques),
        "Reference": f"<{detection.reference}>" if detection.reference else "",
    }
    listed = "\n".join(f"- **{name}**: {text}" for name, text in lines.items() if text)
    return f"### {detection.id}\n\n**{detection.title}.** {detection.why}\n\n{listed}\n\n{_conditions(detection)}"


def _evidence(detection: AnyDetection) -> str:
    """Say how the names of its activities are known; "" where it names none of the audit log."""
    names = required(detection.when, INDEXED_BY[detection.log]) or frozenset() if detection.log is Log.AUDIT else ()
    graded = {grade: sorted(name for name in names if evidence_of(name) is grade) for grade in Evidence}
    listed = [f"{grade} {_named(grade, found)}" for grade, found in graded.items() if found]
    return "; ".join(listed)


def _named(grade: Evidence, found: list[str]) -> str:
    return str(len(found)) if grade is not Evidence.PRESUMED else ", ".join(f"`{name}`" for name in found)


def _conditions(detection: AnyDetection) -> str:
    own = _condition(detection)
    if detection.after is None:
        return own
    return f"{own}\n\nafter a record that meets\n\n{_condition(replace(detection, when=detection.after.step_a))}"


def _condition(detection: AnyDetection) -> str:
    return f"```kusto\n{predicate(detection)}\n```"
