"""What is answered below /api/emergency: to requests that are right, wrong, too large, of nobody, anything at all."""

import base64
import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.storage import Storage
from shared.emergency.asking import PATH, joined, journal_of, says_what_was_signed
from shared.emergency.entries import Caller, Entry, Proof, SignedRequest, StepState
from shared.emergency.routes import Asked, Identified, NotIdentified, Reply, respond
from tests.fakes.emergencies import CAROL, CODED, DAVE, EMERGENCY
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runbooks import A_SECOND, Desk, desk
from tests.fakes.spoilt_storage import SpoiltStorage

NONCE = "5" * 32
DECLARE = {"reason": "Nobody can sign in", "hybrid": False, "emergency": EMERGENCY}


@pytest.fixture
def app(storage: Storage) -> Desk:
    return desk(storage)


def send(
    app: Desk,
    method: str = "POST",
    path: str = PATH,
    body: bytes | dict[str, Any] = b"",
    *,
    caller: Caller | NotIdentified = CAROL,
    nonce: str = "",
    **headers: str,
) -> Reply:
    app.bench.clock.move(A_SECOND)
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def identify(first: bytes) -> Identified | NotIdentified:
        if isinstance(caller, NotIdentified):
            return caller
        signed = SignedRequest(
            method=method,
            path=path,
            body=base64.b64encode(first).decode(),
            headers={"X-Emergency-Nonce": nonce or f"{len(raw):032x}"},
        )
        return Identified(caller=caller, signed=signed if caller.proof is Proof.SIGNATURE else None)

    return respond(app.engine, Asked(method=method, path=path, headers=named, body=raw), identify)


def said(reply: Reply) -> dict[str, Any]:
    return msgspec.json.decode(reply.body)


def test_a_declaration_is_answered_with_the_whole_emergency(app: Desk) -> None:
    reply = send(app, body=DECLARE)
    assert reply.status == 200
    answer = said(reply)
    assert answer["id"] == EMERGENCY
    assert [step["number"] for step in answer["steps"]] == [*range(1, 9)]
    assert len(answer["entries"]) == len(app.emergency.entries) == 3
    assert answer["next"].startswith("Step 2")
    assert answer["unstored"] == 0
    assert [step["took_seconds"] for step in answer["steps"]] == [0.0] + [None] * 7
    entries = msgspec.convert(answer["entries"], tuple[Entry, ...])
    assert entries == app.emergency.entries
    assert all("no-store" in value for name, value in reply.headers.items() if name == "Cache-Control")


def test_a_signed_request_without_an_id_takes_its_nonce(app: Desk) -> None:
    send(app, body={"reason": "Nobody can sign in", "hybrid": True}, nonce=NONCE)
    found = app.engine.store.read(NONCE)
    assert found is not None
    assert found.entries[0].id == NONCE
    assert says_what_was_signed(found.entries[0])


