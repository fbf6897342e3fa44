"""What is retried, how long is waited, and what each answer means."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import msgspec
import pytest

from shared.clients.api import Answer, TenantEdges
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import (
    UNREADABLE_TEXT,
    BadIdentifier,
    EdgeError,
    Locked,
    Refused,
    Rejected,
    Throttled,
    Unreachable,
)
from shared.model.kinds import TenantKind
from shared.model.settings import Tenant
from tests.fakes.clock import NOW

_GUID = "0a551600-0001-4e1f-8c3a-5d7b9f204e61"
_NEEDS = (Permission.POLICY_READ, Permission.APPLICATION_READ)
GET = Call(method="GET", service=Service.GRAPH, path="/things/{id}", needs=_NEEDS, lane=Lane.CONDITIONAL_ACCESS)
LIST = Call(method="GET", service=Service.GRAPH, path="/things", needs=_NEEDS, lane=Lane.CONDITIONAL_ACCESS)
PUT = Call(method="PUT", service=Service.GRAPH, path="/things/{id}", needs=_NEEDS)
POST = Call(method="POST", service=Service.GRAPH, path="/things", needs=_NEEDS, repeatable=False)


def answer(status: int = 200, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return Answer(status=status, headers=named, body=raw)


def error(status: int, code: str = "someCode", **headers: str) -> Answer:
    return answer(status, {"error": {"code": code, "message": "words"}}, **headers)


@dataclass(frozen=True, slots=True)
class Sent:
    method: str
    url: str
    query: Mapping[str, str]
    body: bytes | None
    content_type: str


@dataclass(slots=True)
class Script:
    """A transport that gives its answers one after the other, the last one for ever; it is its own pacer and clock."""

    answers: list[Answer | EdgeError]
    sent: list[Sent] = field(default_factory=list[Sent])
    waits: list[float] = field(default_factory=list[float])
    paced: list[Lane] = field(default_factory=list[Lane])

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        self.sent.append(Sent(method, url, query, body, content_type))
        given = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(given, EdgeError):
            raise given
        return given

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        assert tenant_id == _GUID
        self.paced.append(lane)

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> Self:
        del tenant_id, lane, calls
        return self

    @property
    def edges(self) -> TenantEdges:
        tenant = Tenant(kind=TenantKind.WORKFORCE, id=_GUID, responder_id=_GUID, client_id="")
        return TenantEdges(
            tenant=tenant,
            transports={Service.GRAPH: self},
            pacer=self,
            wait=self.waits.append,
            clock=lambda: NOW,
        )


def script(*answers: Answer | EdgeError) -> Script:
    return Script(list(answers))


def attempts(call: Call, *answers: Answer | EdgeError) -> Script:
    """Send once, and expect it to fail in the end."""
    played = script(*answers)
    ids = {"id": _GUID} if "{id}" in call.path else {}
    with pytest.raises(EdgeError):
        played.edges.send(call, **ids)
    return played


class TestRetries:
    @pytest.mark.parametrize("status", [429, 408, 500, 503, 504])
    @pytest.mark.parametrize("hint", ["7", "Mon, 02 Mar 2026 10:05:07 GMT"])
    def test_a_call_waits_as_long_as_it_is_told(self, status: int, hint: str) -> None:
        played = script(error(status, retry_after=hint), answer(200, {"a": 1}))
        assert played.edges.get(GET, id=_GUID) == {"a": 1}
        assert played.waits == [7.0]

    @pytest.mark.parametrize("hint", ["", "Wed, 99 Oct 2026 07:28:00 GMT", "-1", "1.5", "٣", "9" * 40, "9" * 5000])
    def test_without_a_hint_the_waits_grow(self, hint: str) -> None:
        played = attempts(POST, error(429, retry_after=hint))
        assert played.waits == [1.0, 2.0, 4.0, 8.0]
        assert len(played.sent) == 5

    @pytest.mark.parametrize("status", [429, 408, 503])
    def test_a_wait_that_is_too_long_is_left_to_the_caller(self, status: int) -> None:
        played = script(error(status, retry_after="31"))
        with pytest.raises((Throttled, Unreachable)) as caught:
            played.edges.get(GET, id=_GUID)
        assert caught.value.retry_after == timedelta(seconds=31)
        assert played.waits == []

    @pytest.mark.parametrize(
        "failure",
        [error(408), error(500), error(503), error(504), error(503, retry_after="1"), Unreachable("cut")],
    )
    def test_what_may_have_been_carried_out_is_repeated_only_where_that_does_no_harm(
        self, failure: Answer | EdgeError
    ) -> None:
        assert len(attempts(PUT, failure).sent) == 5
        assert len(attempts(POST, failure).sent) == 1

    def test_a_call_that_recovers(self) -> None:
        played = script(error(502), Unreachable("cut"), answer(200, {"a": 1}))
        assert played.edges.get(GET, id=_GUID) == {"a": 1}
        assert played.waits == [1.0, 2.0]

    @pytest.mark.parametrize("status", [302, 400, 401, 403, 409, 412])
    def test_what_is_refused_is_not_repeated(self, status: int) -> None:
        assert len(attempts(PUT, error(status)).sent) == 1

    @pytest.mark.parametrize("lost", [Unreachable("cut"), error(408), error(503)])
    @pytest.mark.parametrize("then", [error(404), error(409), error(412), error(401), error(403)])
    def test_a_write_that_is_refused_after_an_answer_was_lost_may_have_been_carried_out(
        self, lost: Answer | EdgeError, then: Answer
    ) -> None:
        """A deletion whose answer got lost is refused the second time, since there is nothing left to delete."""
        played = script(lost, error(429), then)
        with pytest.raises(Unreachable, match=f"gave {then.status}.*an earlier attempt may have been carried out"):
            played.edges.send(PUT, id=_GUID)
        assert len(played.sent) == 3

    @pytest.mark.parametrize("lost", [Unreachable("cut"), error(408), error(503)])
    def test_who_looks_again_before_a_second_write_has_none_sent_by_itself(self, lost: Answer | EdgeError) -> None:
        played = script(lost, answer(200, {}))
        with pytest.raises(Unreachable):
            copy.replace(played.edges, repeats_lost_writes=False).send(PUT, id=_GUID)
        assert len(played.sent) == 1
        again = script(lost, answer(200, {"a": 1}))
        assert copy.replace(again.edges, repeats_lost_writes=False).get(GET, id=_GUID) == {"a": 1}

    @pytest.mark.parametrize(("status", "refusals"), [(429, 5), (403, 1), (404, 1), (503, 0), (408, 0)])
    def test_a_refusal_is_told_and_a_lost_answer_is_none(self, status: int, refusals: int) -> None:
        refused: list[int] = []
        edges = copy.replace(script(*[error(status)] * 5).edges, after_refusal=lambda: refused.append(1))
        with pytest.raises(EdgeError):
            edges.send(PUT, id=_GUID)
        assert len(refused) == refusals

    def test_a_read_that_is_refused_after_an_answer_was_lost_is_refused(self) -> None:
        assert script(error(503), error(404)).edges.get(GET, id=_GUID) is None
        with pytest.raises(Refused):
            script(error(503), error(403)).edges.get(GET, id=_GUID)

    @pytest.mark.parametrize("before", [[], [error(429)]], ids=["at once", "after a wait"])
    def test_a_write_that_is_refused_otherwise_was_not_carried_out(self, before: list[Answer]) -> None:
        with pytest.raises(Rejected):
            script(*before, error(404)).edges.send(PUT, id=_GUID)

    def test_every_attempt_and_every_page_is_paced(self) -> None:
        page = answer(200, {"value": [], "@odata.nextLink": "https://graph.example/v1.0/things?2"})
        played = script(error(429), page, error(500), answer(200, {"value": []}))
        assert played.edges.list(LIST) == []
        assert played.paced == [Lane.CONDITIONAL_ACCESS] * 4


class TestMeanings:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (302, Rejected),
            (400, Rejected),
            (408, Unreachable),
            (409, Rejected),
            (429, Throttled),
            (500, Unreachable),
            (503, Unreachable),
        ],
    )
    def test_a_status_has_its_error(self, status: int, kind: type[EdgeError]) -> None:
        with pytest.raises(kind, match=f"POST /things gave {status} someCode: words") as raised:
            script(error(status)).edges.send(POST)
        assert (raised.value.status, raised.value.code) == (status, "someCode")

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refusal_names_what_was_needed(self, status: int) -> None:
        with pytest.raises(Refused, match=r"needs Policy\.Read\.All, Application\.Read\.All") as refused:
            script(error(status)).edges.send(POST)
        assert refused.value.needed == _NEEDS

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"code": null}}', b"\xff"])
    def test_an_error_whose_body_cannot_be_read_keeps_its_meaning(self, body: bytes) -> None:
        with pytest.raises(Rejected) as rejected:
            script(answer(400, body)).edges.send(POST)
        assert rejected.value.code == ""


class TestReading:
    def test_an_object_that_does_not_exist(self) -> None:
        assert script(error(404)).edges.get(GET, id=_GUID) is None
        assert script(error(404)).edges.text(GET, id=_GUID) is None

    @pytest.mark.parametrize("missing", [error(404, "SubscriptionNotFound"), error(404, ""), answer(404, b"<html>")])
    def test_a_404_about_something_else_is_not_taken_for_that(self, missing: Answer) -> None:
        for read in (TenantEdges.get, TenantEdges.text):
            with pytest.raises(Rejected):
                read(script(missing).edges, GET, id=_GUID)

    def test_a_listing_that_does_not_exist_is_not_an_empty_one(self) -> None:
        with pytest.raises(Rejected):
            script(error(404)).edges.list(LIST)

    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"[]", b"7", b'{"a": "\xff"}'])
    def test_a_success_that_cannot_be_read_is_no_success(self, body: bytes) -> None:
        with pytest.raises(Unreachable, match="can't be read"):
            script(answer(200, body)).edges.get(GET, id=_GUID)

    def test_a_read_may_choose_properties(self) -> None:
        played = script(answer(200, {"id": _GUID}))
        assert played.edges.get(GET, query={"$select": "id"}, id=_GUID) == {"id": _GUID}
        assert played.sent[0].query == {"$select": "id"}

    def test_text_loses_its_byte_order_mark(self) -> None:
        assert script(answer(200, "\ufeff<ä/>".encode())).edges.text(GET, id=_GUID) == "<ä/>"

    @pytest.mark.parametrize("body", [b"\xff\xfe<", b"<a>\xe9</a>", b'<?xml encoding="rot13"?><a>\xe9</a>'])
    def test_text_in_no_encoding_that_is_known(self, body: bytes) -> None:
        with pytest.raises(Rejected, match="encoding") as rejected:
            script(answer(200, body)).edges.text(GET, id=_GUID)
        assert rejected.value.code == UNREADABLE_TEXT

    @pytest.mark.parametrize(
        ("body", "encoding"),
        [("<?xml encoding='iso-8859-1'?><ä/>", "latin-1"), ("<ä/>", "utf-16"), ("<ä/>", "utf-16-le")],
    )
    def test_text_in_another_encoding(self, body: str, encoding: str) -> None:
        assert script(answer(200, body.encode(encoding))).edges.text(GET, id=_GUID) == body

    def test_half_a_character_in_one_name_hides_nothing(self) -> None:
        body = rb'{"a": "x\ud800y\udc00", "b": "\\ud800", "c": "\ud83d\ude00"}'
        assert script(answer(200, body)).edges.get(GET, id=_GUID) == {
            "a": "x\ufffdy\ufffd",
            "b": "\\ud800",
            "c": "\N{GRINNING FACE}",
        }

    def test_an_id_that_is_none_never_leaves(self) -> None:
        played = script(answer(200, {}))
        with pytest.raises(BadIdentifier):
            played.edges.get(GET, id="../me")
        assert played.sent == []


_NEXT = "https://graph.example/v1.0/things?$skiptoken=2"
_PAGE: dict[str, Any] = {"value": [{"id": "1"}]}


class TestListings:
    @pytest.mark.parametrize("name", ["@odata.nextLink", "nextLink"])
    def test_every_page_is_read(self, name: str) -> None:
        played = script(answer(200, _PAGE | {name: _NEXT}), answer(200, {"value": [{"id": "2"}]}))
        assert played.edges.list(LIST, query={"$top": "1"}) == [{"id": "1"}, {"id": "2"}]
        assert [(sent.url, sent.query) for sent in played.sent] == [("/things", {"$top": "1"}), (_NEXT, {})]

    def test_who_asks_for_the_first_page_gets_no_more(self) -> None:
        played = script(answer(200, _PAGE | {"@odata.nextLink": _NEXT}))
        assert played.edges.first_page(LIST, query={"$top": "1"}) == [{"id": "1"}]
        assert [(sent.url, sent.query) for sent in played.sent] == [("/things", {"$top": "1"})]

    @pytest.mark.parametrize(
        "page",
        [error(400), error(404), error(403), answer(200, b"<html>"), answer(200, {}), answer(200, {"value": None})],
    )
    def test_a_page_that_fails_fails_the_listing(self, page: Answer) -> None:
        for read in (TenantEdges.list, TenantEdges.pages):
            with pytest.raises(EdgeError):
                list(read(script(answer(200, _PAGE | {"@odata.nextLink": _NEXT}), page).edges, LIST))

    def test_a_page_is_given_before_the_next_one_is_asked_for(self) -> None:
        played = script(answer(200, _PAGE | {"@odata.nextLink": _NEXT}), error(400))
        pages = played.edges.pages(LIST)
        assert msgspec.json.decode(next(pages))["value"] == [{"id": "1"}]
        assert len(played.sent) == 1
        with pytest.raises(Rejected):
            next(pages)

    def test_what_is_no_page_is_not_given(self) -> None:
        with pytest.raises(Unreachable):
            next(script(answer(200, b"<html>")).edges.pages(LIST))

    def test_an_item_that_is_no_object(self) -> None:
        with pytest.raises(Unreachable):
            script(answer(200, {"value": ["x"]})).edges.list(LIST)

    def test_a_listing_that_leads_back_to_itself_ends(self) -> None:
        played = script(answer(200, _PAGE | {"@odata.nextLink": _NEXT}))
        with pytest.raises(Rejected, match="doesn't end"):
            played.edges.list(LIST)
        assert len(played.sent) == 2

    def test_pages_are_given_as_they_came(self) -> None:
        raw = b'{"value": [ {"id":  "1"} ]}'
        assert list(script(answer(200, raw)).edges.pages(LIST)) == [raw]


class TestWriting:
    def test_json_is_sent_and_read(self) -> None:
        played = script(answer(201, {"id": "x"}))
        assert played.edges.send(POST, body={"a": None}) == {"id": "x"}
        assert played.sent == [Sent("POST", "/things", {}, b'{"a":null}', "application/json")]

    def test_nothing_is_sent_and_nothing_answered(self) -> None:
        played = script(answer(204))
        assert played.edges.send(POST) is None
        assert played.sent[0].body is None

    def test_xml_is_uploaded_as_such(self) -> None:
        played = script(answer(200, b"<a/>"))
        played.edges.upload(PUT, xml="<ä/>", id=_GUID)
        assert played.sent == [Sent("PUT", f"/things/{_GUID}", {}, "<ä/>".encode(), "application/xml")]


def test_the_writer_of_a_lost_answer_learns_that_it_is_unknown() -> None:
    sends: list[Callable[[], object]] = [
        lambda: script(Unreachable("cut")).edges.send(POST),
        lambda: script(answer(201, b"{")).edges.send(POST),
    ]
    for send in sends:
        with pytest.raises(Unreachable):
            send()


_ARE_LOCKED = "The scope '/x/y' cannot perform delete operation because following scope(s) are locked: "


class TestLocked:
    @pytest.mark.parametrize(
        ("message", "scopes"),
        [
            (f"{_ARE_LOCKED}'/x'. Please remove the lock and try again.", ("/x",)),
            (f"{_ARE_LOCKED}'/x','/x/y'. Please remove the lock and try again.", ("/x", "/x/y")),
            (f"{_ARE_LOCKED}'/{'x' * 900}'. Please", ("/" + "x" * 900,)),
            ("words that Azure hasn't used so far", ()),
        ],
    )
    def test_it_names_the_scopes_that_carry_the_locks(self, message: str, scopes: tuple[str, ...]) -> None:
        played = script(answer(409, {"error": {"code": "ScopeLocked", "message": message}}))
        with pytest.raises(Locked) as raised:
            played.edges.send(POST)
        assert raised.value.scopes == scopes
        assert len(played.sent) == 1

    def test_another_conflict_is_none(self) -> None:
        with pytest.raises(Rejected) as raised:
            script(error(409, "RoleAssignmentExists")).edges.send(POST)
        assert not isinstance(raised.value, Locked)
