"""Table ApprovedActors: what is written there, and what is read of what people write there by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.world import ALICE, CAROL, MALLORY
from shared.authority.approvals import TableApprovals, until_from
from shared.authority.standing import Approval, Malformed, authorize
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Standing
from shared.model.errors import BadIdentifier, EdgeError, Rejected, Unreachable
from shared.model.events import Actor, ActorKind
from shared.model.kinds import ApprovalList
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import AT, LAMP, actor_of
from tests.fakes.runtime import approval
from tests.fakes.spoilt_storage import UNREACHABLE_STORAGE

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_NOWHERE: Final = TableApprovals(Storage(UNREACHABLE_STORAGE), clock=FakeClock())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def approvals(storage: Storage, clock: FakeClock) -> TableApprovals:
    return TableApprovals(storage, clock=clock)


def _standing(approvals: TableApprovals, actor: Actor, *, at: datetime = AT, target_id: str = LAMP) -> Standing:
    return authorize(actor, _LIST, target_id=target_id, at=at, responder_id="", approvals=approvals).standing


def test_what_is_approved_is_read_back_as_it_was(approvals: TableApprovals) -> None:
    written = approval(ALICE, targets=(LAMP, "b2c_1a_*"))
    approvals.approve(written)
    assert approvals.find(_LIST, ALICE.id) == written
    assert approvals.find(_LIST, ALICE.id.upper()) == written
    assert approvals.find(_LIST, MALLORY.id) is None
    assert approvals.find(ApprovalList.RBAC_ROLES, ALICE.id) is None
    assert approvals.all() == [(_LIST.value, ALICE.id, written)]


def test_a_list_is_empty_until_it_has_a_row(approvals: TableApprovals) -> None:
    assert approvals.is_empty(_LIST)
    approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    assert approvals.is_empty(_LIST)
    assert not approvals.is_empty(ApprovalList.RBAC_ROLES)


def test_a_table_that_is_gone_is_an_error_and_nobody_is_told_apart(storage: Storage, approvals: TableApprovals) -> None:
    approvals.approve(approval(ALICE))
    storage.delete_table(Table.APPROVED_ACTORS)
    with pytest.raises(EdgeError):
        approvals.find(_LIST, ALICE.id)
    with pytest.raises(EdgeError):
        approvals.is_empty(_LIST)
    assert _standing(approvals, actor_of(ALICE)) is Standing.UNKNOWN
    assert _standing(approvals, actor_of(MALLORY)) is Standing.UNKNOWN


def test_a_table_that_was_made_anew_tells_nobody_apart(storage: Storage, approvals: TableApprovals) -> None:
    """A restart makes a missing table again, empty: that must not make everybody unapproved."""
    approvals.approve(approval(ALICE))
    storage.delete_table(Table.APPROVED_ACTORS)
    storage.create_all()
    assert _standing(approvals, actor_of(MALLORY)) is Standing.UNKNOWN


def test_an_account_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(Unreachable) as raised:
        _NOWHERE.find(_LIST, ALICE.id)
    assert "gone" not in str(raised.value)


def test_revoking_keeps_the_row_and_counts_from_then_on(approvals: TableApprovals, clock: FakeClock) -> None:
    approvals.approve(approval(ALICE))
    assert approvals.revoke(_LIST, ALICE.id.upper(), by="Carol Chen")
    assert _standing(approvals, actor_of(ALICE), at=NOW - timedelta(microseconds=1)) is Standing.APPROVED
    assert _standing(approvals, actor_of(ALICE), at=NOW) is Standing.UNAPPROVED
    found = approvals.find(_LIST, ALICE.id)
    assert isinstance(found, Approval)
    assert (found.revoked_at, found.ticket) == (clock(), "CHG-1042")


def test_revoking_again_does_not_move_the_first_time(approvals: TableApprovals, clock: FakeClock) -> None:
    """Else a second click would make what was done in between approved."""
    approvals.approve(approval(ALICE))
    approvals.revoke(_LIST, ALICE.id, by="Carol Chen")
    clock.move(timedelta(hours=1))
    assert approvals.revoke(_LIST, ALICE.id, by="Carol Chen")
    assert _standing(approvals, actor_of(ALICE), at=NOW + timedelta(minutes=30)) is Standing.UNAPPROVED


def test_revoking_nothing_says_so(approvals: TableApprovals) -> None:
    assert not approvals.revoke(_LIST, ALICE.id, by="Carol Chen")


def test_approving_again_takes_the_place_of_the_row(approvals: TableApprovals) -> None:
    approvals.approve(approval(ALICE))
    approvals.revoke(_LIST, ALICE.id, by="Carol Chen")
    approvals.approve(approval(ALICE, ticket="CHG-2000"))
    assert approvals.find(_LIST, ALICE.id) == approval(ALICE, ticket="CHG-2000")


@pytest.mark.parametrize(
    ("differences", "problem"),
    [
        ({"ticket": " "}, "needs a ticket"),
        ({"name": ""}, "needs the actor's name"),
        ({"valid_until": NOW}, "has already ended"),
        ({"valid_from": NOW + timedelta(days=2), "valid_until": NOW + timedelta(days=1)}, "ends before it begins"),
        ({"valid_until": NOW + timedelta(days=367)}, "longer than a year"),
        ({"targets": ("",)}, "a target is empty"),
        ({"targets": (LAMP, "  ")}, "a target is empty"),
        ({"targets": (f"{LAMP} *",)}, "has a space in it"),
        ({"targets": (f"{LAMP},*",)}, "separated by spaces"),
        ({"kind": ActorKind.UNKNOWN}, "should be user or servicePrincipal"),
    ],
)
def test_an_approval_that_is_not_in_order_is_not_written(differences: dict[str, Any], problem: str) -> None:
    """Nothing is sent: there is no storage here."""
    with pytest.raises(ValueError, match=problem):
        _NOWHERE.approve(approval(ALICE, **differences))


@pytest.mark.parametrize("actor_id", ["", "alice@contoso.example", "Alice Alvarez", f"{ALICE.id}/..", f"'{ALICE.id}'"])
def test_only_an_object_id_is_approved(actor_id: str) -> None:
    with pytest.raises(BadIdentifier):
        _NOWHERE.approve(approval(ALICE, actor_id=actor_id))
    with pytest.raises(BadIdentifier):
        _NOWHERE.revoke(_LIST, actor_id, by="Carol Chen")


@pytest.mark.parametrize(
    "actor_id",
    ["a/b", "a\\b", "a#b", "a?b", "a\nb", "a\0b", "\x7f", "\ud800", "\u202e", "x" * 513],
    ids=ascii,
)
def test_an_actor_id_that_cannot_be_a_key_is_malformed_not_absent(actor_id: str) -> None:
    """Absent would mean unapproved."""
    assert isinstance(_NOWHERE.find(_LIST, actor_id), Malformed)
    assert _standing(_NOWHERE, Actor(id=actor_id, kind=ActorKind.USER)) is Standing.UNKNOWN


def test_an_actor_id_with_quotes_finds_nobody_else(approvals: TableApprovals) -> None:
    approvals.approve(approval(ALICE))
    for actor_id in (f"{ALICE.id}' or RowKey ne '", "'", "''", "%27", "ALICE é ✓", "@list"):
        assert approvals.find(_LIST, actor_id) is None


def _row(storage: Storage, actor_id: str, **columns: object) -> None:
    good: dict[str, object] = {
        "kind": "user",
        "name": "Alice Alvarez",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2026-12-31T00:00:00Z",
        "ticket": "CHG-1042",
        "approved_by": "Head of identity",
    }
    merged = {name: value for name, value in (good | columns).items() if value is not None}
    storage.upsert(Table.APPROVED_ACTORS, _LIST, f"{actor_id}|2026-01-01T00:00:00.000000Z", merged)


def test_columns_of_type_datetime_are_read(storage: Storage, approvals: TableApprovals) -> None:
    """Storage Explorer offers that type for dates, and the table gives its own class of datetime back."""
    _row(storage, ALICE.id, valid_until=datetime(2026, 12, 31, tzinfo=UTC), valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    assert approvals.find(_LIST, ALICE.id) == approval(ALICE)


_WRONG: Final[tuple[dict[str, Any], ...]] = (
    {"valid_until": None},
    {"valid_until": "2027"},
    {"valid_until": 2027},
    {"valid_until": 2027.5},
    {"valid_until": True},
    {"valid_until": b"2027"},
    {"valid_from": "2026-01-01T00:00:00"},
    {"kind": "unknown"},
    {"ticket": ""},
    {"targets": 5},
    {"targets": f"{LAMP},*"},
)


def test_a_row_written_wrong_by_hand_leaves_it_unknown(storage: Storage, approvals: TableApprovals) -> None:
    actors = {f"a11ce000-0000-4000-8000-{number:012}": columns for number, columns in enumerate(_WRONG)}
    for actor_id, columns in actors.items():
        _row(storage, actor_id, **columns)
    for actor_id, columns in actors.items():
        assert isinstance(approvals.find(_LIST, actor_id), Malformed), columns
        assert _standing(approvals, Actor(id=actor_id, kind=ActorKind.USER)) is Standing.UNKNOWN, columns
    assert [isinstance(listed, Malformed) for _, _, listed in approvals.all()] == [True] * len(_WRONG)


def test_a_row_of_a_list_that_does_not_exist_is_listed_as_malformed(
    storage: Storage, approvals: TableApprovals
) -> None:
    storage.upsert(Table.APPROVED_ACTORS, "conditional access", ALICE.id, {"kind": "user"})
    ((name, _, listed),) = approvals.all()
    assert name == "conditional access"
    assert isinstance(listed, Malformed)


def test_an_id_in_capitals_as_row_key_is_malformed_not_absent(storage: Storage, approvals: TableApprovals) -> None:
    """Keys tell capitals apart. Somebody meant to approve this actor, so it isn't positively unapproved."""
    _row(storage, CAROL.id.upper())
    ((_, _, listed),) = approvals.all()
    assert isinstance(listed, Malformed)
    assert "lower case" in listed.because
    assert _standing(approvals, actor_of(CAROL)) is Standing.UNKNOWN


