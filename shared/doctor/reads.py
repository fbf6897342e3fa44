"""Tries each read that the product makes."""

from typing import Final

from shared.checks.check import Check, Finding, failed, ok, unknown
from shared.checks.run import look_at_each
from shared.doctor.context import DoctorContext, settings_of
from shared.doctor.sources import LICENCE_CURE
from shared.ingest.poll import NO_LICENCE
from shared.model.calls import Service
from shared.model.errors import Refused, Rejected
from shared.model.read_probes import Ids, ReadProbe
from shared.model.settings import Tenant

_ROLE: Final = "Deploy infra/main.bicep again with this subscription: it gives the identity its roles there."
_GRANT: Final = "infra/scripts/grant.sh grants it; a managed identity's token shows that after up to 24 hours."


def _each_read(context: DoctorContext) -> list[Finding]:
    read_probes = [probe for probe in context.content.read_probes if probe.is_needed(context.settings)]
    pairs = [(probe, tenant) for probe in read_probes for tenant in context.tenants(probe.kind)]
    return look_at_each(pairs, _name, lambda pair: _try(context, *pair))


def _name(pair: tuple[ReadProbe, Tenant]) -> str:
    probe, tenant = pair
    return f"{tenant.name}: {probe.call.method} {probe.call.path}"


def _try(context: DoctorContext, probe: ReadProbe, tenant: Tenant) -> list[Finding]:
    edges = context.edges(tenant)
    name, tried = _name((probe, tenant)), 0

    def read(ids: Ids) -> None:
        if probe.is_listing:
            query = {name: text.format(**ids) for name, text in probe.query.items()}
            edges.first_page(probe.call, query=query, **ids)
        else:
            edges.text(probe.call, **ids)

    try:
        for ids in probe.ids(edges):
            read(ids)
            tried += 1
    except (Refused, Rejected) as error:
        return [_refusal(probe, name, error)]
    return [ok(name if tried else f"{name}: nothing there to read yet")]


def _refusal(probe: ReadProbe, name: str, error: Refused | Rejected) -> Finding:
    if probe.no_licence and probe.no_licence in str(error):
        return ok(f"{name}: the tenant has no licence for it, and so nothing there to read")
    if error.code == NO_LICENCE:
        return failed(f"{name}: {error}", cure=LICENCE_CURE)
    if isinstance(error, Refused) and any(each.may_write for each in probe.call.needs):
        return unknown(f"{name}: Graph has no permission that only reads it, so that only tier act can; {error}")
    if isinstance(error, Refused):
        cure = _ROLE if probe.call.service is Service.ARM else _GRANT
        return failed(f"{name}: not allowed: {', '.join(error.needed) or 'no token'}; {error}", cure=cure)
    return failed(f"{name}: {error}")


CHECKS: Final = (
    Check(
        id="reads-allowed",
        title="Every read that the product makes works",
        cure="Read the answer, and check the ids in the settings; where the service is down, see its status page.",
        reads=(settings_of,),
        run=_each_read,
    ),
)
