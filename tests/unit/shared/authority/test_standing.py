"""Who may: by the rule alone, over approvals in memory. Reading the real table is tested in test_approvals."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import ALICE, IMPOSTOR, MALLORY, RELEASE_PIPELINE, RESPONDER, RESPONDER_B2C, Principal
from shared.authority.standing import Approval, Authorization, Malformed, approval_from, authorize
from shared.model.cases import Standing
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.events import Actor, ActorKind
from shared.model.kinds import ApprovalList
from tests.fakes.lamps import AT, LAMP, actor_of
from tests.fakes.runtime import approval

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_HOUR: Final = timedelta(hours=1)


@dataclass(slots=True)
class _Rows:
    """Approvals in memory: one list's rows by actor, or a failure."""

    by_actor: dict[str, Approval | Malformed]
    failure: EdgeError | None = None
    empty_failure: EdgeError | None = None

    def find(self, approval_list: ApprovalList, actor_id: str) -> Approval | Malformed | None:
        if self.failure is not None:
            raise self.failure
        return self.by_actor.get(actor_id) if approval_list is _LIST else None

    def is_empty(self, approval_list: ApprovalList) -> bool:
        if self.empty_failure is not None:
            raise self.empty_failure
        return approval_list is not _LIST or not self.by_actor


def _of(*approvals: Approval) -> _Rows:
    return _Rows({one.actor_id: one for one in approvals})


def _authorize(
    actor: Principal | Actor,
    rows: _Rows,
    *,
    at: datetime = AT,
    target_id: str = LAMP,
    responder_id: str = RESPONDER.id,
) -> Authorization:
    acting = actor if isinstance(actor, Actor) else actor_of(actor)
    return authorize(acting, _LIST, target_id=target_id, at=at, responder_id=responder_id, approvals=rows)


def test_a_valid_row_approves_and_is_named() -> None:
    found = _authorize(ALICE, _of(approval(ALICE)))
    assert found.standing is Standing.APPROVED
    assert ALICE.id in found.because
    assert "ticket CHG-1042" in found.because


def test_without_a_row_the_actor_is_unapproved() -> None:
    found = _authorize(MALLORY, _of(approval(ALICE)))
    assert found.standing is Standing.UNAPPROVED
    assert found.because == f"no row for {MALLORY.id} in approval list conditional-access"


def test_a_record_that_does_not_say_who_acted_is_unknown() -> None:
    found = _authorize(Actor(name=ALICE.upn or "", kind=ActorKind.USER), _of(approval(ALICE)))
    assert found.standing is Standing.UNKNOWN


def test_the_approved_name_of_another_id_approves_nobody() -> None:
    """Anybody can give an application the name of an approved one."""
    assert IMPOSTOR.name == RELEASE_PIPELINE.name
    found = _authorize(IMPOSTOR, _of(approval(RELEASE_PIPELINE)))
    assert found.standing is Standing.UNAPPROVED


def test_the_responder_itself_is_approved() -> None:
    assert _authorize(RESPONDER, _of(approval(ALICE))).standing is Standing.APPROVED


def test_the_responder_is_approved_even_when_no_list_can_be_read() -> None:
    """Else each of its own put-backs would be paged while the table is gone."""
    gone = _Rows({}, failure=Rejected("404", status=404))
    assert _authorize(RESPONDER, gone).standing is Standing.APPROVED


def test_the_responders_identity_counts_only_in_its_own_tenant() -> None:
    found = _authorize(RESPONDER, _of(approval(ALICE)), responder_id=RESPONDER_B2C.id)
    assert found.standing is Standing.UNAPPROVED


def test_without_an_own_identity_nobody_is_the_responder() -> None:
    """An unconfigured tenant has none, and a record without an actor has the same empty id."""
    assert _authorize(RESPONDER, _of(approval(ALICE)), responder_id="").standing is Standing.UNAPPROVED
    assert _authorize(Actor(), _of(approval(ALICE)), responder_id="").standing is Standing.UNKNOWN


