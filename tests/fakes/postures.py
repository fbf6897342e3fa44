"""A tenant that passes every posture check, as it is read; a test changes the part that it is about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from infra.local.world import ALICE, BREAK_GLASS_1, BREAK_GLASS_2, CAROL, MALLORY, RELEASE_PIPELINE, SUBSCRIPTION
from responders.kinds.ca_context import CaContext
from responders.posture import (
    accounts,
    app_permissions,
    azure,
    devices,
    directory,
    governance,
    installation,
    reports,
    rights,
    roles,
    sign_in_policies,
    units,
)
from responders.posture.accounts import Person, Workload
from responders.posture.app_permissions import Powerful
from responders.posture.declared import DECLARED
from responders.posture.devices import Registration
from responders.posture.directory import Organization
from responders.posture.governance import Review
from responders.posture.reports import Failures, Score
from responders.posture.roles import PRIVILEGED_ROLE_ADMINISTRATOR, Activation, Held, Holder
from shared.authority.owners import NamedOwner
from shared.checks.check import Unread
from shared.checks.posture import Category, Decision, Posture, judged
from shared.checks.snapshot import Part, Snapshot
from shared.conditional_access.account import Memberships, Principal
from shared.conditional_access.truth import Truth
from shared.emergency.store import Listed
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.runtime import approval, settings_with

AT: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
EMERGENCY: Final = (BREAK_GLASS_1.id, BREAK_GLASS_2.id)
ADMINS: Final = (ALICE.id, CAROL.id)
_LONG_AGO: Final = AT - timedelta(days=700)
_YESTERDAY: Final = AT - timedelta(days=1)


def person(identity: str, called: str, /, **differences: Any) -> Person:  # noqa: ANN401 - the fields of a person
    fields: dict[str, Any] = {
        "id": identity,
        "name": called,
        "is_enabled": True,
        "is_synced": False,
        "is_guest": False,
        "is_microsoft_account": False,
        "is_consumer": False,
        "has_mailbox": False,
        "password_changed": _YESTERDAY,
        "created": _LONG_AGO,
    }
    return Person(**fields | differences)


def people(**differences: Any) -> Mapping[str, Person]:  # noqa: ANN401 - of the first administrator
    """Give the emergency accounts and two administrators, of whom the first may be otherwise."""
    found = [person(each.id, str(each.upn)) for each in (BREAK_GLASS_1, BREAK_GLASS_2, CAROL)]
    return {each.id: each for each in [*found, person(ALICE.id, str(ALICE.upn), **differences)]}


def emergency(**differences: Any) -> Mapping[str, Person]:  # noqa: ANN401 - of the first emergency account
    changed = person(BREAK_GLASS_1.id, str(BREAK_GLASS_1.upn), **differences)
    return {**people(), changed.id: changed}


def activation(role: str, **differences: Any) -> Activation:  # noqa: ANN401 - the fields of an activation
    fields: dict[str, Any] = {
        "role": role,
        "asks_for_mfa": True,
        "asks_for_reason": True,
        "asks_for_approval": True,
        "tells_administrators": True,
        "longest": timedelta(hours=8),
    }
    return Activation(**fields | differences)


def policy(called: str, /, **differences: Any) -> Image:  # noqa: ANN401 - parts of a policy
    """Give an enabled policy that asks everybody but the emergency accounts for MFA, everywhere."""
    conditions = {
        "clientAppTypes": differences.pop("clients", ["all"]),
        "applications": {"includeApplications": ["All"]},
        "users": {"includeUsers": ["All"], "excludeUsers": [*EMERGENCY]} | differences.pop("users", {}),
        **differences.pop("conditions", {}),
    }
    controls = {"operator": "OR", "builtInControls": differences.pop("controls", ["mfa"])}
    whole: Image = {"id": called, "displayName": called, "state": "enabled", "conditions": conditions}
    return whole | {"grantControls": controls} | differences


MFA: Final = policy("mfa")
LEGACY: Final = policy("legacy", clients=["exchangeActiveSync", "other"], controls=["block"])
SIGN_IN_RISK: Final = policy("risky sign-ins", conditions={"signInRiskLevels": ["high"]})
USER_RISK: Final = policy("risky users", conditions={"userRiskLevels": ["high"]}, controls=["passwordChange", "mfa"])


def policies(*images: Image, unread: tuple[str, ...] = ()) -> CaContext:
    """Give policies as they are read; groups and roles of accounts in `unread` aren't known."""
    return CaContext(
        policies={str(each["id"]): each for each in images},
        locations={},
        strengths={},
        groups=frozenset(),
        accounts=tuple(
            Principal(
                id=each,
                groups=Memberships(outside=frozenset()) if each in unread else Memberships(),
                roles=Memberships(outside=frozenset()) if each in unread else Memberships(),
                enabled=Truth.YES,
                key_allowed=Truth.YES,
            )
            for each in (*EMERGENCY, *ADMINS)
        ),
    )


