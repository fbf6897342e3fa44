"""The identity that the product works under: whose it is, and whether it may do what the declared calls need."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shared.checks.check import Check, Finding, Unread, failed, ok, warning
from shared.checks.run import look_at_each
from shared.clients.credentials import LazyCredential
from shared.doctor.context import DoctorContext, settings_of
from shared.model.errors import Refused
from shared.model.kinds import Mode, TenantKind
from shared.model.permissions import Grant, Tier
from shared.model.settings import Settings, Tenant

# Tokens. Nothing is verified here: the services do that.

_NOT_THE_APP: Final = (
    "Only the app has its identity: ask the app itself, with `responder doctor --app https://HOST`."
    " In the app: assign the identity to it (infra/main.bicep) and set WORKFORCE_CLIENT_ID to its client id."
)
_CERTIFICATE: Final = (
    "B2C_CERTIFICATE should hold the PFX or PEM file with its key, in base64, and the registration B2C_CLIENT_ID its"
    " certificate: infra/scripts/grant.sh --b2c."
)


def claims_of_token(settings: Settings, tenant: Tenant) -> Mapping[str, Any]:
    """Get a token for Graph as the app does, and give its claims.

    Raises:
        Unread: there is no token, or it isn't one that can be looked into.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - imported on first use, start-up is a feature

    cure = _CERTIFICATE if tenant.kind is TenantKind.B2C else _NOT_THE_APP
    try:
        token = LazyCredential(settings, tenant).get_token(f"{settings.graph_audience}/.default").token
    except AzureError as error:
        raise Unread(f"no token for Graph in {tenant.name}: {error.message}"[:600], cure=cure) from error
    except Refused as refused:
        raise Unread(f"no token for Graph in {tenant.name}: {refused}", cure=cure) from refused
    return claims_from(token)


def claims_from(token: str) -> Mapping[str, Any]:
    """Read the claims of a JSON web token.

    Raises:
        Unread: it is no such token.
    """
    try:
        payload = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=dict[str, Any])
    except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unread("the token for Graph isn't one that can be looked into") from error


def _name(tenant: Tenant) -> str:
    return tenant.name


def _tokens(context: DoctorContext) -> list[Finding]:
    return look_at_each(context.tenants(), _name, lambda tenant: _token(context, tenant))


def _token(context: DoctorContext, tenant: Tenant) -> list[Finding]:
    """Compare whose token it is with the settings. The product recognises its own changes by the object id."""
    claims = context.claims(tenant)
    prefix = "B2C" if tenant.kind is TenantKind.B2C else "WORKFORCE"
    expected = (
        ("tid", "tenant", tenant.id, f"{prefix}_TENANT_ID"),
        ("oid", "identity", tenant.responder_id, f"{prefix}_RESPONDER_ID"),
    )
    wrong = [
        failed(
            f"{tenant.name}: the token is of the {what} {held or '(none)'}, but {setting} is {wanted}",
            cure=_other_identity(setting, held),
        )
        for claim, what, wanted, setting in expected
        if (held := str(claims.get(claim, "")).lower()) != wanted
    ]
    return wrong or [ok(f"{tenant.name}: the app gets a token for Graph, as {tenant.responder_id}")]


def _other_identity(setting: str, held: str) -> str:
    rename = f"Set {setting} to {held}, if that is the responder's own; else give" if held else "Give"
    return f"{rename} the app the right identity. Until then it takes its own changes for somebody else's."


def _permissions(context: DoctorContext) -> list[Finding]:
    return look_at_each(context.tenants(), _name, lambda tenant: _graph_permissions(context, tenant))


def _graph_permissions(context: DoctorContext, tenant: Tenant) -> list[Finding]:
    """Compare the token's roles with what is declared. Tier *watch* needs nothing that only putting back needs."""
    held = frozenset(cast("list[str]", context.claims(tenant).get("roles", [])))
    declared = [each for each in context.content.grants if each.kind is tenant.kind and not each.is_azure_action]
    needed = _needed(context, declared, held)
    missing = [
        failed(
            f"{tenant.name}: {each.permission} is missing; {_used_by(each)}",
            cure=_GRANT.format(_command(tenant, each.tier)),
        )
        for each in lost_in_graph(context, tenant)
    ]
    extra = [
        failed(
            f"{tenant.name}: {name} is granted, and nothing that the product declares needs it",
            cure=_REVOKE.format(_command(tenant, _tier(needed))),
        )
        for name in sorted(held - {each.permission for each in declared} - context.content.by_hand)
    ]
    by_hand = [
        warning(
            f"{tenant.name}: {name} was granted by hand: whoever has this identity can harm the whole tenant",
            cure=_REVOKE.format(_command(tenant, _tier(needed))),
        )
        for name in sorted(held & context.content.by_hand)
    ]
    return missing + extra + by_hand or [
        ok(f"{tenant.name}: exactly the permissions of tier {_tier(needed)}: {', '.join(sorted(held))}")
    ]


def lost_in_graph(context: DoctorContext, tenant: Tenant) -> list[Grant]:
    """Give what the tier needs in a tenant and the token doesn't show. Raises Unread and EdgeError."""
    held = frozenset(cast("list[str]", context.claims(tenant).get("roles", [])))
    declared = [each for each in context.content.grants if each.kind is tenant.kind and not each.is_azure_action]
    return [each for each in _needed(context, declared, held) if each.permission not in held]


