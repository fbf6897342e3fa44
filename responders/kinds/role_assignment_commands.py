"""Commands with which a person does by hand what the responder mustn't or can't do to role assignments."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.model.kinds import Json
from shared.model.objects import Leaves

_LOCK_ID: Final = re.compile(r"/subscriptions/[0-9a-fA-F-]{36}/[\w./() -]{1,1000}")

_OPTIONS: Final[Mapping[str, str]] = {
    "--role": "roleDefinitionId",
    "--assignee-object-id": "principalId",
    "--scope": "scope",
    "--condition": "condition",
    "--condition-version": "conditionVersion",
    "--description": "description",
}


def giving(assignment_id: str, leaves: Leaves, *, principal_type: Json = None) -> str:
    """Give the command that makes a role assignment with these leaves; `az` writes over one that has this name."""
    values = {
        "--name": assignment_id.rpartition("/")[2],
        **{option: leaves.get(leaf) for option, leaf in _OPTIONS.items()},
        "--assignee-principal-type": principal_type,
    }
    return (
        f"az role assignment create {' '.join(f'{name} {_quoted(value)}' for name, value in values.items() if value)}"
    )


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
    return "; ".join(f"az lock list --subscription {_quoted(one)} --output table" for one in subscriptions)


def _quoted(value: Json) -> str:
    return shlex.quote(str(value))