def holders(*others: Holder) -> Mapping[str, Holder]:
    """Give two administrators, with an application and others."""
    top = frozenset({GLOBAL_ADMINISTRATOR})
    nothing = frozenset[str]()
    found = [
        Holder(id=ALICE.id, active=top, eligible=nothing),
        Holder(id=CAROL.id, active=nothing, eligible=top),
        Holder(id=RELEASE_PIPELINE.id, active=frozenset({PRIVILEGED_ROLE_ADMINISTRATOR}), eligible=nothing),
        *(Holder(id=each, active=top, eligible=nothing) for each in EMERGENCY),
        *others,
    ]
    return {each.id: each for each in found}


def workload(**differences: Any) -> Workload:  # noqa: ANN401 - the fields of a workload
    fields: dict[str, Any] = {
        "id": RELEASE_PIPELINE.id,
        "name": "Release pipeline",
        "is_managed": False,
        "secrets": ((_YESTERDAY, AT + timedelta(days=90)),),
    }
    return Workload(**fields | differences)


def owner(name: str, *, scope: str = "*", order: str = "001", upn: str = "someone@contoso.com") -> NamedOwner:
    return NamedOwner(scope=scope, order=order, name=name, upn=upn)


def review(**differences: Any) -> Review:  # noqa: ANN401 - the fields of a review
    fields: dict[str, Any] = {
        "name": "Administrators",
        "roles": frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR}),
        "made": _LONG_AGO,
        "again": timedelta(days=93),
        "until": None,
    }
    return Review(**fields | differences)


def registration(**differences: bool) -> Registration:
    fields = {"may_join": True, "global_administrators": False, "everybody": False, "passwords_managed": True}
    return Registration(**fields | differences)


def scores(now: float, before: float) -> list[Score]:
    """Give a score and that of a month before, of a hundred."""
    return [Score(at=_YESTERDAY, points=now, most=100), Score(at=AT - timedelta(days=31), points=before, most=100)]


PROTECTED: Final = policy(
    "protected", conditions={"applications": {"includeAuthenticationContextClassReferences": ["c1"]}}
)


