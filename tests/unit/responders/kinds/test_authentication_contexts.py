"""Authentication contexts: leaves, records, and what is sent."""

from typing import Any

import pytest

from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT, GET_CONTEXT, WRITE_CONTEXT, leaves
from shared.model.calls import checked_id
from shared.model.errors import BadIdentifier
from shared.model.kinds import Image
from shared.model.object_kinds import Search
from shared.model.objects import EXISTS, Op
from tests.fakes.kinds import difference, objections, write_of
from tests.fakes.object_records import as_dotnet_spells, object_record
from tests.fakes.scripted_api import ScriptedApi


def _context(**changes: Any) -> Image:  # noqa: ANN401 - JSON
    return {"id": "c7", "displayName": "Payroll", "description": "Needs a key", "isAvailable": True} | changes


def test_it_is_split_into_what_it_says() -> None:
    expected = {EXISTS: True, "displayName": "Payroll", "description": "Needs a key", "isAvailable": True}
    assert leaves(_context()) == expected
    assert AUTHENTICATION_CONTEXT.id_of(_context(id="C7")) == "c7"
    assert AUTHENTICATION_CONTEXT.name_of(_context(displayName=None)) == "c7"


@pytest.mark.parametrize(
    ("one", "other"), [({"isAvailable": False}, {"isAvailable": None}), ({"description": None}, {"description": ""})]
)
def test_spellings_of_the_same_are_the_same(one: Image, other: Image) -> None:
    assert leaves(_context(**one)) == leaves(_context(**other))


def test_existence_and_being_published_must_not_be_taken_apart() -> None:
    assert {leaf for leaf in leaves(_context()) if AUTHENTICATION_CONTEXT.rules.is_joint(leaf)} == {
        EXISTS,
        "isAvailable",
    }


# Records.


def _recorded(activity: str, **more: Any) -> Any:  # noqa: ANN401 - what the kind gives
    event = object_record(activity, **{"service": "Conditional Access", "target": "C7"} | more)
    return AUTHENTICATION_CONTEXT.recorded(event)


def test_a_record_has_the_difference_of_leaves() -> None:
    before, after = _context(), _context(displayName="Anything", isAvailable=False)
    for old, new in ((before, after), (as_dotnet_spells(before), as_dotnet_spells(after))):
        (found,) = _recorded("update AuthenticationContextClassReference", old=old, new=new)
        assert (found.object_id, found.op, found.is_whole) == ("c7", Op.UPDATE, True)
        assert found.wrote == {"displayName": ("Payroll", "Anything"), "isAvailable": (True, None)}


@pytest.mark.parametrize(("verb", "op"), [("Add", Op.CREATE), ("Delete", Op.DELETE)])
def test_a_record_of_a_context_that_came_or_went_has_all_of_it(*, verb: str, op: Op) -> None:
    sides = {"new" if op is Op.CREATE else "old": _context()}
    (found,) = _recorded(f"{verb} AuthenticationContextClassReference", **sides)
    assert (found.op, found.wrote.keys(), found.is_whole) == (op, leaves(_context()).keys(), True)


@pytest.mark.parametrize("new", [None, '{"id":"c7","disp', {"id": "c7"}, {"ID": "c7", "DisplayName": "Payroll"}])
def test_what_a_record_does_not_have_whole_is_not_whole(new: Any) -> None:  # noqa: ANN401 - JSON
    (found,) = _recorded("Update AuthenticationContextClassReference", old=_context(), new=new)
    assert not found.is_whole


@pytest.mark.parametrize("more", [{"outcome": "failure"}, {"service": "Core Directory"}, {"target": ""}])
def test_other_records_say_nothing(more: dict[str, Any]) -> None:
    activity = "Update AuthenticationContextClassReference"
    assert _recorded(activity, old=_context(), new=_context(isAvailable=False), **more) == ()


# Writing.


@pytest.mark.parametrize(
    ("stands", "target", "body"),
    [
        (_context(isAvailable=False), _context(), {"isAvailable": True}),
        (_context(), _context(isAvailable=False, description=""), {"description": "", "isAvailable": False}),
        (
            None,
            _context(isAvailable=False),
            {"displayName": "Payroll", "description": "Needs a key", "isAvailable": False},
        ),
        (_context(), None, {"isAvailable": False}),
        (_context(isAvailable=False), None, None),
        (_context(orbit="low"), _context(), {"orbit": None}),
    ],
)
def test_no_more_is_sent_than_what_changes(*, stands: Image | None, target: Image | None, body: Image | None) -> None:
    api = ScriptedApi({WRITE_CONTEXT: None})
    write = write_of(AUTHENTICATION_CONTEXT, "c7", stands, leaves(target) if target else {})
    assert AUTHENTICATION_CONTEXT.write(api, write) == "c7"
    assert api.bodies(WRITE_CONTEXT) == ([body] if body else [])


def test_an_unwanted_one_is_unpublished_and_then_left() -> None:
    assert AUTHENTICATION_CONTEXT.removal is not None
    assert AUTHENTICATION_CONTEXT.removal(leaves(_context())) == {"isAvailable": (True, None)}
    assert AUTHENTICATION_CONTEXT.removal(leaves(_context(isAvailable=False))) == {}


def test_it_is_searched_for_by_its_id() -> None:
    search = Search(ids=("c7",), name="Payroll", target=leaves(_context()))
    assert AUTHENTICATION_CONTEXT.found(ScriptedApi({GET_CONTEXT: _context()}), search) == _context()


def test_nothing_is_read_to_judge_it_and_nobody_is_named() -> None:
    target = leaves(_context(isAvailable=False))
    assert objections(AUTHENTICATION_CONTEXT, ScriptedApi(), "c7", _context(), target) == {}
    assert difference(leaves(_context()), target, AUTHENTICATION_CONTEXT).keys() == {"isAvailable"}
    assert AUTHENTICATION_CONTEXT.loses({}, target) == AUTHENTICATION_CONTEXT.gains({}, target) == frozenset()
    assert AUTHENTICATION_CONTEXT.made(_context()).at is None


@pytest.mark.parametrize(
    ("text", "fine"), [("c1", True), ("C99", True), ("c0", False), ("c100", False), ("c1/..", False)]
)
def test_only_c1_to_c99_get_into_a_url(*, text: str, fine: bool) -> None:
    if fine:
        assert checked_id("context", text) == text
        return
    with pytest.raises(BadIdentifier):
        checked_id("context", text)
