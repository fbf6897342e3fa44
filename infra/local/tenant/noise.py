"""Ordinary records: what a tenant logs all day long and no detection of a policy change should match."""

import uuid
from collections.abc import Callable
from itertools import cycle, islice

from infra.local import world
from infra.local.tenant.audit_records import Record
from infra.local.tenant.instants import now_ticks
from infra.local.tenant.tokens import Caller
from infra.local.world import Json


def _caller(principal: world.Principal) -> Caller:
    return Caller(principal=principal, app_id="", roles=frozenset(), unthrottled=True, claims={})


def _directory(activity: str, target: Json, *, category: str = "UserManagement") -> Callable[[Caller], Json]:
    def build(caller: Caller) -> Json:
        correlation = str(uuid.uuid4())
        record = Record(
            id_prefix=f"Directory_{correlation}",
            service="Core Directory",
            category=category,
            activity=activity,
            target=target,
        )
        return record.graph(caller, correlation_id=correlation, at=now_ticks())

    return build


def _user_target(*changes: Json) -> Json:
    user = {"id": str(uuid.uuid4()), "displayName": None, "type": "User"}
    return user | {"userPrincipalName": f"dora@{world.WORKFORCE_DOMAIN}", "modifiedProperties": list(changes)}


def _id_token(caller: Caller) -> Json:
    """A consumer signed in: the most common record of a B2C tenant, initiated by an application that has only names."""
    correlation, application = str(uuid.uuid4()), str(uuid.uuid4())
    record = Record(
        id_prefix="B2C",
        service="B2C",
        category="Authentication",
        activity="Issue an id_token to the application",
        target={"id": str(uuid.uuid4()), "displayName": None, "type": "User", "modifiedProperties": []},
        details=[
            {"key": "TenantId", "value": world.B2C_DOMAIN},
            {"key": "PolicyId", "value": world.SIGNUP_SIGNIN.id},
            {"key": "ApplicationId", "value": application},
        ],
    ).graph(caller, correlation_id=correlation, at=now_ticks())
    initiator = {"appId": application, "displayName": None, "servicePrincipalId": None}
    return record | {
        "initiatedBy": {"user": None, "app": initiator | {"servicePrincipalName": application}},
        "resultReason": "N/A",
    }


def _custom_policies_read(caller: Caller) -> Json:
    """A portal visit: `Get custom policies` is a read, although it is logged beside the writes."""
    correlation = str(uuid.uuid4())
    return Record(
        id_prefix="B2C",
        service="B2C",
        category="ResourceManagement",
        activity="Get custom policies",
        target={"id": "", "displayName": None, "type": "Other", "modifiedProperties": []},
    ).graph(caller, correlation_id=correlation, at=now_ticks())


_UPDATE_USER = _directory(
    "Update user",
    _user_target({"displayName": "JobTitle", "oldValue": '["Clerk"]', "newValue": '["Head clerk"]'}),
)
_GROUP_MEMBER = _directory(
    "Add member to group",
    _user_target({"displayName": "Group.DisplayName", "oldValue": None, "newValue": '"Newsletter readers"'}),
    category="GroupManagement",
)
_KINDS: dict[str, tuple[tuple[Callable[[Caller], Json], Caller], ...]] = {
    world.WORKFORCE_TENANT: ((_UPDATE_USER, _caller(world.ALICE)), (_GROUP_MEMBER, _caller(world.ALICE))),
    world.B2C_TENANT: (
        (_id_token, _caller(world.RESPONDER_B2C)),
        (_id_token, _caller(world.RESPONDER_B2C)),
        (_custom_policies_read, _caller(world.CAROL)),
        (_UPDATE_USER, _caller(world.CAROL)),
    ),
}


def ordinary_records(tenant: str, count: int) -> list[Json]:
    """Make `count` records of this tenant's everyday kinds, in turn."""
    return [build(caller) for build, caller in islice(cycle(_KINDS[tenant]), count)]
