"""Who is an operator: by what operators signed, wherever it lies, and never by who may write to storage."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.authority.operator_keys import (
    KeyKind,
    PublicKey,
    bytes_of,
    fingerprint,
    is_signed,
    problem_with_key,
    text_of,
)
from shared.authority.operators import (
    Genesis,
    Operator,
    Operators,
    SignedStatement,
    operators_of,
    statement_in,
    statement_text,
)
from tests.fakes.clock import NOW
from tests.fakes.operators import (
    ALICE,
    CAROL,
    DAVE,
    ERIN,
    FOUNDED,
    GENESIS,
    PASSKEY,
    add,
    add_passkey,
    folded,
    operator,
    private,
    public,
    signed,
    suspend,
)

_DAY: Final = timedelta(days=1)
_ERIN: Final = signed(add(ERIN, at=NOW - 10 * _DAY), "alice-1", "carol-1", "erin-1")


def _acting(found: Operators, days: float = 0) -> str:
    return " ".join(one.id for one in found.acting(NOW + days * _DAY))


def _problem(found: Operators, *parts: str) -> bool:
    return any(all(part in problem for part in parts) for problem in found.problems)


# ---- founding --------------------------------------------------------------------------------------------------------


def test_those_who_founded_the_list_are_operators_from_then_on() -> None:
    found = folded()
    assert (_acting(found), _acting(found, -31)) == ("alice carol dave", "")
    assert (found.genesis, found.heads, found.problems) == (GENESIS.digest, (GENESIS.digest,), ())


def _genesis(*operators: Operator, signers: int = 2) -> Genesis:
    return Genesis(at=FOUNDED, operators=operators, signers=signers)


_SEEDS: Final = ("alice-1", "carol-1", "dave-1")
_PASSKEY: Final = PublicKey(kind=KeyKind.PASSKEY, public="AAAA", credential="BBBB", host="responder.example")
_WRONG_GENESES: Final[dict[str, tuple[Genesis, Sequence[str], str]]] = {
    "two operators": (_genesis(ALICE, CAROL), _SEEDS, "there should be 3"),
    "one didn't sign": (_genesis(ALICE, CAROL, DAVE), _SEEDS[:2], "dave didn't sign it"),
    "one signs for another": (_genesis(ALICE, CAROL, DAVE), ("alice-1", "alice-2", "carol-1"), "dave didn't sign it"),
    "one is enough to add": (_genesis(ALICE, CAROL, DAVE, signers=1), _SEEDS, "1 who sign"),
    "all have to sign": (_genesis(ALICE, CAROL, DAVE, signers=3), _SEEDS, "3 who sign"),
    "one object id twice": (
        _genesis(ALICE, CAROL, operator("dave", object_id=ALICE.object_id)),
        _SEEDS,
        "would be one person",
    ),
    "one key twice": (_genesis(ALICE, CAROL, operator("dave", seeds=("dave-1", "alice-2"))), _SEEDS, "one person"),
    "one id twice": (_genesis(ALICE, CAROL, operator("dave", id="alice")), _SEEDS, "alice already"),
    "a single key": (_genesis(ALICE, CAROL, operator("dave", seeds=("dave-1",))), _SEEDS, "keys"),
    "a key twice in one hand": (_genesis(ALICE, CAROL, operator("dave", seeds=("dave-1",) * 2)), _SEEDS, "keys"),
    "passkeys alone": (
        _genesis(
            ALICE,
            CAROL,
            msgspec.structs.replace(
                DAVE, keys=(_PASSKEY, msgspec.structs.replace(_PASSKEY, public="CCCC", credential="DDDD"))
            ),
        ),
        _SEEDS,
        "Ed25519",
    ),
    "a name with a line break": (
        _genesis(ALICE, CAROL, msgspec.structs.replace(DAVE, name="Dave\napproved: yes")),
        _SEEDS,
        "no name that can be shown",
    ),
    "an object id in capitals": (
        _genesis(ALICE, CAROL, msgspec.structs.replace(DAVE, object_id=DAVE.object_id.upper())),
        _SEEDS,
        "object id",
    ),
}


@pytest.mark.parametrize("name", _WRONG_GENESES)
def test_what_founds_no_list_leaves_nobody_an_operator_and_says_why(name: str) -> None:
    genesis, seeds, why = _WRONG_GENESES[name]
    made = signed(genesis, *seeds)
    found = operators_of([made], founding={made.digest}, read_at=NOW)
    read = statement_in(made.text)
    assert _acting(found) == ""
    assert why in (read if isinstance(read, str) else " ".join(found.problems))
    assert found.problems


def test_whoever_writes_to_storage_founds_no_list_of_his_own() -> None:
    names = ("mallory", "mel", "max")
    theirs = signed(_genesis(*map(operator, names)), *(f"{name}-1" for name in names))
    found = folded(theirs)
    assert _acting(found) == "alice carol dave"
    assert _problem(found, "would found another list")
    alone = operators_of([theirs], founding=set(), read_at=NOW)
    assert (_acting(alone), alone.genesis) == ("", "")
    assert _problem(alone, "no statement founds")


def test_of_two_lists_that_may_be_founded_none_is() -> None:
    second = signed(_genesis(ALICE, CAROL, ERIN), "alice-1", "carol-1", "erin-1")
    found = operators_of([GENESIS, second], founding={GENESIS.digest, second.digest}, read_at=NOW)
    assert _acting(found) == ""
    assert _problem(found, "more than one list")


# ---- adding ----------------------------------------------------------------------------------------------------------


def test_somebody_whom_two_others_sign_for_is_an_operator_from_then_on() -> None:
    found = folded(_ERIN)
    assert (_acting(found, -11), _acting(found)) == ("alice carol dave", "alice carol dave erin")
    assert found.heads == (_ERIN.digest,)
    assert not found.problems


@pytest.mark.parametrize(
    "seeds",
    [
        (),
        ("alice-1", "erin-1"),
        ("alice-1", "alice-2", "erin-1"),
        ("alice-1", "mallory-1", "erin-1"),
        ("alice-1", "carol-1"),
        ("erin-1", "erin-2"),
        ("alice-1", "carol-1", "mallory-1"),
    ],
    ids=[
        "unsigned",
        "by one",
        "by one with two keys",
        "by a stranger",
        "not by the new one",
        "by the new one alone",
        "by another for the new one",
    ],
)
def test_nobody_is_added_by_fewer(seeds: tuple[str, ...]) -> None:
    found = folded(signed(add(ERIN), *seeds))
    assert _acting(found) == "alice carol dave"
    assert found.problems


def test_a_third_signature_counts_where_the_list_was_founded_with_three() -> None:
    founders = (ALICE, CAROL, DAVE, operator("frank"))
    genesis = signed(_genesis(*founders, signers=3), *_SEEDS, "frank-1")
    adding = msgspec.structs.replace(add(ERIN), genesis=genesis.digest, after=(genesis.digest,))

    def acting(*seeds: str) -> str:
        statements = [genesis, signed(adding, *seeds, "erin-1")]
        return _acting(operators_of(statements, founding={genesis.digest}, read_at=NOW))

    assert "erin" not in acting("alice-1", "carol-1")
    assert "erin" in acting("alice-1", "carol-1", "dave-2")


def test_signatures_that_came_one_by_one_are_joined() -> None:
    parts = [signed(add(ERIN), seed) for seed in ("alice-1", "carol-1", "erin-2")]
    assert _acting(folded(*parts)) == "alice carol dave erin"
    assert _acting(folded(*parts[:2])) == "alice carol dave"


def test_a_forged_copy_of_a_signature_hides_the_right_one_in_no_order() -> None:
    forged = SignedStatement(text=_ERIN.text, signatures=dict.fromkeys(_ERIN.signatures, text_of(bytes(64))))
    for order in ((forged, _ERIN), (_ERIN, forged)):
        assert _acting(folded(*order)) == "alice carol dave erin"
    assert _acting(folded(forged)) == "alice carol dave"


@pytest.mark.parametrize(
    ("mallory", "why"),
    [
        (operator("mallory", object_id=ALICE.object_id), "one person"),
        (operator("mallory", seeds=("mallory-1", "alice-2")), "one person"),
        (operator("mallory", id="alice"), "alice already"),
    ],
    ids=["object id", "key", "id"],
)
def test_one_person_is_no_second_operator(mallory: Operator, why: str) -> None:
    found = folded(signed(add(mallory), "alice-1", "carol-1", "mallory-1"))
    assert _acting(found) == "alice carol dave"
    assert _problem(found, why)


def test_a_passkey_of_another_is_one_person_too() -> None:
    with_passkey = msgspec.structs.replace(ERIN, keys=(*ERIN.keys, _PASSKEY))
    copied = msgspec.structs.replace(_PASSKEY, public="EEEE")
    frank = msgspec.structs.replace(operator("frank"), keys=(*operator("frank").keys, copied))
    first = signed(add(with_passkey), "alice-1", "carol-1", "erin-1")
    second = signed(add(frank, after=(first.digest,)), "alice-1", "carol-1", "frank-1")
    found = folded(first, second)
    assert _acting(found) == "alice carol dave erin"
    assert found.with_credential("BBBB") is not None


_MORE: Final = msgspec.structs.replace(_PASSKEY, public="EEEE", credential="FFFF")


def _keys(found: Operators, who: str) -> int:
    enrolled = found.named(who)
    assert enrolled is not None
    return len(enrolled.operator.keys)


def test_a_passkey_is_added_by_its_operator_and_as_many_others_as_for_a_new_one() -> None:
    made = signed(add_passkey("alice", _MORE), "alice-2", "carol-1", "dave-1")
    found = folded(made)
    whose = found.with_credential("FFFF")
    assert whose is not None
    assert (whose[0].operator.id, whose[0].added, whose[1]) == ("alice", (_MORE,), _MORE)
    assert (_keys(found, "alice"), found.problems, found.heads) == (3, (), (made.digest,))


_REFUSED_PASSKEYS: Final[dict[str, tuple[SignedStatement, str]]] = {
    "its operator didn't sign": (signed(add_passkey("alice", _MORE), "carol-1", "dave-1"), "alice, who didn't sign"),
    "one other signs": (signed(add_passkey("alice", _MORE), "alice-1", "alice-2", "carol-1"), "1 others signed"),
    "a stranger signs": (signed(add_passkey("alice", _MORE), "alice-1", "carol-1", "mallory-1"), "1 others signed"),
    "of nobody": (signed(add_passkey("erin", _MORE), "alice-1", "carol-1", "dave-1"), "erin is no operator"),
    "another's": (signed(add_passkey("alice", PASSKEY.public), "alice-1", "carol-1", "dave-1"), "carol has this"),
    "another's with its id": (
        signed(
            add_passkey("alice", msgspec.structs.replace(_MORE, credential=PASSKEY.public.credential)),
            *("alice-1", "carol-1", "dave-1"),
        ),
        "carol has this",
    ),
    "a key of the command line": (
        signed(add_passkey("alice", public(private("alice-3"))), "alice-1", "carol-1", "dave-1"),
        "nothing but a passkey",
    ),
    "a passkey of no host": (
        signed(add_passkey("alice", msgspec.structs.replace(_MORE, host="")), "alice-1", "carol-1", "dave-1"),
        "names no host",
    ),
}


@pytest.mark.parametrize("name", _REFUSED_PASSKEYS)
def test_a_passkey_that_was_not_added_rightly_is_nobodys(name: str) -> None:
    made, why = _REFUSED_PASSKEYS[name]
    found = folded(made)
    assert _problem(found, why), found.problems
    assert [_keys(found, who) for who in ("alice", "carol", "dave")] == [2, 3, 2]


def test_a_suspension_that_does_not_know_a_passkey_undoes_that_it_was_added() -> None:
    made = signed(add_passkey("alice", _MORE), "alice-1", "carol-1", "dave-1")
    of_others = [signed(suspend(who), "dave-1") for who in ("alice", "carol")]
    for suspension in of_others:
        assert folded(made, suspension).with_credential("FFFF") is None
    knowing = signed(suspend("carol", after=(made.digest,)), "dave-1")
    assert folded(made, knowing).with_credential("FFFF") is not None


def test_a_passkey_is_added_to_whom_its_statement_knows() -> None:
    seeds = ("erin-1", "alice-1", "carol-1")
    unknowing = signed(add_passkey("erin", _MORE), *seeds)
    assert _problem(folded(_ERIN, unknowing), "erin is no operator as far as it knows")
    knowing = signed(add_passkey("erin", _MORE, after=(_ERIN.digest,)), *seeds)
    assert _keys(folded(_ERIN, knowing), "erin") == 3


def test_an_operator_has_eight_keys_at_most() -> None:
    statements: list[SignedStatement] = []
    for number in range(7):
        more = msgspec.structs.replace(_MORE, credential=f"FFF{number}", public=f"EEE{number}")
        after = tuple(one.digest for one in statements[-1:])
        statements.append(signed(add_passkey("alice", more, after=after), "alice-1", "carol-1", "dave-1"))
    found = folded(*statements)
    assert (_keys(found, "alice"), _problem(found, "has 8 keys already")) == (8, True)


def test_who_was_added_signs_for_the_next_one() -> None:
    frank = operator("frank")
    later = signed(add(frank, after=(_ERIN.digest,)), "erin-1", "alice-1", "frank-1")
    before = signed(add(frank), "erin-1", "alice-1", "frank-1")
    assert "frank" in _acting(folded(_ERIN, later))
    assert "frank" not in _acting(folded(_ERIN, before))


# ---- suspending ------------------------------------------------------------------------------------------------------


def test_one_signature_suspends_at_once_and_for_good() -> None:
    found = folded(signed(suspend("carol", at=NOW - _DAY), "dave-1"))
    assert (_acting(found, -2), _acting(found)) == ("alice carol dave", "alice dave")
    assert found.signers == 2


def test_a_suspension_that_is_dated_ahead_counts_at_once() -> None:
    found = folded(signed(suspend("carol", at=NOW + _DAY), "dave-1"))
    assert _acting(found) == "alice dave"


@pytest.mark.parametrize("seeds", [(), ("mallory-1",), ("erin-1",)], ids=["unsigned", "a stranger", "not yet one"])
def test_nobody_else_suspends(seeds: tuple[str, ...]) -> None:
    found = folded(signed(suspend("carol"), *seeds), _ERIN)
    assert _acting(found) == "alice carol dave erin"
    assert _problem(found, "no operator signed it")


def test_suspensions_leave_two() -> None:
    first = signed(suspend("carol"), "dave-1")
    second = signed(suspend("dave", at=NOW + _DAY, after=(first.digest,)), "alice-1")
    found = folded(first, second)
    assert _acting(found, 2) == "alice dave"
    assert _problem(found, "fewer than 2")


def test_two_who_suspend_each_other_leave_two() -> None:
    found = folded(signed(suspend("carol"), "dave-1"), signed(suspend("dave", at=NOW + _DAY), "carol-1"))
    assert _acting(found, 2) == "alice dave"
    assert found.problems


def test_who_is_suspended_suspends_nobody_after_it() -> None:
    first = signed(suspend("carol", after=(_ERIN.digest,)), "dave-1")
    second = signed(suspend("dave", after=(first.digest,)), "carol-1")
    found = folded(_ERIN, first, second)
    assert _acting(found) == "alice dave erin"


def test_a_signature_of_who_was_suspended_counts_only_where_the_suspension_knows_it() -> None:
    """A stolen key can't put anything before its suspension: no clock decides."""
    before = signed(suspend("carol", after=(_ERIN.digest,)), "dave-1")
    beside = signed(suspend("carol"), "dave-1")
    assert _acting(folded(_ERIN, before)) == "alice dave erin"
    assert _acting(folded(_ERIN, beside)) == "alice dave"
    backdated = signed(add(ERIN, at=FOUNDED), "alice-1", "carol-1", "erin-1")
    assert _acting(folded(backdated, beside)) == "alice dave"