def healthy() -> dict[Part[Any], Any]:
    """Give all parts of a tenant that passes every check."""
    return {
        roles.ROLE_NAMES: {GLOBAL_ADMINISTRATOR: "Global Administrator"},
        roles.CUSTOM_ROLES: frozenset[str](),
        roles.ASSIGNMENTS: [Held(principal=each, role=GLOBAL_ADMINISTRATOR) for each in EMERGENCY],
        roles.ELIGIBILITIES: [],
        roles.ASSIGNED: [Held(principal=each, role=GLOBAL_ADMINISTRATOR) for each in EMERGENCY],
        roles.HOLDERS: holders(),
        roles.ACTIVATIONS: [activation(GLOBAL_ADMINISTRATOR), activation(PRIVILEGED_ROLE_ADMINISTRATOR)],
        accounts.PEOPLE: people(),
        accounts.SIGN_INS: dict.fromkeys((*EMERGENCY, *ADMINS), _YESTERDAY),
        accounts.REGISTRATIONS: dict.fromkeys((*EMERGENCY, *ADMINS), ("microsoftAuthenticatorPush",)),
        accounts.WORKLOADS: [workload()],
        accounts.SORTED: dict.fromkeys(ADMINS, Category.ADMIN_ONLY),
        sign_in_policies.POLICIES: policies(MFA, LEGACY, SIGN_IN_RISK, USER_RISK, PROTECTED),
        sign_in_policies.DEFAULTS: False,
        sign_in_policies.LEFT_OUT: {"Emergency access": True},
        azure.OWNERS_OF_SUBSCRIPTIONS: {SUBSCRIPTION: ["one", "two"]},
        azure.EXPORTS: {SUBSCRIPTION: ["to the workspace"]},
        directory.ORGANIZATION: Organization(is_synced=True, contacts=("it@contoso.com",)),
        directory.HASH_SYNC: True,
        installation.OWNERS: [owner("Ann"), owner("Bea", order="002")],
        installation.APPROVALS: [("conditional-access", ALICE.id, approval(ALICE))],
        governance.REVIEWS: [review()],
        governance.ALERTS: {},
        governance.ACTIONS: dict.fromkeys(map(str.lower, governance.MUST_BE_PROTECTED), "c1"),
        reports.SCORES: scores(50, 48),
        reports.FAILURES: Failures(by_application={}),
        devices.REGISTRATION: registration(),
        units.UNITS: {"Emergency": frozenset(EMERGENCY)},
        app_permissions.POWERFUL: {ALICE.id: Powerful(id=ALICE.id, name="Pipeline", permissions=frozenset({"x"}))},
        rights.FACTS: rights.Facts(assigned=[Held(principal=each, role=GLOBAL_ADMINISTRATOR) for each in EMERGENCY]),
        installation.DRILLS: [Listed(id="d" * 32, drill=True, declared_at=AT - timedelta(days=30))],
    }


def snapshot(changes: Mapping[Part[Any], Any] | None = None, *, settings: Mapping[str, str] | None = None) -> Snapshot:
    """Give a snapshot of it, with some parts otherwise, or Unread."""
    made = settings_with(**settings or {})
    parts = {part.id: value for part, value in {**healthy(), **(changes or {})}.items()}
    return Snapshot(tenant=made.workforce, settings=made, at=AT, parts=parts)


def poor(at: datetime, *, name: str = "Contoso", mallory: str = "mallory@contoso.com") -> Posture:
    """Give the posture of a tenant in which checks pass, fail, are accepted, don't apply and couldn't be read.

    `mallory` is who could undo the responder; `at` is the instant of the look.
    """
    top = Held(principal=MALLORY.id, role=GLOBAL_ADMINISTRATOR)
    seen = snapshot(
        {
            accounts.PEOPLE: people(has_mailbox=True),
            sign_in_policies.POLICIES: policies(LEGACY),
            reports.SCORES: Unread("403 from Microsoft Graph: needs SecurityEvents.Read.All"),
            reports.FAILURES: None,
            installation.OWNERS: [owner("Ann")],
            rights.FACTS: rights.Facts(
                assigned=[top],
                role_names={GLOBAL_ADMINISTRATOR: "Global Administrator"},
                names={MALLORY.id: mallory},
            ),
        }
    )
    decision = Decision(by="Bea", at=AT, until=AT + timedelta(days=60), reason="CHG-77")
    posture = judged(
        DECLARED.checks,
        DECLARED.items,
        seen,
        confirmed={"risk-assessed": decision},
        accepted={"incident-owners-set": decision},
    )
    return msgspec.structs.replace(posture, tenant=name, at=at)
