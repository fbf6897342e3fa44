"""A workspace asked over HTTP: its rows, and what each answer means."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.clients.log_analytics import WORKSPACE_READ, Workspace
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from tests.fakes.http_service import Reply, http_service
from tests.unit.shared.clients.test_transports import Holder

WORKSPACE = "5f0d9b1c-7e34-4a68-92cb-d1ef03a7864b"
QUESTION = "SigninLogs | take 1"
HOUR = timedelta(hours=1)


def answer(*rows: list[object], **more: object) -> Reply:
    columns = [("account", "string"), ("records", "long"), ("latest", "datetime"), ("sample", "dynamic")]
    named = [{"name": name, "type": kind} for name, kind in columns]
    table = {"name": "PrimaryResult", "columns": named, "rows": rows}
    return Reply(body=json.dumps({"tables": [table], **more}).encode(), headers={"Content-Type": "application/json"})


def refusal(status: int, code: str) -> Reply:
    body = json.dumps({"error": {"code": code, "message": "in words"}}).encode()
    return Reply(status=status, body=body, headers={"Content-Type": "application/json"})


def test_rows_come_by_their_columns_names() -> None:
    reply = answer(["a", 3, "2026-03-17T09:24:51.0384152Z", '["x"]'], ["", 1, None, None])
    token = Holder()
    with http_service(reply) as service:
        workspace = Workspace(
            url=service.url, workspace_id=WORKSPACE, credential=token, audience="https://logs.example"
        )
        first, second = workspace.rows(QUESTION, over=HOUR)
        workspace.close()
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", f"/v1/workspaces/{WORKSPACE}/query")
    assert json.loads(asked.body)["query"] == QUESTION
    assert json.loads(asked.body)["timespan"] == "PT3600.0S"
    assert asked.headers["authorization"] == "Bearer token"
    assert token.scopes == [("https://logs.example/.default",)]
    assert first["latest"].astimezone(UTC) == datetime(2026, 3, 17, 9, 24, 51, 38415, UTC)
    assert (first["account"], first["records"], first["sample"]) == ("a", 3, '["x"]')
    assert (second["account"], second["latest"]) == ("", None)


def test_no_rows_are_an_answer_too() -> None:
    with http_service(answer()) as service:
        assert Workspace(url=service.url, workspace_id=WORKSPACE, credential=Holder()).rows(QUESTION, over=HOUR) == []


def test_a_question_is_asked_again_after_closing() -> None:
    with http_service(answer(), answer(["a", 1, None, None])) as service:
        workspace = Workspace(url=service.url, workspace_id=WORKSPACE, credential=Holder())
        assert workspace.rows(QUESTION, over=HOUR) == []
        workspace.close()
        assert len(workspace.rows(QUESTION, over=HOUR)) == 1


@pytest.mark.parametrize(
    ("reply", "meaning", "said"),
    [
        (refusal(403, "InsufficientAccessError"), Refused, "403 InsufficientAccessError (it needs"),
        (refusal(401, "InvalidTokenError"), Refused, "InvalidTokenError"),
        (refusal(404, "WorkspaceNotFoundError"), Rejected, "404 WorkspaceNotFoundError"),
        (refusal(400, "BadArgumentError"), Rejected, "in words"),
        (Reply(status=400, body=b"<html>"), Rejected, "400"),
        (refusal(429, "ThrottledError"), Throttled, "429 ThrottledError"),
        (refusal(503, "ServiceUnavailable"), Unreachable, "503"),
        (Reply(cut=True), Unreachable, "gave no answer"),
        (Reply(body=b'{"tables": []}', headers={"Content-Type": "application/json"}), Unreachable, "without a table"),
        (answer(["a", 1, None, None], error={"code": "PartialError", "message": "x"}), Unreachable, "a partial result"),
    ],
)
def test_what_is_no_answer_says_why(reply: Reply, meaning: type[EdgeError], said: str) -> None:
    with http_service(reply) as service:
        workspace = Workspace(url=service.url, workspace_id=WORKSPACE, credential=Holder())
        with pytest.raises(meaning) as raised:
            workspace.rows(QUESTION, over=HOUR)
    assert said in str(raised.value)
    assert len(service.asked) == 1


def test_without_a_token_nothing_is_asked() -> None:
    with http_service() as service:
        holder = Holder(ClientAuthenticationError("no identity here"))
        with pytest.raises(Refused, match="no identity here"):
            Workspace(url=service.url, workspace_id=WORKSPACE, credential=holder).rows(QUESTION, over=HOUR)
    assert service.asked == []


def test_the_permission_that_was_needed_is_named() -> None:
    with http_service(refusal(403, "InsufficientAccessError")) as service:
        workspace = Workspace(url=service.url, workspace_id=WORKSPACE, credential=Holder())
        with pytest.raises(Refused) as refused:
            workspace.rows(QUESTION, over=HOUR)
    assert refused.value.needed == (WORKSPACE_READ,)
