import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.inbox.cards import MESSAGE_LIMIT_BYTES, Rule, refusal_of
from infra.local.inbox.wire import Json
from tests.fakes.posts import card, mentioning, message, text_block

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["message", "AdaptiveCard", "mention", "1.4", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "attachments", "content", "contentType", "version", "body", "msteams", "entities"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


def rule_of(body: Json) -> Rule | None:
    refusal = refusal_of(msgspec.json.encode(body))
    return refusal.rule if refusal else None


def reason_of(body: Json) -> str:
    refusal = refusal_of(msgspec.json.encode(body))
    assert refusal is not None
    return refusal.reason


def test_card_in_its_envelope_is_posted() -> None:
    open_case: Json = {"type": "Action.OpenUrl", "title": "Open", "url": "https://example.com"}
    body = message(card(text_block("Hello <at>Anna</at>"), actions=[open_case], msteams=mentioning("Anna")))
    assert rule_of(body) is None


def test_every_card_of_a_message_is_looked_at() -> None:
    assert rule_of(message(card(), card(version="1.6"))) is Rule.VERSION


@pytest.mark.parametrize(
    "body",
    [
        card(text_block("bare")),
        {"text": "plain"},
        [],
        "message",
        {"type": "message"},
        {"type": "message", "attachments": []},
        {"type": "message", "attachments": "card"},
        {"type": "message", "attachments": [{"content": card()}]},
        {"type": "message", "attachments": [{"contentType": "application/json", "content": card()}]},
        message("a card in text"),
        message({"type": "MessageCard"}),
    ],
    ids=str,
)
def test_anything_else_than_the_envelope_is_not_posted(body: Json) -> None:
    assert rule_of(body) is Rule.ENVELOPE


def test_a_bare_card_is_told_where_it_belongs() -> None:
    assert '"attachments"' in reason_of(card())


@pytest.mark.parametrize("body", [b"", b"<p>hello</p>", b"\xff\xfe", b'{"type":', b"[" * 20_000])
def test_what_is_not_json_is_not_posted(body: bytes) -> None:
    refusal = refusal_of(body)
    assert refusal is not None
    assert refusal.rule is Rule.NOT_JSON


def test_the_size_limit_counts_bytes() -> None:
    body = msgspec.json.encode(message(card(text_block("ü" * 100))))
    full = body + b" " * (MESSAGE_LIMIT_BYTES - len(body))
    assert refusal_of(full) is None
    refusal = refusal_of(full + b" ")
    assert refusal is not None
    assert refusal.rule is Rule.TOO_LARGE
    assert "28,673" in refusal.reason


@pytest.mark.parametrize("version", ["1.0", "1.4", "1.5"])
def test_versions_teams_renders(version: str) -> None:
    assert rule_of(message(card(version=version))) is None


@pytest.mark.parametrize("version", ["1.6", "1.10", "2.0", "", "1", "latest", 1.4, None])
def test_versions_teams_does_not_render(version: Json) -> None:
    assert rule_of(message(card(version=version))) is Rule.VERSION


@pytest.mark.parametrize("kind", ["Action.Submit", "Action.Execute", "Action.Http"])
def test_actions_that_webhook_cards_lack(kind: str) -> None:
    assert rule_of(message(card(actions=[{"type": kind, "title": "Approve"}]))) is Rule.ACTION
    assert kind in reason_of(message(card(actions=[{"type": kind, "title": "Approve"}])))


def test_a_forbidden_action_is_found_however_deep() -> None:
    submit: Json = {"type": "Action.Submit"}
    inside: list[Json] = [
        {"type": "Action.ShowCard", "card": {"type": "AdaptiveCard", "actions": [submit]}},
        {"type": "ColumnSet", "columns": [{"type": "Column", "selectAction": submit}]},
        {"type": "Container", "items": [{"type": "ActionSet", "actions": [submit]}]},
    ]
    for part in inside:
        assert rule_of(message(card(part))) is Rule.ACTION


@pytest.mark.parametrize("kind", ["Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"])
def test_actions_that_work(kind: str) -> None:
    assert rule_of(message(card(actions=[{"type": kind}]))) is None


def test_a_mention_may_stand_in_a_fact() -> None:
    facts: Json = {"type": "FactSet", "facts": [{"title": "Owner", "value": "<at>Anna</at>"}]}
    assert rule_of(message(card(facts, msteams=mentioning("Anna")))) is None


@pytest.mark.parametrize(
    "text", ["Hello Anna", "Hello <at>Bert</at>", r"Hello \<at>Anna\</at>", "Hello &lt;at&gt;Anna"]
)
def test_a_mention_without_its_text_is_not_posted(text: str) -> None:
    assert rule_of(message(card(text_block(text), msteams=mentioning("Anna")))) is Rule.MENTION


def test_a_mention_outside_text_blocks_and_facts_does_not_count() -> None:
    button: Json = {"type": "Action.OpenUrl", "title": "<at>Anna</at>", "url": "https://example.com"}
    assert rule_of(message(card(actions=[button], msteams=mentioning("Anna")))) is Rule.MENTION


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "mention", "text": "Anna", "mentioned": {"id": "anna@contoso.com", "name": "Anna"}},
        {"type": "mention", "text": "<at>Anna</at>", "mentioned": {"name": "Anna"}},
        {"type": "mention", "text": "<at>Anna</at>", "mentioned": {"id": "anna@contoso.com"}},
        {"type": "mention", "text": "<at>Anna</at>"},
        {"type": "mention"},
    ],
    ids=str,
)
def test_a_mention_needs_its_form_an_id_and_a_name(entity: Json) -> None:
    body = message(card(text_block("<at>Anna</at>"), msteams={"entities": [entity]}))
    assert rule_of(body) is Rule.MENTION


def test_at_text_without_an_entity_is_only_text() -> None:
    assert rule_of(message(card(text_block("<at>all</at>")))) is None


@given(st.binary() | _JSON.map(msgspec.json.encode))
def test_any_body_gets_an_answer_in_words(body: bytes) -> None:
    refusal = refusal_of(body)
    assert refusal is None or refusal.reason.endswith(".")


@given(_JSON)
def test_nothing_without_a_message_envelope_is_ever_posted(body: Json) -> None:
    posted = refusal_of(msgspec.json.encode(body)) is None
    assert not posted or (isinstance(body, dict) and body["type"] == "message" and bool(body["attachments"]))


@given(_JSON)
def test_whatever_a_good_message_carries_besides_its_cards_changes_nothing(extra: Json) -> None:
    assert rule_of({**message(card(text_block("x"))), "summary": extra}) is None
