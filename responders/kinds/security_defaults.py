"""Security defaults: one switch by which everybody is asked for a second factor where no policy asks.

It is put back both ways. Switched on again it asks the emergency accounts too, so each of them must have a method to
answer with; what isn't known of that counts as no. Microsoft doesn't let it be on beside policies that are enabled, and
refuses it then. The permission is that for conditional access: Microsoft's page names it for this request as well.
"""

from collections.abc import Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds.json_leaves import Shape
from responders.kinds.registered_methods import GET_REGISTRATION, has_second_factor, registered_methods
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import AuditEvent, Event, Log, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, Objection, Op, Recorded
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_PATH: Final = "/policies/identitySecurityDefaultsEnforcementPolicy"
_READ: Final = (Permission.POLICY_READ,)
_WRITE: Final = (Permission.POLICY_READ, Permission.POLICY_WRITE_CONDITIONAL_ACCESS)

GET_SECURITY_DEFAULTS: Final = Call(method="GET", service=Service.GRAPH, path=_PATH, needs=_READ)
UPDATE_SECURITY_DEFAULTS: Final = Call(method="PATCH", service=Service.GRAPH, path=_PATH, needs=_WRITE)

ID: Final = "00000000-0000-0000-0000-000000000005"
"""The same in every tenant; records don't have it."""

ENABLED: Final = "isEnabled"
_NAME: Final = "Security defaults"
_ACTIVITY: Final = "update security defaults"
_SHAPE: Final = Shape()


def leaves(policy: Image) -> dict[str, Json]:
    """Split it: nothing but the switch can be changed."""
    return {EXISTS: True, ENABLED: policy.get(ENABLED) is True}


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say that somebody switched it; the record doesn't say which way."""
    if not isinstance(event, AuditEvent) or fold(event.outcome) != "success" or fold(event.activity) != _ACTIVITY:
        return ()
    return (Recorded(object_id=ID, name=_NAME, op=Op.UPDATE),)


def _read(api: TenantApi, _id: str) -> Image | None:
    return api.get(GET_SECURITY_DEFAULTS)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    policy = api.get(GET_SECURITY_DEFAULTS)
    return {} if policy is None else {ID: policy}


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """Emergency accounts that couldn't answer when they are asked for a second factor, each with the reason."""

    unable: Mapping[str, str] = {}


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    if facts.target.get(ENABLED) is not True:
        return Around()
    reasons = {each: _why_unable(api, each) for each in sorted(facts.emergency)}
    return Around(unable={each: because for each, because in reasons.items() if because})


def _why_unable(api: TenantApi, account: str) -> str:
    try:
        methods = registered_methods(api, account)
    except (EdgeError, BadIdentifier) as error:
        return f"which methods it has registered can't be read: {error}"
    return "" if has_second_factor(methods or ()) else "it is known to have no method to answer with"


def _objections(facts: GuardFacts) -> Objections:
    unable = cast("Around", facts.around).unable
    if not unable:
        return {}
    because = "; ".join(f"emergency account {account} would be asked for MFA: {why}" for account, why in unable.items())
    return {ENABLED: Objection(guard="emergency-sign-in", because=because, can_pass=True)}


def _write(api: TenantApi, write: Write) -> str:
    """Set the switch. Raises Rejected where policies that are enabled don't let it be on."""
    api.send(UPDATE_SECURITY_DEFAULTS, body={ENABLED: write.target[ENABLED]})
    return write.object_id


SECURITY_DEFAULTS: Final = Kind(
    kind=ObjectKind.SECURITY_DEFAULTS,
    title="security defaults",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(GET_SECURITY_DEFAULTS, UPDATE_SECURITY_DEFAULTS, GET_REGISTRATION),
    inventory=Inventory(
        kind=ObjectKind.SECURITY_DEFAULTS,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(GET_SECURITY_DEFAULTS,),
        read=_read_all,
    ),
    id_of=lambda _policy: ID,
    name_of=lambda _policy: _NAME,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset({_ACTIVITY}),
    recorded=_recorded,
    read=_read,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    limits=(
        "Nothing is lost. They aren't switched on where an emergency account may have no method to answer with, "
        "nor beside policies that are enabled, which Microsoft refuses."
    ),
    undo="Switch security defaults back to what they were, as the version before in the evidence container says.",
    read_probes=(ReadProbe(call=GET_SECURITY_DEFAULTS, kind=TenantKind.WORKFORCE, is_listing=False),),
)