_NAMES: Final = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30).filter(str.strip)


@settings(max_examples=15)
@given(name=_NAMES, ticket=_NAMES, days=st.integers(1, 365))
def test_whatever_an_approval_says_comes_back(approvals: TableApprovals, name: str, ticket: str, days: int) -> None:
    written = approval(ALICE, name=name, ticket=ticket, valid_until=NOW + timedelta(days=days))
    approvals.approve(written)
    assert approvals.find(_LIST, ALICE.id) == written


# Dates as people type them.


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-31T18:00:00Z", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31T18:00:00+02:00", datetime(2027, 1, 31, 16, tzinfo=UTC)),
        ("2027-01-31T18:00", datetime(2027, 1, 31, 18, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_day_or_an_instant(text: str, instant: datetime) -> None:
    assert until_from(text) == instant


@pytest.mark.parametrize("text", ["", "tomorrow", "31.01.2027", "2027-13-01", "2027-02-30", "9999-12-31", "2027-1-1"])
def test_what_is_no_date_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match="write 2027-01-31 or 2027-01-31T18:00:00Z"):
        until_from(text)


@given(text=st.text(max_size=20) | st.dates().map(str) | st.datetimes().map(str))
def test_any_text_is_a_date_with_a_zone_or_is_refused(text: str) -> None:
    try:
        found = until_from(text)
    except ValueError as error:
        assert "is not a date" in str(error)  # noqa: PT017 - either is right
    else:
        assert found.tzinfo is not None


def test_a_refused_read_names_the_table(storage: Storage, approvals: TableApprovals) -> None:
    storage.delete_table(Table.APPROVED_ACTORS)
    with pytest.raises(Rejected, match="reading ApprovedActors: storage answered 404 TableNotFound"):
        approvals.find(_LIST, ALICE.id)