def lost_in_azure(context: DoctorContext, tenant: Tenant, subscription: str) -> list[Grant]:
    """Give what the tier needs over a subscription and the roles don't allow. Raises Unread and EdgeError."""
    needed, held = _needed_actions(context, tenant, subscription)
    return [each for each in needed if each.permission not in held]


def _needed(context: DoctorContext, declared: list[Grant], held: Iterable[str]) -> list[Grant]:
    """Leave out what only putting back needs where none of it is held and no detection enforces with it."""
    acting = [each for each in declared if each.tier is Tier.ACT]
    if set(held) & {each.permission for each in acting}:
        return declared
    try:
        enforcing = context.detections_in(Mode.ENFORCE)
    except Unread:
        enforcing = frozenset[str]()
    return [each for each in declared if each.tier is Tier.WATCH or enforcing & set(each.needed_by)]


def _tier(needed: list[Grant]) -> Tier:
    return Tier.ACT if any(each.tier is Tier.ACT for each in needed) else Tier.WATCH


def _used_by(grant: Grant) -> str:
    return f"needed by {', '.join(grant.needed_by)}"


def _command(tenant: Tenant, tier: Tier) -> str:
    where = " --b2c" if tenant.kind is TenantKind.B2C else ""
    return f"infra/scripts/grant.sh{where} --tier {tier}"


_GRANT: Final = "{} grants it. A managed identity's token shows a grant after up to 24 hours."
_REVOKE: Final = "{} --prune takes it away. Find out who granted it."


# Azure.


def _actions(context: DoctorContext) -> list[Finding]:
    (tenant,) = context.tenants(TenantKind.WORKFORCE)
    return look_at_each(sorted(tenant.subscriptions), _subscription, lambda one: _azure_actions(context, tenant, one))


def _subscription(subscription: str) -> str:
    return f"subscription {subscription}"


def _needed_actions(context: DoctorContext, tenant: Tenant, subscription: str) -> tuple[list[Grant], set[str]]:
    """Give the actions that the tier needs over a subscription, and those that the identity's roles allow."""
    declared = [each for each in context.content.grants if each.kind is tenant.kind and each.is_azure_action]
    roles = _roles_over(context, tenant, subscription)
    allowed = [actions for role in roles for actions in role.permissions]
    held = {each.permission for each in declared if any(actions.allow(each.permission) for actions in allowed)}
    return _needed(context, declared, held), {str(each) for each in held}


def _azure_actions(context: DoctorContext, tenant: Tenant, subscription: str) -> list[Finding]:
    needed, held = _needed_actions(context, tenant, subscription)
    where = _subscription(subscription)
    missing = [
        failed(f"{where}: {each.permission} is missing; {_used_by(each)}")
        for each in needed
        if each.permission not in held
    ]
    return missing or [ok(f"{where}: the roles allow what tier {_tier(needed)} needs")]


class _Assigned(Struct, rename="camel"):
    role_definition_id: str
    scope: str


class _Assignment(Struct):
    properties: _Assigned


class _Actions(Struct, rename="camel"):
    actions: list[str] = []
    not_actions: list[str] = []

    def allow(self, action: str) -> bool:
        """Whether they do; `*` stands for anything, and case doesn't matter."""
        return _matches(action, self.actions) and not _matches(action, self.not_actions)


class _Role(Struct):
    permissions: list[_Actions]


class _Definition(Struct):
    properties: _Role


def _roles_over(context: DoctorContext, tenant: Tenant, subscription: str) -> list[_Role]:
    """Read the roles that the identity has at the subscription or above it."""
    edges, content = context.edges(tenant), context.content
    query = {"$filter": f"assignedTo('{tenant.responder_id}')"}
    listed = edges.list(content.list_role_assignments, query=query, subscription=subscription)
    held = [each.properties for each in _read(listed, list[_Assignment])]
    ids = {each.role_definition_id.rpartition("/")[2].lower() for each in held if _covers(each.scope, subscription)}
    found = [edges.get(content.get_role_definition, subscription=subscription, id=each) for each in sorted(ids)]
    return [_read(each, _Definition).properties for each in found if each is not None]


def _read[T](images: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(images, shape)
    except msgspec.ValidationError as error:
        raise Unread(f"Azure Resource Manager's answer isn't as expected: {error}") from error


def _covers(scope: str, subscription: str) -> bool:
    at = scope.lower().rstrip("/")
    return at in {"", f"/subscriptions/{subscription}"} or at.startswith("/providers/microsoft.management/")


def _matches(action: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


CHECKS: Final = (
    Check(
        id="identity-right",
        title="The identity gets tokens, and is the one that the settings name",
        cure="The app's log says why it gets no token.",
        reads=(settings_of,),
        run=_tokens,
    ),
    Check(
        id="graph-permissions-exact",
        title="The identity's Graph permissions are those of its tier, no fewer and no more",
        cure="infra/scripts/grant.sh --what-if shows what differs.",
        reads=(settings_of,),
        run=_permissions,
    ),
    Check(
        id="azure-actions-held",
        title="The identity's Azure roles allow what its tier needs",
        cure="Deploy infra/main.bicep again with this subscription and the tier that you mean. A role that was just"
        " assigned can take ten minutes to work.",
        reads=(settings_of,),
        run=_actions,
    ),
)
