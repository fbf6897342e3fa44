"""Running the checks."""

from collections.abc import Iterable, Sequence

from shared.checks.findings import Check, Finding, Line, Report, Status, unanswered, unknown
from shared.checks.unread import Unread
from shared.doctor.context import DoctorContext
from shared.model.errors import EdgeError


def examine(checks: Iterable[Check], context: DoctorContext) -> Report:
    """Run every check, whatever the others find."""
    lines = tuple(_line(check, finding) for check in checks for finding in _found(check, context))
    bad = {Status.FAILED, Status.UNKNOWN}
    return Report(healthy=not any(line.status in bad for line in lines), lines=lines)


def _found(check: Check, context: DoctorContext) -> Sequence[Finding]:
    try:
        return check.run(context)
    except Unread as unread:
        return [unknown(f"couldn't be told: {unread}", cure=unread.cure)]
    except EdgeError as error:
        return [unanswered(f"couldn't be told: {error}", error)]


def _line(check: Check, finding: Finding) -> Line:
    cure = "" if finding.status is Status.OK else finding.cure or check.cure
    return Line(check=check.id, title=check.title, status=finding.status, found=finding.text, cure=cure)
