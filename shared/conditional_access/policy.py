"""A conditional access policy, read from Graph's JSON in the words of v1.0 or beta."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from msgspec import Struct

from shared.conditional_access.conditions import Platforms, Words
from shared.conditional_access.controls import BLOCK, GrantControls, SessionControls
from shared.conditional_access.device_filter import Devices
from shared.conditional_access.locations import Locations
from shared.conditional_access.sections import Unread, folded, section, words
from shared.conditional_access.targets import Applications
from shared.conditional_access.truth import Truth
from shared.conditional_access.users import Users, Workloads

REPORT_ONLY: Final = "enabledforreportingbutnotenforced"
_ENFORCED: Final = {"enabled": Truth.YES, REPORT_ONLY: Truth.NO, "disabled": Truth.NO}
_WITHOUT_EFFECT: Final = frozenset(
    {"id", "displayName", "description", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"}
)
_CONTENT: Final = frozenset({"state", "conditions", "grantControls", "sessionControls", "partialEnablementStrategy"})
_CONDITIONS: Final = frozenset(
    {
        "users",
        "clientApplications",
        "applications",
        "platforms",
        "locations",
        "clientAppTypes",
        "devices",
        "signInRiskLevels",
        "userRiskLevels",
        "insiderRiskLevels",
        "servicePrincipalRiskLevels",
        "agentIdRiskLevels",
        "authenticationFlows",
    }
)


class Policy(Struct, frozen=True, kw_only=True):
    """A policy; None for a section that isn't configured, `Unread` for one that isn't understood."""

    id: str
    name: str
    state: str
    enforced: Truth
    users: Users | Unread
    workloads: Workloads | Unread | None = None
    applications: Applications | Unread
    platforms: Platforms | Unread | None = None
    locations: Locations | Unread | None = None
    clients: Words = frozenset()
    devices: Devices | Unread | None = None
    sign_in_risks: Words = frozenset()
    user_risks: Words = frozenset()
    insider_risks: Words = frozenset()
    service_principal_risks: Words = frozenset()
    agent_risks: Words = frozenset()
    flows: Words = frozenset()
    strangers: tuple[str, ...] = ()
    """What in the policy isn't known and could be a condition."""
    grant: GrantControls | Unread | None = None
    session: SessionControls | Unread | None = None

    @property
    def is_off(self) -> bool:
        """Whether it isn't even evaluated."""
        return self.state == "disabled"

    @property
    def blocks(self) -> bool:
        """Whether it blocks whom it applies to."""
        return isinstance(self.grant, GrantControls) and BLOCK in self.grant.built_in_controls


def read_policy(image: object) -> Policy:
    """Read a policy. Nothing raises: a part that can't be read or isn't known makes its own section unread."""
    if not isinstance(image, Mapping):
        nothing = Unread("the policy isn't an object")
        return Policy(
            id="", name="", state="", enforced=Truth.UNKNOWN, users=nothing, applications=nothing, grant=nothing
        )
    original = cast("Mapping[str, Any]", image)
    values = cast("dict[str, Any]", folded(original))
    conditions, strangers = _conditions(values.get("conditions"))
    state = values.get("state")
    enforced = _ENFORCED.get(state, Truth.UNKNOWN) if isinstance(state, str) else Truth.UNKNOWN
    if enforced is Truth.YES and "partialEnablementStrategy" in values:
        enforced = Truth.UNKNOWN
    return Policy(
        id=str(values.get("id", "")),
        name=str(original.get("displayName") or ""),
        state=state if isinstance(state, str) else "",
        enforced=enforced,
        users=section(Users, conditions.get("users", {}), "users") or Users(),
        workloads=section(Workloads, conditions.get("clientApplications"), "client applications"),
        applications=section(Applications, conditions.get("applications", {}), "applications") or Applications(),
        platforms=section(Platforms, conditions.get("platforms"), "platforms"),
        locations=section(Locations, conditions.get("locations"), "locations"),
        clients=words(conditions.get("clientAppTypes"), "client apps"),
        devices=section(Devices, conditions.get("devices"), "devices"),
        sign_in_risks=words(conditions.get("signInRiskLevels"), "sign-in risk levels"),
        user_risks=words(conditions.get("userRiskLevels"), "user risk levels"),
        insider_risks=words(conditions.get("insiderRiskLevels"), "insider risk levels"),
        service_principal_risks=words(conditions.get("servicePrincipalRiskLevels"), "service principal risk levels"),
        agent_risks=words(conditions.get("agentIdRiskLevels"), "agent risk levels"),
        flows=_flows(conditions.get("authenticationFlows")),
        strangers=(*_unknown(values, _WITHOUT_EFFECT | _CONTENT), *strangers),
        grant=section(GrantControls, values.get("grantControls"), "grant controls"),
        session=section(SessionControls, values.get("sessionControls"), "session controls"),
    )


def _conditions(value: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    if value is None:
        return {}, ()
    if not isinstance(value, dict):
        return {}, ("conditions that aren't an object",)
    conditions = cast("dict[str, Any]", value)
    return conditions, tuple(_unknown(conditions, _CONDITIONS))


def _unknown(values: Mapping[str, object], known: frozenset[str]) -> Iterable[str]:
    return (f"the property {key}" for key, value in values.items() if key not in known and value != [])


class _Flows(Struct, frozen=True, rename="camel"):
    transfer_methods: str | frozenset[str] = frozenset()


def _flows(value: object) -> Words:
    flows = section(_Flows, value, "authentication flows")
    if flows is None or isinstance(flows, Unread):
        return flows or frozenset()
    if isinstance(flows.transfer_methods, str):
        return words(flows.transfer_methods, "authentication flows")
    return flows.transfer_methods
