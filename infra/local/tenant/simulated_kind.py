"""What the simulated tenants have to know of a kind of object: its requests, what the log says of it, and samples.

One declaration plays in three tenants: over HTTP (`infra.local.tenant`), in memory for unit tests, and in the random
stories that the laws are tried on. So a kind is described once, and what one of them refuses all refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

type Alternatives = tuple[frozenset[str], ...]
"""Sets of application permissions, one of which has to be held in full."""

type What = Literal["create", "update", "delete"]

BOTH: Final = ("v1.0", "beta")
BETA: Final = ("beta",)
ARM: Final = ("arm",)
"""In place of Graph's versions: Azure Resource Manager."""


class Shelf(Protocol):
    """The objects of one kind in one tenant, by the responder's id of them in lower case.

    An object is kept as its declaration wants it; its routes print it as the service does. Lists of texts are sets.
    """

    def listed(self) -> Mapping[str, Json]:
        """Give what a listing shows, which may be out of date."""
        ...

    def seen(self, object_id: str) -> Json | None:
        """Give what a reader is shown, which may be out of date."""
        ...

    def current(self, object_id: str) -> Json | None:
        """Give what a write meets."""
        ...

    def put(self, object_id: str, image: Json | None) -> None:
        """Write an object, or delete it (None), and let the log tell of it."""
        ...


class Refusal(Exception):
    """An answer other than success, as the service words it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        """`status` is HTTP's."""
        super().__init__(message or code)
        self.status = status
        self.code = code
        self.message = message or f"({code})"


def _nothing_else(kind: ObjectKind) -> Shelf:
    raise AssertionError(f"no {kind} was to be asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was authorized. `ids` are the parts of its path, `now` is the instant as Graph prints it.

    `of` gives the objects of another kind, which an answer may have besides, or depend on.
    """

    shelf: Shelf
    ids: Mapping[str, str]
    of: Callable[[ObjectKind], Shelf] = _nothing_else
    body: Any = None
    now: str = ""
    query: Mapping[str, str] = field(default_factory=dict[str, str])

    def standing(self, object_id: str, *, code: str = "ResourceNotFound") -> Json:
        """Give what a write meets; raises Refusal 404."""
        return self._there(self.shelf.current(object_id.lower()), object_id, code)

    def shown(self, object_id: str, *, code: str = "ResourceNotFound") -> Json:
        """Give what a reader is shown; raises Refusal 404."""
        return self._there(self.shelf.seen(object_id.lower()), object_id, code)

    def _there(self, image: Json | None, object_id: str, code: str) -> Json:
        if image is None:
            raise Refusal(404, code, f"Resource '{object_id}' does not exist.")
        return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `values` is what a listing shows, page by page; any other answer has a `body` or none."""

    status: int = 200
    body: Json | None = None
    values: list[Json] | None = None


NOTHING: Final = Reply(status=204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path, with `{id}` and the like for its parts, `{scope*}` for one with slashes in it.

    `needs` are the permissions by Microsoft's page, or actions of Azure's roles; `filters` the properties of which
    `$filter` may ask, and `options` further query options that are taken. `is_everywhere` says that the other kind of
    tenant answers it too.
    """

    method: str
    path: str
    needs: Alternatives
    answer: Callable[[Asked], Reply]
    versions: tuple[str, ...] = BOTH
    filters: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    is_everywhere: bool = False


def show_all(asked: Asked) -> Reply:
    """Answer a listing, of objects that are kept as the service prints them."""
    return Reply(values=[*asked.shelf.listed().values()])


def show_one(asked: Asked) -> Reply:
    """Answer with the object that the path's `{id}` names by the responder's id of it."""
    return Reply(body=asked.shown(asked.ids["id"]))


def remove_one(asked: Asked) -> Reply:
    """Delete the object that the path's `{id}` names by the responder's id of it."""
    asked.standing(asked.ids["id"])
    asked.shelf.put(asked.ids["id"].lower(), None)
    return NOTHING


def verb_of(before: Json | None, after: Json | None) -> str:
    """Give the word by which B2C's records begin for a change."""
    return "Update" if before and after else "Create" if after else "Delete"


def path_pattern(path: str) -> re.Pattern[str]:
    """Give what matches a route's path, with its parts as groups."""
    parts = re.sub(r"\{(\w+)\*\}", r"(?P<\1>/.+?)", path.replace("$", r"\$"))
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", parts), re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What the directory's log says of a change; `targets` without what all targets have."""

    activity: str
    category: str
    operation: str
    targets: list[Json]
    service: str = "Core Directory"
    details: list[Json] = field(default_factory=list[Json])

    @property
    def categories(self) -> tuple[str, ...]:
        """The category of each record that tells of the change: B2C writes two."""
        return ("Authorization", self.category) if self.service == "B2C" else (self.category,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An object of the stories and of the tests over all kinds, by the responder's id of it.

    One with `is_there` False is made by somebody in the story. `holder` is the id of whoever has access by it.
    """

    object_id: str
    image: Json
    is_there: bool = True
    holder: str = ""


def _not_in_the_directory(object_id: str, _before: Json | None, _after: Json | None) -> Logged:
    raise AssertionError(f"{object_id} isn't of the directory, so that its log doesn't tell of it")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedKind:
    """A kind of object as the simulated tenants know it.

    `logged` tells of a change by the object before and after (None: it isn't there). `detected` are the actions that a
    detection with an approval list is about. `is_made_again` says whether the responder makes a deleted one again, and
    `is_deleted` whether it takes away one that isn't to exist. `edits` are changes for stories: leaves of the object as
    it is kept, with `list[member]` true or null for members. People are paged about those in `edits_to_page`, which
    can't be put back. `tells_values` says whether a record has what was changed.
    `is_always_there` says that nobody makes or deletes it: there is one of it.
    `resource_type` is what Azure calls such objects: its events and the Activity Log tell of them, and the directory's
    log doesn't. "" for objects of the directory.
    `has_routes_of_its_own` says that the tenant over HTTP serves such objects by itself, from what its world has.
    `others` are further objects that stand in the simulated tenant over HTTP, by their ids, given the tenant's id: they
    are there in either kind of tenant, and no story is about them.
    `recorded_as` gives the id that a record has as its target, where that isn't the object's.
    `beside` are objects of other kinds, each with its `id`, that stand beside the samples whatever is tried.
    `belongs_to` gives the ids of principals without which an object is gone. `members` are the properties, by the name
    of a list of objects, that together name a member of it: in `list[member]` they are joined with "|".
    """

    kind: ObjectKind
    tenant_kind: TenantKind
    routes: tuple[Route, ...]
    samples: tuple[Sample, ...]
    detected: frozenset[What]
    is_made_again: bool
    logged: Callable[[str, Json | None, Json | None], Logged] = _not_in_the_directory
    resource_type: str = ""
    is_deleted: bool = True
    edits: tuple[Mapping[str, Any], ...] = ()
    edits_to_page: tuple[Mapping[str, Any], ...] = ()
    tells_values: bool = False
    is_always_there: bool = False
    others: Callable[[str], Mapping[str, Json]] = lambda _tenant: {}
    recorded_as: Callable[[Json], str] = lambda _image: ""
    beside: Mapping[ObjectKind, tuple[Json, ...]] = field(default_factory=dict[ObjectKind, tuple[Json, ...]])
    belongs_to: Callable[[Json], tuple[str, ...]] = lambda _image: ()
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    has_routes_of_its_own: bool = False