def test_whom_a_voided_operator_signed_for_falls_with_them() -> None:
    frank = operator("frank")
    chained = signed(add(frank, after=(_ERIN.digest,)), "erin-1", "alice-1", "frank-1")
    beside = signed(suspend("carol"), "dave-1")
    assert _acting(folded(_ERIN, chained)) == "alice carol dave erin frank"
    assert _acting(folded(_ERIN, chained, beside)) == "alice dave"


def test_a_person_who_was_suspended_comes_back_by_two_others_with_other_keys_under_another_id() -> None:
    gone = signed(suspend("carol"), "dave-1")
    back = operator("carol2", object_id=CAROL.object_id)
    again = signed(add(back, after=(gone.digest,)), "alice-1", "dave-1", "carol2-1")
    found = folded(gone, again)
    assert _acting(found) == "alice carol2 dave"
    assert found.with_object_id(CAROL.object_id.upper()) == found.named("carol2")
    for wrong in (operator("carol2", object_id=CAROL.object_id, seeds=("carol2-1", "carol-2")), CAROL):
        seeds = ("alice-1", "dave-1", "carol2-1" if wrong is not CAROL else "carol-1")
        other = folded(gone, signed(add(wrong, after=(gone.digest,)), *seeds))
        assert _acting(other) == "alice dave"
        assert _problem(other, "who was suspended")


