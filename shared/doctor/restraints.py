"""Whether accounts can be restrained where a detection is to do that unasked; else only people hear of them."""

from typing import Final, cast

from shared.checks.check import Check, Finding, ok, warning
from shared.checks.run import look_at_each
from shared.doctor.context import DoctorContext, positions_of
from shared.model.kinds import Mode
from shared.model.settings import Tenant


def _can_restrain(context: DoctorContext) -> list[Finding]:
    """Name the permissions that restraining needs and that nobody granted by hand, where a detection restrains."""
    modes = context.control_state.modes
    unasked = [each.id for each in context.content.detections if each.contains and modes.get(each.id) is Mode.ENFORCE]
    if not unasked:
        return [ok("no detection restrains accounts unasked: that takes mode enforce set by its name")]
    return look_at_each(
        context.tenants(), lambda tenant: tenant.name, lambda tenant: _in_tenant(context, tenant, ", ".join(unasked))
    )


def _in_tenant(context: DoctorContext, tenant: Tenant, unasked: str) -> list[Finding]:
    held = frozenset(cast("list[str]", context.claims(tenant).get("roles", [])))
    lacking = [
        warning(
            f"{tenant.name}: to {act.does} an account needs {permission}, which the identity lacks; {unasked} would"
            " only page who it is",
            cure="Grant it by hand if you want that done unasked: docs/operate.md says what it allows.",
        )
        for act in context.runtime.account_acts
        if tenant.kind in act.tenants and act.is_urgent
        for permission in dict.fromkeys(str(each) for call in act.calls_by_hand for each in call.needs)
        if permission not in held
    ]
    return lacking or [ok(f"{tenant.name}: accounts behind {unasked} are restrained unasked")]


CHECKS: Final = (
    Check(
        id="restraints-possible",
        title="Accounts can be restrained where a detection is to do that unasked",
        cure="Until then people get the command.",
        reads=(positions_of,),
        run=_can_restrain,
    ),
)
