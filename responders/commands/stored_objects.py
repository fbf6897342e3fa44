"""The guarded objects that commands are about: the runtime that reads them, and one by what a person calls it."""

import argparse
import hashlib
from typing import TYPE_CHECKING, Final

from responders.commands.connection import CommandError, NotFound, environment_from, move_to_the_app, values_from
from responders.content import CONTENT
from shared.model.kinds import Json, ObjectKind
from shared.model.objects import EXISTS, ObjectId, key_of
from shared.model.settings import settings_from
from shared.runtime import build_runtime

if TYPE_CHECKING:
    from shared.respond.components import Runtime

SHOWN: Final = 60
"""Characters of a value that a table shows."""

_SHORTEST: Final = 4
"""Characters that the beginning of a key has at least."""

_MOST_NAMED: Final = 5

_NAME: Final = 8
"""Characters of the digest that tells two values apart that begin alike."""


def runtime_from(arguments: argparse.Namespace) -> "Runtime":
    """Build the runtime of the app that the settings name."""
    move_to_the_app(values_from(arguments))
    environment = environment_from(arguments)
    return build_runtime(settings_from(environment), CONTENT, environment=environment)


def guarded_kinds(runtime: "Runtime") -> list[tuple[str, ObjectKind]]:
    """Give each tenant's id with each kind of object that is guarded there."""
    return [
        (tenant.id, kind.kind)
        for tenant in runtime.settings.tenants
        for kind in runtime.kinds.values()
        if kind.tenant_kind is tenant.kind
    ]


def found_object(runtime: "Runtime", key: str) -> ObjectId:
    """Find an object by its key or the beginning of it, or by the tenant's id of it.

    Raises:
        NotFound: there is none.
        CommandError: several begin so.
    """
    key = key.removesuffix("…")  # as a table has it that is cut
    for tenant_id, kind in guarded_kinds(runtime):
        for each in (key, key_of(key)):
            kept = runtime.objects.read(ObjectId(tenant_id=tenant_id, kind=kind, key=each))
            if kept is not None:
                return kept.id
    return _begins_with(runtime, key)


def _begins_with(runtime: "Runtime", key: str) -> ObjectId:
    """Find the one object whose key begins with a text."""
    found = [
        one.id
        for tenant_id, kind in guarded_kinds(runtime)
        for one in runtime.objects.seen(tenant_id, kind)
        if len(key) >= _SHORTEST and one.id.key.startswith(key.lower())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(sorted(one.key for one in found)[:_MOST_NAMED])
        raise CommandError(f"{len(found)} objects have a key that begins with {key}: {listed}")
    raise NotFound(f"no object has the key or id {key}; `responder baseline show --all` lists every one")


def leaf_shown(leaf: str) -> str:
    """Name a leaf for a person."""
    return "(exists)" if leaf == EXISTS else leaf


def value_shown(value: Json) -> str:
    """Print a leaf's value for a person, "-" where it isn't there. What is cut says so: two may differ only there."""
    text = "-" if value is None else str(value)
    if len(text) <= SHOWN:
        return text
    name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME]
    return f"{text[:SHOWN]}… ({len(text)} characters, {name})"
