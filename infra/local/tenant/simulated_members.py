"""Lists of references, such as the members of a group: each comes and goes by a request and a record of its own."""

import json
from collections.abc import Callable
from typing import Final

from infra.local.tenant.simulated_kind import NOTHING, Asked, Refusal, Reply
from infra.local.world import Json

MISSING: Final = "Request_ResourceNotFound"


def list_references(which: str) -> Callable[[Asked], Reply]:
    """Give what answers a listing of the references in a list of an object."""

    def answer(asked: Asked) -> Reply:
        return Reply(values=[{"id": each} for each in asked.shown(asked.ids["id"], code=MISSING)[which]])

    return answer


def add_reference(which: str) -> Callable[[Asked], Reply]:
    """Give what answers a POST of a reference into a list of an object."""

    def answer(asked: Asked) -> Reply:
        holder = asked.standing(asked.ids["id"], code=MISSING)
        identity = str(asked.body.get("@odata.id", "")).rpartition("/")[2].lower()
        if identity in holder[which]:
            message = f"One or more added object references already exist for the modified properties: '{which}'."
            raise Refusal(400, "Request_BadRequest", message)
        asked.shelf.put(asked.ids["id"].lower(), holder | {which: [*holder[which], identity]})
        return NOTHING

    return answer


def remove_reference(which: str, *, last: str = "") -> Callable[[Asked], Reply]:
    """Give what answers a DELETE of the reference `{part}` out of a list; `last` refuses that of the last one."""

    def answer(asked: Asked) -> Reply:
        holder = asked.standing(asked.ids["id"], code=MISSING)
        left = [each for each in holder[which] if each != asked.ids["part"].lower()]
        if left == holder[which]:
            raise Refusal(404, MISSING, f"Resource '{asked.ids['part']}' does not exist.")
        if last and not left:
            raise Refusal(400, "Request_BadRequest", last)
        asked.shelf.put(asked.ids["id"].lower(), holder | {which: left})
        return NOTHING

    return answer


def referenced(identities: set[str], said: Json, *, is_added: bool) -> list[Json]:
    """Give who came or went as targets of a record, with properties that say of what, by their names in the log."""
    now, before = ("newValue", "oldValue") if is_added else ("oldValue", "newValue")
    properties = [{"displayName": name, now: json.dumps(value), before: None} for name, value in said.items()]
    return [
        {"id": each, "displayName": None, "type": "User", "modifiedProperties": properties}
        for each in sorted(identities)
    ]
