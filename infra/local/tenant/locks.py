"""Management locks: while one stands, no role assignment at its scope or below it can be deleted."""

from http import HTTPStatus
from typing import Final, Literal

import msgspec

from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.role_assignments import is_within
from infra.local.world import Json

TYPE: Final = "Microsoft.Authorization/locks"


class _Properties(msgspec.Struct, frozen=True, kw_only=True):
    level: Literal["CanNotDelete", "ReadOnly"]
    notes: str = ""


class _Body(msgspec.Struct, frozen=True):
    properties: _Properties


class Locks:
    """Every lock, by its id in lower case. A ReadOnly lock keeps from being deleted too; writes pass here."""

    def __init__(self) -> None:
        self._locks: dict[str, Json] = {}

    def clear(self) -> None:
        """Remove all."""
        self._locks.clear()

    def write(self, scope: str, name: str, body: object) -> Json:
        """Set a lock; raises ApiError 400 when the body isn't one."""
        try:
            wanted = msgspec.convert(body, _Body).properties
        except msgspec.ValidationError as error:
            raise bad_request(f"The lock is invalid: {error}", "InvalidRequestContent") from error
        lock: Json = {
            "id": _id(scope, name),
            "type": TYPE,
            "name": name,
            "properties": {"level": wanted.level, "notes": wanted.notes},
        }
        self._locks[lock["id"].lower()] = lock
        return lock

    def get(self, scope: str, name: str) -> Json | None:
        """Give a lock; None when there is none of that name."""
        return self._locks.get(_id(scope, name).lower())

    def delete(self, scope: str, name: str) -> Json | None:
        """Remove a lock and give it; None when there is none of that name."""
        return self._locks.pop(_id(scope, name).lower(), None)

    def listed(self, scope: str, *, at_scope: bool) -> list[Json]:
        """List the locks at a scope and above it, and below it too unless only those `at_scope` are wanted."""
        return [
            lock
            for lock in self._locks.values()
            if is_within(scope, _scope_of(lock)) or (not at_scope and is_within(_scope_of(lock), scope))
        ]

    def refuse(self, resource_id: str, *, scope: str) -> None:
        """Raise ApiError 409 when a lock keeps what lies at `scope` from being deleted."""
        scopes = dict.fromkeys(_scope_of(lock) for lock in self.listed(scope, at_scope=True))
        if not scopes:
            return
        named = ",".join(f"'{each}'" for each in scopes)
        raise ApiError(
            HTTPStatus.CONFLICT,
            "ScopeLocked",
            f"The scope '{resource_id}' cannot perform delete operation because following scope(s) are locked: {named}."
            " Please remove the lock and try again.",
        )


def _id(scope: str, name: str) -> str:
    return f"{scope}/providers/{TYPE}/{name}"


def _scope_of(lock: Json) -> str:
    return str(lock["id"]).rpartition(f"/providers/{TYPE}/")[0]
