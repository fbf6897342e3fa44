"""The doctor with this product's content."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from responders.calls import GET_ROLE_DEFINITION, GET_USER
from responders.catalogue import CATALOGUE
from responders.inventories import INVENTORIES
from responders.permissions import GRANTS
from responders.read_probes import READ_PROBES
from responders.remediations.role_assignments import LIST_ROLE_ASSIGNMENTS
from responders.rosters import ROSTERS
from responders.sigma_rules import rules_in
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.checks.findings import Report
from shared.checks.runner import examine
from shared.clients.web import PlainWeb
from shared.doctor.checks import CHECKS
from shared.doctor.context import Asked, Content, DoctorContext
from shared.doctor.tokens import claims_of_token
from shared.runtime import build_runtime, utc_now

CONTENT: Final = Content(
    detections=CATALOGUE,
    inventories=INVENTORIES,
    grants=GRANTS,
    read_probes=READ_PROBES,
    audit_log=AUDIT_LOG,
    sign_in_log=SIGN_IN_LOG,
    get_user=GET_USER,
    list_role_assignments=LIST_ROLE_ASSIGNMENTS,
    get_role_definition=GET_ROLE_DEFINITION,
)


def report_of(
    environment: Mapping[str, str],
    *,
    only: Collection[str] = (),
    pages: bool = False,
    since: datetime | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Report:
    """Examine the product as it stands with the settings in `environment`; `only` names checks to confine it to.

    `since` asks whether events were delivered after that instant.
    """
    rules = rules_in(environment.get("SIGMA_RULES", "").strip())
    detections = (*CATALOGUE, *rules.detections)
    with DoctorContext(
        environment=environment,
        content=dataclasses.replace(CONTENT, detections=detections, rules=rules),
        connect=lambda settings: build_runtime(
            settings, detections, INVENTORIES, ROSTERS, environment=environment, clock=clock
        ),
        claims_of=claims_of_token,
        web=PlainWeb(),
        clock=clock,
        asked=Asked(pages=pages, since=since),
    ) as context:
        return examine([check for check in CHECKS if not only or check.id in only], context)
