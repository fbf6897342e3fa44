"""What people have accepted of guarded objects, and whether the app would notice that somebody else changed it."""

from typing import Final

from shared.checks.check import Check, Finding, failed, ok, unknown, warning
from shared.checks.run import look_at_each
from shared.doctor.context import DoctorContext, runtime_of, settings_of
from shared.ingest.coverage import only_read_by
from shared.model.object_kinds import Kind
from shared.model.objects import SCHEMA
from shared.model.settings import Tenant
from shared.objects.object_store import ObjectList
from shared.respond.sweep import may_be_unread, swept_at


def _accepted(context: DoctorContext) -> list[Finding]:
    def look(place: tuple[Kind, Tenant]) -> list[Finding]:
        return [_accepted_at(context, *place)]

    places = [(each, tenant) for each in context.content.kinds for tenant in context.tenants(each.tenant_kind)]
    return look_at_each(places, lambda place: _name(*place), look)


def _accepted_at(context: DoctorContext, kind: Kind, tenant: Tenant) -> Finding:
    """Count the objects of a kind on the list of those that nobody accepted, by the index of all."""
    name = _name(kind, tenant)
    known = [*context.runtime.objects.seen(tenant.id, kind.kind)]
    unread = [one for one in known if not 0 < one.schema <= SCHEMA]
    if unread:
        return unknown(f"{name}: {len(unread)} of {len(known)} rows were written by newer code or can't be read")
    at = swept_at(context.storage, tenant.id, kind.kind)
    if kind.inventory.is_by_hand and may_be_unread(kind, at):
        return ok(f"{name}: off; {only_read_by(kind)}")
    if at is None:
        return unknown(f"{name}: not every object has been read so far", cure=_NOT_SWEPT)
    waiting = sum(ObjectList.UNACCEPTED in one.lists for one in known)
    if waiting:
        return warning(f"{name}: nobody has accepted {waiting} of {len(known)}; {_ONLY}")
    return ok(f"{name}: all {len(known)} are accepted" if known else f"{name}: there is none")


def _signed(context: DoctorContext) -> list[Finding]:
    """Say whether the app signs what it stores about objects."""
    if unresolved := context.settings.unresolved_of("STATE_KEYS"):
        return [failed(f"nothing about guarded objects can be decided: {unresolved.message}", cure=unresolved.cure)]
    if not context.settings.state_keys:
        return [warning("the app has no key of its own: whoever can write to storage can change any baseline")]
    return [ok("what is stored about objects is believed only as the app signed it")]


def _name(kind: Kind, tenant: Tenant) -> str:
    return f"{tenant.name}, {kind.kind}"


_ONLY: Final = "of these only what approved actors wrote since is ever written back"
_NOT_SWEPT: Final = "See snapshots-fresh: what hasn't been read can't be shown to anybody, and so can't be accepted."

CHECKS: Final = (
    Check(
        id="baseline-accepted",
        title="People have accepted how guarded objects are to be",
        cure="`responder baseline show` lists them. Look through each, then: responder baseline show --json >"
        " baseline.json; responder baseline accept --listing baseline.json --reason TICKET",
        reads=(runtime_of,),
        run=_accepted,
    ),
    Check(
        id="baselines-signed",
        title="What is stored about guarded objects is signed by the app",
        cure="Give the app a key: docs/operate.md, *The app's own key*.",
        reads=(settings_of,),
        run=_signed,
    ),
)