# ---- what can't be read ----------------------------------------------------------------------------------------------


def test_a_statement_that_is_missing_is_reported() -> None:
    frank = signed(add(operator("frank"), after=(_ERIN.digest,)), "alice-1", "carol-1", "frank-1")
    found = folded(frank)
    assert _acting(found) == "alice carol dave frank"
    assert _problem(found, "which is missing", _ERIN.digest[:12])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        GENESIS.text.replace("version 1", "version 2"),
        GENESIS.text + " ",
        GENESIS.text.replace('  "at"', '"at"'),
        GENESIS.text.replace('"signers": 2', '"signers": 2, "also": 1'),
        GENESIS.text.replace('"signers": 2', '"signers": 2.0'),
        GENESIS.text.split("\n", 1)[0] + "\n" + "[" * 100_000,
    ],
    ids=["empty", "no tag", "version", "space", "spelling", "unknown field", "number", "deep"],
)
def test_a_text_that_isnt_a_statement_is_ignored_and_reported(text: str) -> None:
    assert isinstance(statement_in(text), str)
    found = folded(SignedStatement(text=text, signatures={}))
    assert _acting(found) == "alice carol dave"
    assert len(found.problems) == 1


def test_statements_of_another_list_are_ignored_and_reported() -> None:
    other = msgspec.structs.replace(suspend("carol"), genesis="0" * 64)
    found = folded(signed(other, "dave-1"))
    assert _acting(found) == "alice carol dave"
    assert _problem(found, "another list")


