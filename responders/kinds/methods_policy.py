"""The authentication methods policy: which methods people may register, and sign in with.

It is one object with a leaf for each property of each method's configuration; records don't say which were changed.
A method is put back by its own configuration alone. Where that takes a method from people, or from some of them, each
emergency account must have another one that stays and that everybody may use: what isn't known of that counts as no.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds.json_leaves import Shape, cleared, joined
from responders.kinds.registered_methods import GET_REGISTRATION, configured_by, registered_methods
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import AuditEvent, Event, Log, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, Leaves, Objection, Op, Recorded, property_of
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_PATH: Final = "/policies/authenticationMethodsPolicy"

GET_METHODS_POLICY: Final = Call(method="GET", service=Service.GRAPH, path=_PATH, needs=(Permission.POLICY_READ,))
UPDATE_METHODS_POLICY: Final = Call(
    method="PATCH", service=Service.GRAPH, path=_PATH, needs=(Permission.METHODS_POLICY_WRITE,)
)
CONFIGURE_METHOD: Final = Call(
    method="PATCH",
    service=Service.GRAPH,
    path=f"{_PATH}/authenticationMethodConfigurations/{{authentication_method}}",
    needs=(Permission.METHODS_POLICY_WRITE,),
)

ID: Final = "authenticationmethodspolicy"
_NAME: Final = "Authentication methods policy"
_ACTIVITIES: Final = frozenset({"authentication methods policy update", "authentication methods policy reset"})
_CONFIGURATIONS: Final = "authenticationMethodConfigurations"
_TYPE: Final = "@odata.type"
_ENFORCEMENT: Final = "registrationEnforcement"
_STATE: Final = "state"
_ENABLED: Final = "enabled"
_ALL_USERS: Final = "all_users"
_LEFT_OUT: Final = frozenset(
    {"id", "displayName", "description", "lastModifiedDateTime", "policyVersion", "reconfirmationInDays"}
)


def leaves(policy: Image) -> dict[str, Json]:
    """Split it: `<method>.<property>` for each configuration, and what else the policy has."""
    methods = {str(each["id"]): _properties(each) for each in policy.get(_CONFIGURATIONS) or ()}
    rest = {name: value for name, value in policy.items() if name not in {*_LEFT_OUT, _CONFIGURATIONS}}
    return Shape(containers=frozenset(methods)).split(rest | methods)


def _properties(configuration: Image) -> Image:
    return {name: value for name, value in configuration.items() if name not in {"id", _TYPE}}


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say that somebody changed it; the record doesn't say what."""
    if not isinstance(event, AuditEvent) or fold(event.outcome) != "success" or fold(event.activity) not in _ACTIVITIES:
        return ()
    return (Recorded(object_id=ID, name=_NAME, op=Op.UPDATE),)


def _read(api: TenantApi, _id: str) -> Image | None:
    return api.get(GET_METHODS_POLICY)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    policy = api.get(GET_METHODS_POLICY)
    return {} if policy is None else {ID: policy}


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """The registered methods of emergency accounts that would be left with none, or of which that isn't known."""

    unable: Mapping[str, str] = {}


def _methods_in(leaves_: Iterable[str]) -> set[str]:
    """Name the methods whose configuration some leaves are of."""
    return {property_of(leaf) for leaf in leaves_ if "." in leaf and property_of(leaf) != _ENFORCEMENT}


def _staying(facts: GuardFacts) -> frozenset[str]:
    """Name the methods that are on for everybody and that nobody loses: they don't change, or are only switched on."""
    changed = {leaf for leaf in facts.steps if facts.target.get(leaf) != _ENABLED or not leaf.endswith(f".{_STATE}")}
    on = {
        property_of(leaf) for leaf, value in facts.target.items() if leaf.endswith(f".{_STATE}") and value == _ENABLED
    }
    return frozenset(each for each in on - _methods_in(changed) if _is_for_everybody(facts.target, each))


def _is_for_everybody(target: Leaves, method: str) -> bool:
    """Whether a method includes all users and excludes none: who is in a group isn't asked."""
    included = cast("list[Image]", target.get(f"{method}.includeTargets") or [])
    ids = {str(each.get("id")).lower() for each in included}
    return _ALL_USERS in ids and not target.get(f"{method}.excludeTargets")


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    staying = _staying(facts)
    if not _methods_in(facts.steps) - staying:
        return Around()
    reasons = {each: _why_unable(api, each, staying) for each in sorted(facts.emergency)}
    return Around(unable={each: because for each, because in reasons.items() if because})


