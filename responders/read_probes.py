"""Every read that the product makes, as the doctor tries it."""

from collections.abc import Iterable
from typing import Final

from responders import left_out, registrations, rosters, sources
from responders.content import KINDS
from responders.kinds import named_applications
from responders.posture import declared
from responders.runbooks import mailboxes
from responders.runbooks.break_glass import BREAK_GLASS
from shared.model.calls import Call
from shared.model.read_probes import ReadProbe


def _once(probes: Iterable[ReadProbe]) -> tuple[ReadProbe, ...]:
    """Leave out reads that an earlier probe tries in the same kind of tenant."""
    return tuple({(probe.call, probe.kind): probe for probe in reversed([*probes])}.values())[::-1]


READ_PROBES: Final[tuple[ReadProbe, ...]] = _once(
    (
        *sources.READ_PROBES,
        *(probe for each in KINDS for probe in each.read_probes),
        *rosters.READ_PROBES,
        *left_out.READ_PROBES,
        *registrations.READ_PROBES,
        *mailboxes.READ_PROBES,
        *named_applications.READ_PROBES,
        *declared.READ_PROBES,
    )
)
"""Every read that the product makes, as the doctor tries it: a page of one where there may be many."""

NOT_TRIED: Final[tuple[Call, ...]] = tuple(
    dict.fromkeys(
        call
        for step in BREAK_GLASS
        for call in step.needs
        if call.method == "GET" and call not in {probe.call for probe in READ_PROBES}
    )
)
"""Reads of the break-glass runbook that the doctor doesn't try.

What some of them read is there in an emergency only, and a refusal of others is to be expected; the runbook says then
what a person does. Whether the identity has the permissions, the doctor sees in its token and its roles.
"""
