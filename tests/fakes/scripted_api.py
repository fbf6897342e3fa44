"""A tenant's API that gives what a test says, and keeps what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model.calls import Call
from shared.model.kinds import Image, Json, TenantKind
from shared.model.settings import Tenant
from tests.fakes.tenant import RESPONDER_ID, TENANT_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    call: Call
    body: Any
    ids: Mapping[str, str]


@dataclass(slots=True)
class ScriptedApi:
    """`answers` has for each call what it gives each time, or raises; a call that isn't in it fails the test."""

    answers: Mapping[Call, Any] = field(default_factory=dict[Call, Any])
    sent: list[Sent] = field(default_factory=list[Sent])
    subscriptions: frozenset[str] = frozenset()

    @property
    def tenant(self) -> Tenant:
        return Tenant(
            kind=TenantKind.WORKFORCE,
            id=TENANT_ID,
            responder_id=RESPONDER_ID,
            client_id="",
            subscriptions=self.subscriptions,
        )

    def _answer(self, call: Call) -> Any:  # noqa: ANN401 - whatever the test says
        assert call in self.answers, f"nobody expected {call.method} {call.service} {call.path}"
        answer = self.answers[call]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> Image | None:  # noqa: ARG002
        return self._answer(call)

    def list(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> list[Image]:  # noqa: ARG002
        return self._answer(call)

    def first_page(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":  # noqa: ARG002
        return self._answer(call)

    def text(self, call: Call, /, **ids: str) -> str | None:  # noqa: ARG002
        return self._answer(call)

    def send(self, call: Call, /, *, body: Json = None, **ids: str) -> Image | None:
        answer = self._answer(call)
        self.sent.append(Sent(call=call, body=body, ids=ids))
        return answer

    def upload(self, call: Call, /, *, xml: str, **ids: str) -> None:
        self._answer(call)
        self.sent.append(Sent(call=call, body=xml, ids=ids))

    def bodies(self, call: Call) -> "list[Any]":
        return [each.body for each in self.sent if each.call == call]