def _why_unable(api: TenantApi, account: str, staying: frozenset[str]) -> str:
    try:
        methods = registered_methods(api, account)
    except (EdgeError, BadIdentifier) as error:
        return f"which methods it has registered can't be read: {error}"
    if methods is None:
        return "the report doesn't say which methods it has registered"
    return "" if configured_by(methods) & staying else f"it has none that would stay as it is: {', '.join(methods)}"


def _objections(facts: GuardFacts) -> Objections:
    unable = cast("Around", facts.around).unable
    because = "; ".join(f"emergency account {account} may be kept out: {why}" for account, why in unable.items())
    kept = _methods_in(facts.steps) - _staying(facts) if unable else set[str]()
    sign_in = {
        leaf: Objection(guard="emergency-sign-in", because=because, can_pass=True)
        for leaf in facts.steps
        if property_of(leaf) in kept
    }
    fixed = [leaf for leaf in facts.steps if "." not in leaf and leaf not in {EXISTS, _ENFORCEMENT}]
    words = "the responder doesn't write {}: it belongs to Microsoft's migration of methods"
    return sign_in | {
        leaf: Objection(guard="not-writable", because=words.format(leaf), can_pass=False) for leaf in fixed
    }


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Write what differs, one request a method; one that fails keeps none of the others back.

    Methods that are only switched on go first: where one of them fails, none is taken away, since an emergency account
    may have nothing but that one.

    Raises:
        EdgeError: the first request that failed, after those beside it were sent; reading again tells what stands.
    """
    standing = write.stands or {}
    by_method = {str(each["id"]): each for each in standing.get(_CONFIGURATIONS) or ()}
    wanted = joined(write.target)
    methods = sorted(_methods_in(write.steps) & by_method.keys())
    bodies = {method: _body(method, write.steps, wanted, by_method[method]) for method in methods}
    given = {method: body for method, body in bodies.items() if body.keys() <= {_TYPE, _STATE}}
    given = {method: body for method, body in given.items() if body[_STATE] == _ENABLED}
    if failed := _configure(api, given):
        raise failed
    failed = _configure(api, {method: body for method, body in bodies.items() if method not in given})
    if any(property_of(leaf) == _ENFORCEMENT for leaf in write.steps):
        body = {_ENFORCEMENT: cleared(wanted.get(_ENFORCEMENT), standing.get(_ENFORCEMENT))}
        api.send(UPDATE_METHODS_POLICY, body=body)
    if failed:
        raise failed
    return write.object_id


def _configure(api: TenantApi, bodies: Mapping[str, Image]) -> EdgeError | None:
    """Send all of them; gives the first failure, None where there was none."""
    failed: EdgeError | None = None
    for method, body in bodies.items():
        try:
            api.send(CONFIGURE_METHOD, body=body, authentication_method=method)
        except EdgeError as error:
            failed = failed or error
    return failed


def _body(method: str, steps: Iterable[str], wanted: Image, standing: Image) -> Image:
    names = {leaf.partition(".")[2].partition("[")[0] for leaf in steps if property_of(leaf) == method}
    values = cast("Image", wanted.get(method) or {})
    body: Image = {
        name: values.get(name, [] if isinstance(standing.get(name), list) else None) for name in sorted(names)
    }
    return {_TYPE: standing.get(_TYPE), **body}


METHODS_POLICY: Final = Kind(
    kind=ObjectKind.METHODS_POLICY,
    title="authentication methods policy",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=Shape().same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(GET_METHODS_POLICY, UPDATE_METHODS_POLICY, CONFIGURE_METHOD, GET_REGISTRATION),
    inventory=Inventory(
        kind=ObjectKind.METHODS_POLICY, tenant_kind=TenantKind.WORKFORCE, calls=(GET_METHODS_POLICY,), read=_read_all
    ),
    id_of=lambda _policy: ID,
    name_of=lambda _policy: _NAME,
    leaves=leaves,
    log=Log.AUDIT,
    activities=_ACTIVITIES,
    recorded=_recorded,
    read=_read,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    limits=(
        "The state of Microsoft's migration of methods is left to people, and so is each method that an emergency "
        "account may be left without."
    ),
    undo="Set the methods' configurations back to those of the version before, which the evidence container holds.",
    read_probes=(ReadProbe(call=GET_METHODS_POLICY, kind=TenantKind.WORKFORCE, is_listing=False),),
)