def test_a_detection_that_applies_whoever_did_it_knows_nobody_but_the_responder() -> None:
    unreadable = _Rows({}, failure=Rejected("404", status=404))
    found = authorize(actor_of(ALICE), None, target_id=LAMP, at=AT, responder_id=RESPONDER.id, approvals=unreadable)
    assert found == Authorization(standing=Standing.UNKNOWN, because="the detection has no approval list")
    own = authorize(actor_of(RESPONDER), None, target_id=LAMP, at=AT, responder_id=RESPONDER.id, approvals=unreadable)
    assert own.standing is Standing.APPROVED


def test_an_empty_list_tells_nothing() -> None:
    found = _authorize(MALLORY, _Rows({}))
    assert found.standing is Standing.UNKNOWN
    assert "is empty" in found.because


@pytest.mark.parametrize("failure", [Unreachable("cut"), Refused("403"), Rejected("404"), Throttled("429")], ids=repr)
def test_a_table_that_cannot_be_read_tells_nothing(failure: EdgeError) -> None:
    for rows in (_Rows({}, failure=failure), _Rows({}, empty_failure=failure)):
        found = _authorize(MALLORY, rows)
        assert found.standing is Standing.UNKNOWN
        assert "could not be read" in found.because


def test_a_malformed_row_tells_nothing() -> None:
    found = _authorize(ALICE, _Rows({ALICE.id: Malformed(because="it has no end")}))
    assert found.standing is Standing.UNKNOWN
    assert "is malformed: it has no end" in found.because


@pytest.mark.parametrize(
    ("actor", "differences", "standing"),
    [
        (ALICE, {"valid_until": AT + timedelta(microseconds=1)}, Standing.APPROVED),
        (ALICE, {"valid_until": AT}, Standing.UNKNOWN),
        (ALICE, {"valid_from": AT}, Standing.APPROVED),
        (ALICE, {"valid_from": AT + timedelta(microseconds=1)}, Standing.UNKNOWN),
        (ALICE, {"valid_from": AT + _HOUR, "valid_until": AT - _HOUR}, Standing.UNKNOWN),
        (ALICE, {"revoked_at": AT + timedelta(microseconds=1)}, Standing.APPROVED),
        (ALICE, {"revoked_at": AT}, Standing.UNAPPROVED),
        (ALICE, {"revoked_at": AT - _HOUR}, Standing.UNAPPROVED),
        (ALICE, {"revoked_at": AT - _HOUR, "valid_until": AT - _HOUR}, Standing.UNAPPROVED),
        (ALICE, {"kind": ActorKind.SERVICE_PRINCIPAL}, Standing.UNKNOWN),
        (RELEASE_PIPELINE, {"kind": ActorKind.USER}, Standing.UNKNOWN),
        (RELEASE_PIPELINE, {}, Standing.APPROVED),
        (ALICE, {"hours": "08:00-18:00 Etc/UTC"}, Standing.APPROVED),
        (ALICE, {"hours": "10:00-10:01 Etc/UTC 1"}, Standing.APPROVED),
        (ALICE, {"hours": "22:00-10:01 Etc/UTC 7"}, Standing.APPROVED),
        (ALICE, {"hours": "08:00-10:00 Etc/UTC"}, Standing.UNKNOWN),
        (ALICE, {"hours": "08:00-18:00 Etc/UTC 6,7"}, Standing.UNKNOWN),
        (ALICE, {"hours": "08:00-18:00 Pacific/Auckland"}, Standing.UNKNOWN),
        (ALICE, {"hours": "08:00-10:00 Etc/UTC", "revoked_at": AT}, Standing.UNAPPROVED),
    ],
)
def test_when_a_row_holds(actor: Principal, differences: dict[str, Any], standing: Standing) -> None:
    assert _authorize(actor, _of(approval(actor, **differences))).standing is standing


