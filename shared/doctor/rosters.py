"""Whether it is known who is privileged, and which groups roles can be given to."""

from typing import Final

from shared.checks.each import look_at_each
from shared.checks.findings import Check, Finding, failed, ok
from shared.detect.rosters import Roster
from shared.doctor.context import DoctorContext
from shared.doctor.sources import ago
from shared.model.settings import Tenant


def _rosters(context: DoctorContext) -> list[Finding]:
    def look(place: tuple[Roster, Tenant]) -> list[Finding]:
        roster, tenant = place
        now = context.clock()
        listed = context.runtime.rosters.listed(roster.kind, tenant.id)
        if listed.read_at is None:
            return [failed(f"{_name(place)}: never read yet")]
        text = f"{_name(place)}: {len(listed.ids)}, read {ago(now - listed.read_at)}"
        return [ok(text) if listed.is_fresh(now) else failed(text)]

    return look_at_each(context.runtime.rosters.places(context.tenants()), _name, look)


def _name(place: tuple[Roster, Tenant]) -> str:
    roster, tenant = place
    return f"{tenant.name}, {roster.kind}"


CHECKS: Final = (
    Check(
        id="rosters-fresh",
        title="It is known who is privileged",
        cure="The rows on privileged accounts can't be judged for accounts that aren't listed. See what sweep_rosters"
        " last logged; reads-allowed and graph-permissions-exact name a permission that is missing.",
        run=_rosters,
    ),
)