def test_every_statement_is_written_in_one_way() -> None:
    for one in (GENESIS, _ERIN, signed(suspend("carol"))):
        read = statement_in(one.text)
        assert not isinstance(read, str)
        assert statement_text(read) == one.text


_SOME: Final = (
    _ERIN,
    signed(suspend("carol"), "dave-1"),
    signed(suspend("dave", at=NOW + _DAY), "carol-1"),
    signed(add(operator("frank"), after=(_ERIN.digest,)), "erin-1", "alice-1", "frank-1"),
    signed(add(operator("mallory")), "mallory-1"),
    signed(suspend("alice", after=(_ERIN.digest,)), "erin-1"),
    SignedStatement(text="nothing", signatures={}),
)


@given(st.lists(st.sampled_from(_SOME), max_size=9), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_makes_a_difference_and_two_are_always_left(
    some: list[SignedStatement], random: Random
) -> None:
    other = list(dict.fromkeys(one.digest for one in some))
    by_digest = {one.digest: one for one in some}
    random.shuffle(other)
    found, again = folded(*some), folded(*(by_digest[digest] for digest in other))
    assert found.enrolled == again.enrolled
    assert found.heads == again.heads
    assert len(found.acting(NOW + 3 * _DAY)) >= 2


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_signature_is_of_one_key_and_one_content() -> None:
    key = private("alice-1")
    signature = text_of(key.sign(b"yes"))
    assert is_signed(public(key), b"yes", signature)
    assert not is_signed(public(key), b"no", signature)
    assert not is_signed(public(private("alice-2")), b"yes", signature)
    for wrong in ("", "AAAA", signature + "=", signature[:-1], signature + "A", text_of(bytes(64)), "é" * 86):
        assert not is_signed(public(key), b"yes", wrong)
    assert not is_signed(_PASSKEY, b"yes", signature)


@given(st.binary(max_size=70))
def test_bytes_have_one_spelling(content: bytes) -> None:
    text = text_of(content)
    assert bytes_of(text) == content
    for other in (text + "=", text + "\n", text.replace("_", "/").replace("-", "+")):
        assert other == text or bytes_of(other) is None
    spellings = {text[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"}
    assert [one for one in spellings if text and bytes_of(one) == content] in ([], [text])


def test_each_part_of_a_key_is_in_its_fingerprint() -> None:
    keys = [
        _PASSKEY,
        msgspec.structs.replace(_PASSKEY, public="AAAB"),
        msgspec.structs.replace(_PASSKEY, credential="BBBC"),
        msgspec.structs.replace(_PASSKEY, host="other.example"),
        msgspec.structs.replace(_PASSKEY, kind=KeyKind.ED25519),
    ]
    assert len({fingerprint(key) for key in keys}) == len(keys)
    assert all(len(fingerprint(key)) == 39 for key in keys)


@pytest.mark.parametrize(
    "key",
    [
        PublicKey(kind=KeyKind.ED25519, public="AAAA"),
        PublicKey(kind=KeyKind.ED25519, public="!"),
        msgspec.structs.replace(public(private("a")), host="responder.example"),
        msgspec.structs.replace(_PASSKEY, host=""),
        msgspec.structs.replace(_PASSKEY, host="https://responder.example"),
        msgspec.structs.replace(_PASSKEY, host="Responder.example"),
        msgspec.structs.replace(_PASSKEY, credential=""),
        msgspec.structs.replace(_PASSKEY, public=""),
    ],
    ids=["short", "no base64", "with a host", "no host", "an address", "capitals", "no credential", "no public half"],
)
def test_a_key_that_cant_be_used_is_named(key: PublicKey) -> None:
    assert problem_with_key(key)
    assert not problem_with_key(_PASSKEY)
    assert not problem_with_key(public(private("a")))