@pytest.mark.parametrize(
    ("targets", "target_id", "standing"),
    [
        ((), LAMP, Standing.APPROVED),
        ((), "", Standing.APPROVED),
        ((LAMP,), LAMP, Standing.APPROVED),
        ((LAMP,), LAMP.upper(), Standing.APPROVED),
        (("B2C_1A_SignIn",), "b2c_1a_signin", Standing.APPROVED),
        ((LAMP,), f"{LAMP}0", Standing.UNAPPROVED),
        ((f"{LAMP}0",), LAMP, Standing.UNAPPROVED),
        ((LAMP,), "", Standing.UNAPPROVED),
        (("/subscriptions/1/*",), "/subscriptions/1/roles/2", Standing.APPROVED),
        (("/SUBSCRIPTIONS/1/*",), "/subscriptions/1/roles/2", Standing.APPROVED),
        (("/subscriptions/1/*",), "/subscriptions/12/roles/2", Standing.UNAPPROVED),
        (("/subscriptions/1*",), "/subscriptions/12/roles/2", Standing.APPROVED),
        (("/sub*/1",), "/subscriptions/1", Standing.UNAPPROVED),
        (("*",), LAMP, Standing.APPROVED),
        (("other", LAMP), LAMP, Standing.APPROVED),
    ],
)
def test_which_objects_a_row_covers(targets: tuple[str, ...], target_id: str, standing: Standing) -> None:
    found = _authorize(ALICE, _of(approval(ALICE, targets=targets)), target_id=target_id)
    assert found.standing is standing


# Rows as they stand in the table.

GOOD: Final[dict[str, Any]] = {
    "approval_list": "conditional-access",
    "actor_id": ALICE.id,
    "kind": "user",
    "name": "Alice Alvarez",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2026-12-31T00:00:00Z",
    "ticket": "CHG-1042",
    "approved_by": "Head of identity",
    "targets": "",
}


def test_a_row_is_read_whole() -> None:
    assert approval_from(dict(GOOD)) == approval(ALICE)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("approval_list", "no-such-list"),
        ("kind", "group"),
        ("kind", "unknown"),
        ("kind", ""),
        ("kind", 1),
        ("name", 1),
        ("valid_from", ""),
        ("valid_from", "soon"),
        ("valid_from", "2026-01-01"),
        ("valid_from", "2026-01-01T00:00:00"),
        ("valid_until", "2026-12-31T00:00:00"),
        ("valid_until", datetime(2026, 12, 31)),  # noqa: DTZ001 - what a person may have typed
        ("valid_until", "never"),
        ("valid_until", 20261231),
        ("valid_until", True),
        ("valid_until", "20261231"),
        ("ticket", ""),
        ("ticket", "  "),
        ("ticket", 1042),
        ("approved_by", 7),
        ("targets", 5),
        ("targets", True),
        ("targets", b"everything"),
        ("targets", f"{LAMP},{LAMP}"),
        ("targets", f"{LAMP};{LAMP}"),
        ("revoked_at", "yes"),
        ("revoked_at", ""),
        ("revoked_at", True),
        ("revoked_at", "2026-02-01T00:00:00"),
    ],
)
def test_a_row_with_one_wrong_column_counts_for_nothing(column: str, value: object) -> None:
    read = approval_from({**GOOD, column: value})
    assert isinstance(read, Malformed), read
    assert _authorize(ALICE, _Rows({ALICE.id: read})).standing is Standing.UNKNOWN


@pytest.mark.parametrize("column", sorted(GOOD.keys() - {"targets"}))
def test_a_row_without_a_column_counts_for_nothing(column: str) -> None:
    without: dict[str, object] = {name: value for name, value in GOOD.items() if name != column}
    with_null: dict[str, object] = {**GOOD, column: None}
    for columns in (without, with_null):
        read = approval_from(columns)
        assert isinstance(read, Malformed), read
        assert column in read.because


@pytest.mark.parametrize("targets", [{}, {"targets": None}, {"targets": "  "}])
def test_a_row_without_targets_covers_everything(targets: dict[str, Any]) -> None:
    columns = {name: value for name, value in GOOD.items() if name != "targets"}
    assert approval_from(columns | targets) == approval(ALICE)


def test_columns_that_other_tools_add_do_no_harm() -> None:
    assert approval_from({**GOOD, "odata.etag": 'W/"1"', "note": "asked by Carol"}) == approval(ALICE)