def test_a_second_declaration_names_the_open_one(app: Desk) -> None:
    send(app, body=DECLARE)
    reply = send(app, body=DECLARE | {"emergency": "f" * 32, "entry": "1" * 32})
    assert (reply.status, reply.content_type) == (409, "application/problem+json")
    assert said(reply)["emergency"] == EMERGENCY


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", PATH, b"", 400),
        ("POST", PATH, b"{", 400),
        ("POST", PATH, b"[]", 400),
        ("POST", PATH, b"\xff\xfe", 400),
        ("POST", PATH, b"[" * 100_000, 400),
        ("POST", PATH, b'{"reason": "x"}', 400),
        ("POST", PATH, b'{"reason": " ", "hybrid": true}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": "yes"}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "by": "Alice"}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "hours": 73}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "hours": -1}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "hours": 1e999}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "emergency": "../../etc"}', 400),
        ("POST", PATH, b'{"reason": "x", "hybrid": true, "privileged_accounts": ["alice"]}', 400),
        ("POST", PATH, b" " * (2 * 1024 * 1024), 413),
        ("POST", f"{PATH}/{EMERGENCY}", b"{}", 404),
        ("POST", f"{PATH}/{EMERGENCY}/", b"{}", 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps", b"{}", 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/1/2", b"{}", 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/-1", b'{"action": "run"}', 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/one", b'{"action": "run"}', 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/99", b'{"action": "run"}', 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/9999", b'{"action": "run"}', 404),
        ("POST", f"{PATH}/{EMERGENCY}/steps/2", b'{"action": "stop"}', 400),
        ("POST", f"{PATH}/{EMERGENCY}/close/2", b'{"summary": "over"}', 404),
        ("POST", f"{PATH}/{EMERGENCY}/extend", b'{"until": "2026-03-03T10:00:00", "reason": "x"}', 400),
        ("POST", f"{PATH}/{EMERGENCY}/extend", b'{"until": "tomorrow", "reason": "x"}', 400),
        ("POST", f"{PATH}/{EMERGENCY}/extend", b'{"until": "9999-12-31T23:59:59Z", "reason": "x"}', 400),
        ("POST", f"{PATH}/{EMERGENCY}/open", b"{}", 404),
        ("POST", f"{PATH}/{EMERGENCY.upper()}/acknowledge", b"{}", 404),
        ("POST", f"{PATH}/{'f' * 32}/acknowledge", b"{}", 404),
        ("GET", f"{PATH}/{EMERGENCY}/steps/2", b"", 404),
        ("GET", f"{PATH}/{EMERGENCY}/close", b"", 404),
        ("GET", f"{PATH}/{'f' * 32}", b"", 404),
        ("PUT", f"{PATH}/{EMERGENCY}/steps/2", b'{"action": "run"}', 405),
        ("DELETE", f"{PATH}/{EMERGENCY}", b"", 405),
        ("HEAD", f"{PATH}/{EMERGENCY}", b"", 405),
        ("PATCH", PATH, b"{}", 405),
    ],
)
def test_what_is_wrong_gets_a_problem_that_says_so_and_changes_nothing(
    app: Desk, *, method: str, path: str, body: bytes, status: int
) -> None:
    send(app, body=DECLARE)
    before = app.emergency
    reply = send(app, method, path, body)
    assert reply.status == status, reply.body[:300]
    assert reply.content_type == "application/problem+json"
    assert set(said(reply)) == {"status", "detail"}
    assert len(reply.body) < 2000
    assert app.emergency == before
    assert len(app.engine.store.going()) == 1


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "get"]),
    rest=st.text(alphabet="abcdef0123456789/steps?.%-", max_size=80),
    body=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["reason", "hybrid", "action", "entry", "journal", "until"]), inner)
        ),
    ).map(msgspec.json.encode),
    lines=st.booleans(),
)
def test_whatever_is_sent_is_answered_and_never_an_error_of_the_app(
    method: str, rest: str, body: bytes, *, lines: bool
) -> None:
    memory = MemoryStorage()
    memory.create_all()
    app = desk(memory)
    kind = "application/x-ndjson" if lines else ""
    reply = send(app, method, f"{PATH}/{rest}" if rest else PATH, body, Content_Type=kind)
    assert reply.status < 500
    assert isinstance(said(reply), dict)


# Who calls.


@pytest.mark.parametrize(("status", "after"), [(401, 0), (403, 0), (429, 12)])
def test_who_is_not_known_is_refused_as_the_door_says_and_nothing_is_read_or_done(
    app: Desk, status: int, after: int
) -> None:
    nobody = NotIdentified(status=status, detail="Sign the request", retry_after=after)
    reply = send(app, body=DECLARE, caller=nobody)
    assert (reply.status, said(reply)["detail"]) == (status, "Sign the request")
    assert reply.headers.get("Retry-After", "0") == str(after)
    assert app.engine.store.going() == []
    assert app.titles == []


def test_a_refused_proof_with_the_right_key_is_told_to_everybody_once_an_hour(app: Desk) -> None:
    nobody = NotIdentified(status=403, detail="The code is wrong", knew_key=True, operator="dave")
    for _ in range(30):
        send(app, body=DECLARE, caller=nobody)
    assert app.titles == ["Somebody has the emergency key and no proof"]


def test_the_use_of_the_key_is_told_to_everybody_once_an_hour_for_each_operator(app: Desk) -> None:
    send(app, body=DECLARE)
    for caller in (CAROL, CODED, CAROL):
        send(app, path=f"{PATH}/{EMERGENCY}/acknowledge", body={}, caller=caller)
    assert app.titles.count("The emergency key is in use") == 2


# A browser, and storage that doesn't answer.


def test_a_browser_gets_a_page_in_which_nothing_acts_and_everything_is_escaped(app: Desk) -> None:
    app.declare(reason="<script>alert(1)</script>")
    reply = send(app, "GET", f"{PATH}/{EMERGENCY}", Accept="text/html,*/*", Accept_Language="ko-KR")
    page = reply.body.decode()
    assert reply.content_type.startswith("text/html")
    assert "<script" not in page
    assert "2단계" in page
    assert not any(tag in page for tag in ("<form", "<a ", "<button"))
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_a_list_says_what_is_open_and_what_was(app: Desk) -> None:
    send(app, body=DECLARE)
    listed = said(send(app, "GET", PATH))
    assert [one["id"] for one in listed["open"]] == [EMERGENCY]
    assert [one["id"] for one in listed["newest"]] == [EMERGENCY]


