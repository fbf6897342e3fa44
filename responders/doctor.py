"""The doctor with this product's content: every check, what the checks need to know, and how a report is made."""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from responders import content, permissions
from responders.catalogue import CATALOGUE
from responders.kinds.principals import GET_USER
from responders.kinds.role_assignments import LIST_ROLE_ASSIGNMENTS
from responders.read_probes import READ_PROBES
from responders.rosters import GET_ROLE_DEFINITION
from responders.sigma_rules import rules_in
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.checks.check import Check, Report, Unread
from shared.checks.run import run_checks
from shared.clients.web import PlainWeb
from shared.doctor import (
    baselines,
    certificate,
    channels,
    identity,
    people,
    reads,
    restraints,
    running,
    sigma_rules,
    sources,
    storage,
)
from shared.doctor.context import JUST_LOOK, Asked, Content, DoctorContext
from shared.ingest.coverage import LostPermission
from shared.model.errors import EdgeError, Refused
from shared.model.permissions import Grant
from shared.runtime import build_runtime, utc_now

CHECKS: Final[tuple[Check[DoctorContext], ...]] = (
    *storage.CHECKS,
    *identity.CHECKS,
    *certificate.CHECKS,
    *reads.CHECKS,
    *sources.CHECKS,
    *baselines.CHECKS,
    *channels.CHECKS,
    *people.CHECKS,
    *restraints.CHECKS,
    *sigma_rules.CHECKS,
    *running.CHECKS,
)
"""Every check, after those whose subject it needs."""

CONTENT: Final = Content(
    detections=CATALOGUE,
    kinds=content.KINDS,
    grants=permissions.GRANTS,
    by_hand=frozenset(str(permission) for call in permissions.BY_HAND for permission in call.needs),
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
    """Check the installation whose settings are in `environment`; `only` are the ids of the checks to run, () for all.

    `pages` sends a page marked as a test over each channel. `since` asks whether events came after that instant.
    """
    with _context(environment, clock, Asked(pages=pages, since=since)) as context:
        return run_checks([check for check in CHECKS if not only or check.id in only], context)


def lost_permissions(
    environment: Mapping[str, str], *, clock: Callable[[], datetime] = utc_now
) -> tuple[Sequence[LostPermission], str]:
    """Give the permissions that the identity should have and hasn't, and why that can't be said of all of them."""
    with _context(environment, clock, JUST_LOOK) as context:
        return lost_in(context)


def lost_in(context: DoctorContext) -> tuple[Sequence[LostPermission], str]:
    """Give the same of a context."""
    lost: list[LostPermission] = []
    problems: list[str] = []

    def look(where: str, read: Callable[[], Sequence[Grant]]) -> None:
        try:
            found = [(str(grant.permission), grant.needed_by) for grant in read()]
        except Refused as refused:
            problems.append(str(refused))
            found = [(permission, ("the look at what is missing",)) for permission in refused.needed]
        except (Unread, EdgeError) as error:
            problems.append(str(error))
            return
        lost.extend(LostPermission(where=where, permission=one, needed_by=needed_by) for one, needed_by in found)

    try:
        tenants = context.tenants()
    except Unread as unread:
        return [], str(unread)
    for tenant in tenants:
        look(tenant.name, partial(identity.lost_in_graph, context, tenant))
        for subscription in sorted(tenant.subscriptions):
            look(f"subscription {subscription}", partial(identity.lost_in_azure, context, tenant, subscription))
    return lost, "; ".join(problems)


def _context(environment: Mapping[str, str], clock: Callable[[], datetime], asked: Asked) -> DoctorContext:
    rules = rules_in(environment.get("SIGMA_RULES", "").strip())
    detections = (*CATALOGUE, *rules.detections)
    return DoctorContext(
        environment=environment,
        content=copy.replace(CONTENT, detections=detections, rules=rules),
        connect=lambda settings: build_runtime(
            settings,
            copy.replace(content.CONTENT, detections=detections),
            environment=environment,
            clock=clock,
        ),
        claims_of=identity.claims_of_token,
        web=PlainWeb(),
        clock=clock,
        asked=asked,
    )


def instant_from(text: str) -> datetime | None:
    """Read an instant in ISO 8601, in UTC; None where it is none or names no offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)