# Laws.

_WORDS: Final = st.sampled_from(["", "*", LAMP, LAMP.upper(), LAMP[:-1] + "*", "other", "2026-01-01T00:00:00Z", "x,y"])
_INSTANTS: Final = st.datetimes(timezones=st.sampled_from([UTC, None])) | st.datetimes(
    min_value=datetime(2026, 3, 1),  # noqa: DTZ001 - the zone is said below
    max_value=datetime(2026, 3, 3),  # noqa: DTZ001
    timezones=st.just(UTC),
)
_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=4)
    | st.text(max_size=8)
    | _WORDS
    | _INSTANTS
    | _INSTANTS.map(datetime.isoformat)
)
_columns = st.dictionaries(st.text(max_size=5), _values, max_size=2).flatmap(
    lambda extra: st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD | {"revoked_at": ""}, _values)).map(
        lambda changed: extra | GOOD | changed
    )
)
_actors = st.builds(
    Actor,
    id=st.sampled_from([ALICE.id, ALICE.id, ALICE.id, ALICE.id, "", MALLORY.id, RESPONDER.id]),
    name=st.sampled_from(["", "Alice Alvarez"]),
    kind=st.just(ActorKind.USER) | st.sampled_from(ActorKind),
)


@given(columns=_columns | st.dictionaries(st.text(max_size=12), _values), actor=_actors, target_id=_WORDS)
def test_whatever_a_row_holds_it_is_read_or_refused(columns: dict[str, Any], actor: Actor, target_id: str) -> None:
    read = approval_from(columns)
    found = _authorize(actor, _Rows({ALICE.id: read}), target_id=target_id)
    assert found.because
    if isinstance(read, Malformed) and actor.id == ALICE.id:
        assert found.standing is Standing.UNKNOWN


@given(columns=_columns, actor=_actors, target_id=_WORDS)
def test_nobody_is_approved_without_a_row_that_says_so_in_every_column(
    columns: dict[str, Any], actor: Actor, target_id: str
) -> None:
    read = approval_from(columns)
    if _authorize(actor, _Rows({ALICE.id: read}), target_id=target_id).standing is not Standing.APPROVED:
        return
    if actor.id == RESPONDER.id:
        return
    assert actor.id == ALICE.id
    assert isinstance(read, Approval)
    assert read.kind is actor.kind
    assert read.kind is not ActorKind.UNKNOWN
    assert read.valid_from <= AT < read.valid_until
    assert read.revoked_at is None or read.revoked_at > AT
    assert read.ticket.strip()
    wanted = target_id.lower()
    patterns = [one.lower() for one in read.targets]
    assert not patterns or any(wanted == one or (one.endswith("*") and wanted.startswith(one[:-1])) for one in patterns)


@given(
    at=_INSTANTS.filter(lambda at: at.tzinfo is not None),
    differences=st.fixed_dictionaries(
        {}, optional={"valid_from": _INSTANTS, "valid_until": _INSTANTS, "revoked_at": st.none() | _INSTANTS}
    ),
)
def test_unapproved_takes_more_than_doubt(at: datetime, differences: dict[str, Any]) -> None:
    """With a row for the actor, only its revocation makes a change of a covered object positively unapproved."""
    aware = {name: value.replace(tzinfo=UTC) if value is not None else None for name, value in differences.items()}
    row = msgspec.structs.replace(approval(ALICE), **aware)
    if _authorize(ALICE, _of(row), at=at).standing is Standing.UNAPPROVED:
        assert row.revoked_at is not None
        assert at >= row.revoked_at


@pytest.mark.parametrize("hours", ["9-5 Etc/UTC", "08:00-18:00", "08:00-18:00 Mars/Base", "08:00-25:00 Etc/UTC", "any"])
def test_hours_that_nobody_can_read_make_the_row_malformed(hours: str) -> None:
    row = msgspec.to_builtins(approval(ALICE)) | {"hours": hours, "targets": ""}
    found = approval_from(row)
    assert isinstance(found, Malformed)
    assert found.because.startswith("its hours ")
