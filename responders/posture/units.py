"""Restricted management units: out of reach of administrators, which guards emergency accounts, and hides attackers."""

from collections.abc import Mapping
from typing import Final

from responders.kinds.restricted_units import LIST_UNIT_MEMBERS, LIST_UNITS, read_all
from responders.posture.accounts import PEOPLE, WORKLOADS, name_of
from responders.posture.names import of_all, some_of
from responders.posture.roles import HOLDERS
from shared.checks.check import Finding, failed, ok, warning
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot


def _read_units(reading: Reading) -> Mapping[str, frozenset[str]]:
    """Read who is in each restricted unit, by the unit's name. Raises Rejected where one hides its members."""
    units = read_all(reading.api)
    return {
        str(unit.get("displayName") or unit["id"]): frozenset(str(each).lower() for each in unit["members"])
        for unit in units.values()
    }


UNITS: Final = Part(
    id="restricted-units",
    title="the restricted management units",
    read=_read_units,
    calls=(LIST_UNITS, LIST_UNIT_MEMBERS),
)

PARTS: Final = (UNITS,)


def _restricted(snapshot: Snapshot) -> list[Finding]:
    units, emergency = snapshot.of(UNITS), snapshot.settings.emergency_accounts
    everybody = frozenset[str]().union(*units.values())
    hidden = {
        name_of(snapshot, each): [unit for unit, members in units.items() if each in members]
        for each in (snapshot.of(HOLDERS).keys() & everybody) - emergency
    }
    if hidden:
        names = some_of(f"{name} in {', '.join(within)}" for name, within in hidden.items())
        return [failed(f"nobody, the responder neither, can disable who holds a privileged role there: {names}")]
    outside = emergency - everybody
    if outside:
        said = f"{of_all(outside, emergency)} emergency accounts are in no restricted unit"
        return [warning(f"{said}: {some_of(name_of(snapshot, each) for each in outside)}")]
    return [ok(f"{len(units):,} restricted units, with the emergency accounts in one, and no other who holds a role")]


CHECKS: Final = (
    PostureCheck(
        id="restricted-units-known",
        stage=Stage.HALF_A_YEAR,
        title="Restricted units hold the emergency accounts, and nobody else who holds a privileged role",
        why="Nobody resets an emergency account's password there; and nobody disables an attacker's account there.",
        passages=(17, 19),
        parts=(UNITS, HOLDERS, PEOPLE, WORKLOADS),
        always_applies="Every tenant has emergency accounts that others could disable.",
        cure=(
            "Make a restricted management administrative unit for the emergency accounts; take out of any such unit"
            " whoever holds a privileged role."
        ),
        run=_restricted,
    ),
)
