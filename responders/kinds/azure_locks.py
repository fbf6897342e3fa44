"""Management locks of Azure, which keep what lies at their scope from being deleted, or from being written at all."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError, Locked
from shared.model.kinds import TenantKind
from shared.model.read_probes import ReadProbe, scope_of_each_subscription
from shared.model.tenant_api import TenantApi

LIST_LOCKS: Final = Call(
    method="GET",
    service=Service.ARM,
    path="{scope}/providers/Microsoft.Authorization/locks",
    needs=(Permission.LOCK_READ,),
)
"""Management locks; with the filter `atScope()` those at the scope and above it."""

LOCKS_AT_SCOPE: Final = {"$filter": "atScope()", "api-version": "2020-05-01"}
"""Locks have an API version of their own."""

CALLS: Final = (LIST_LOCKS,)
READ_PROBES: Final = (
    ReadProbe(call=LIST_LOCKS, kind=TenantKind.WORKFORCE, query=LOCKS_AT_SCOPE, ids=scope_of_each_subscription),
)
_LOCK_ID: Final = re.compile(r"/subscriptions/[0-9a-fA-F-]{36}/[\w./() -]{1,1000}")


def named(api: TenantApi, locked: Locked) -> Locked:
    """Say which locks it is: Azure names only the scopes that carry them."""
    found: list[str] = []
    for scope in locked.scopes:
        try:
            found += [str(lock["id"]) for lock in api.list(LIST_LOCKS, query=LOCKS_AT_SCOPE, scope=scope)]
        except (EdgeError, BadIdentifier, KeyError) as error:
            because = f"{locked} (which lock it is could not be read: {error})"
            return Locked(because, scopes=locked.scopes, by_hand=listing(locked.scopes))
    ids = list(dict.fromkeys(found))
    by_hand = lifting(ids)
    if not by_hand:
        return Locked(str(locked), scopes=locked.scopes, by_hand=listing(locked.scopes))
    return Locked(f"a management lock forbids it: {', '.join(ids)}", scopes=locked.scopes, by_hand=by_hand)


def lifting(lock_ids: Sequence[str]) -> str:
    """Give the commands that delete locks, "" if one of the ids isn't an id of a lock.

    The subscription is named, since `az` takes an id as one of the subscription that it is set to.
    """
    if not lock_ids or not all(map(_LOCK_ID.fullmatch, lock_ids)):
        return ""
    return "; ".join(_lifting(lock_ids))


def _lifting(lock_ids: Sequence[str]) -> Iterator[str]:
    for subscription in dict.fromkeys(one.split("/")[2] for one in lock_ids):
        ids = (shlex.quote(one) for one in lock_ids if one.split("/")[2] == subscription)
        yield f"az lock delete --subscription {subscription} --ids {' '.join(ids)}"


def listing(scopes: Sequence[str]) -> str:
    """Give the command that shows the locks: of the subscription, since a scope's own says nothing of those above."""
    subscriptions = sorted({scope.split("/")[2] for scope in scopes if scope.startswith("/subscriptions/")})
    return "; ".join(f"az lock list --subscription {shlex.quote(one)} --output table" for one in subscriptions)