def test_without_storage_declaring_showing_and_recording_go_on(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty)
    faulty.faults.spoil = lambda _operation: "before"
    assert said(send(app, body=DECLARE))["unstored"] == 3
    assert send(app, path=f"{PATH}/{EMERGENCY}/steps/2", body={"action": "done", "note": "read"}).status == 200
    shown = said(send(app, "GET", f"{PATH}/{EMERGENCY}"))
    assert shown["steps"][1]["state"] == StepState.DONE
    assert said(send(app, "GET", PATH))["newest"] is None


# The journal.


def bring(app: Desk, entries: tuple[Entry, ...], *, digest: str = "", path: str = "journal") -> Reply:
    first = msgspec.json.encode({"journal": digest or journal_of(entries)})
    where = f"{PATH}/{EMERGENCY}/{path}"
    return send(app, path=where, body=joined(first, entries), Content_Type="application/x-ndjson")


def another() -> Desk:
    memory = MemoryStorage()
    memory.create_all()
    return desk(memory)


def test_an_instance_that_knows_nothing_goes_on_with_what_the_caller_brings(app: Desk) -> None:
    send(app, body=DECLARE)
    here = another()
    assert send(here, path=f"{PATH}/{EMERGENCY}/acknowledge", body={}).status == 404
    reply = bring(here, app.emergency.entries)
    assert reply.status == 200
    assert here.emergency.declared_name == CAROL.name
    assert bring(here, app.emergency.entries, path="acknowledge").status == 200
    assert here.emergency.acknowledged


def test_what_is_brought_is_what_the_first_line_says(app: Desk) -> None:
    send(app, body=DECLARE)
    here = another()
    assert bring(here, app.emergency.entries, digest="0" * 64).status == 400
    assert here.engine.store.read(EMERGENCY) is None
    other = tuple(msgspec.structs.replace(one, emergency="f" * 32) for one in app.emergency.entries)
    assert bring(here, other).status == 400
    assert here.engine.store.read("f" * 32) is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": "alice"}, 400),
        ({"at": "1999-01-01T00:00:00Z"}, 400),
        ({"at": "9999-12-31T23:59:59-12:00"}, 400),
        ({"at": "0001-01-01T00:00:00+12:00"}, 400),
        ({"at": "2026-03-02T10:00:00"}, 400),
        ({"act": {"type": "unknown"}}, 400),
        ({"proof": "none"}, 400),
    ],
)
def test_an_entry_that_can_not_be_is_refused_with_all_that_is_brought(
    app: Desk, changes: dict[str, object], status: int
) -> None:
    send(app, body=DECLARE)
    here = another()
    lines = [msgspec.json.encode(msgspec.to_builtins(one) | changes) for one in app.emergency.entries[:1]]
    rest = b"\n".join(lines) + b"\n"
    first = msgspec.json.encode({"journal": hashlib.sha256(rest).hexdigest()})
    where = f"{PATH}/{EMERGENCY}/journal"
    reply = send(here, path=where, body=first + b"\n" + rest, Content_Type="application/x-ndjson")
    assert reply.status == status
    assert here.engine.store.read(EMERGENCY) is None


# What an entry says is what was signed.


def test_each_entry_of_a_signed_request_says_what_was_signed_and_nothing_else(app: Desk) -> None:
    send(app, body=DECLARE)
    send(app, path=f"{PATH}/{EMERGENCY}/steps/2", body={"action": "done", "note": "read"})
    send(app, path=f"{PATH}/{EMERGENCY}/close", body={"summary": "over"})
    signed = [entry for entry in app.emergency.entries if entry.signed is not None]
    assert len(signed) == 3
    for entry in signed:
        assert says_what_was_signed(entry)
        assert not says_what_was_signed(msgspec.structs.replace(entry, id="0" * 32))
        assert not says_what_was_signed(msgspec.structs.replace(entry, emergency="f" * 32))
        assert not says_what_was_signed(msgspec.structs.replace(entry, signed=None))
        others = [other for other in signed if other is not entry]
        assert not any(says_what_was_signed(msgspec.structs.replace(entry, act=other.act)) for other in others)
        assert not any(says_what_was_signed(msgspec.structs.replace(entry, signed=other.signed)) for other in others)


def test_an_asking_under_another_text_is_not_what_was_signed(app: Desk) -> None:
    send(app, body=DECLARE)
    send(app, path=f"{PATH}/{EMERGENCY}/close", body={"summary": "over"}, caller=CAROL)
    asked = app.emergency.entries[-1]
    changed = msgspec.structs.replace(asked.act, text="Something else")
    assert says_what_was_signed(asked)
    assert not says_what_was_signed(msgspec.structs.replace(asked, act=changed))
    assert DAVE.may_decide
