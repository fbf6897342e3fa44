"""Each read that the product makes, tried."""

from typing import Final

from shared.clients.calls import Service
from shared.doctor.each import look_at_each
from shared.doctor.findings import Check, Finding, failed, ok
from shared.doctor.ground import Ground
from shared.doctor.sources import LICENCE_CURE
from shared.doctor.trials import Ids, Trial
from shared.errors import Refused, Rejected
from shared.poll import NO_LICENCE
from shared.settings import Tenant

_ROLE: Final = "Deploy infra/main.bicep again with this subscription: it gives the identity its roles there."
_GRANT: Final = "infra/scripts/grant.sh grants it; a managed identity's token shows that after up to 24 hours."


def _tried(ground: Ground) -> list[Finding]:
    trials = [trial for trial in ground.content.trials if trial.is_needed(ground.settings)]
    pairs = [(trial, tenant) for trial in trials for tenant in ground.tenants(trial.kind)]
    return look_at_each(pairs, _name, lambda pair: _try(ground, *pair))


def _name(pair: tuple[Trial, Tenant]) -> str:
    trial, tenant = pair
    return f"{tenant.name}: {trial.call.method} {trial.call.path}"


def _try(ground: Ground, trial: Trial, tenant: Tenant) -> list[Finding]:
    edges = ground.edges(tenant)
    name, tried = _name((trial, tenant)), 0

    def read(ids: Ids) -> None:
        if trial.is_listing:
            query = {name: text.format(**ids) for name, text in trial.query.items()}
            edges.first_page(trial.call, query=query, **ids)
        else:
            edges.text(trial.call, **ids)

    try:
        for ids in trial.ids(edges):
            read(ids)
            tried += 1
    except (Refused, Rejected) as error:
        return [_what_it_says(trial, name, error)]
    return [ok(name if tried else f"{name}: nothing there to read yet")]


def _what_it_says(trial: Trial, name: str, error: Refused | Rejected) -> Finding:
    if trial.no_licence and trial.no_licence in str(error):
        return ok(f"{name}: the tenant has no licence for it, and so nothing there to read")
    if error.code == NO_LICENCE:
        return failed(f"{name}: {error}", cure=LICENCE_CURE)
    if isinstance(error, Refused):
        cure = _ROLE if trial.call.service is Service.ARM else _GRANT
        return failed(f"{name}: not allowed: {', '.join(error.needed) or 'no token'}; {error}", cure=cure)
    return failed(f"{name}: {error}")


CHECKS: Final = (
    Check(
        id="reads-allowed",
        title="Every read that the product makes works",
        cure="Check the ids in the settings and the answer's words; the service's own status page, where it is down.",
        run=_tried,
    ),
)
