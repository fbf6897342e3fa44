import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from infra.local.world import BREAK_GLASS_1, MALLORY, MFA_FOR_ALL, RESPONDER, WORKFORCE_TENANT
from shared.model.cases import Case, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.kinds import Risk
from shared.model.notices import Owner
from shared.model.settings import settings_from
from shared.notify.cards import alert_of, card_of
from shared.notify.endings import ending_of
from shared.notify.wording import PageContext, page_context_for
from tests.fakes.card_cases import (
    ALEX,
    AT,
    BY_ENDING,
    CA_POLICY_UPDATED,
    CUSTOM_POLICY,
    CUSTOM_POLICY_UPDATED,
    EVIL_TEXTS,
    FAILED,
    GIVEN_UP,
    GUARDED,
    LOCKED,
    OBSERVED,
    PAGE_CONTEXT,
    PAGED,
    PUT_BACK,
    RECORDED,
    REFERENCE,
    ROLE,
    ROLE_ASSIGNED,
    UNKNOWN_ACTOR,
    UNPROVED,
    case,
    detection,
    evil,
)
from tests.fakes.card_parts import content, lines, walk


def shown(
    case: Case, detection: AnyDetection = CA_POLICY_UPDATED, page_context: PageContext = PAGE_CONTEXT
) -> list[str]:
    return lines(content(case, detection, page_context)["body"])


def section(texts: list[str], title: str) -> list[str]:
    """The lines under a title, up to the next one."""
    start = texts.index(title) + 1
    titles = {"What to do", "What changed", "Put back", "To put back", "Would have been put back", "Details"}
    end = next((place for place in range(start, len(texts)) if texts[place] in titles), len(texts))
    return texts[start:end]


BY_MALLORY = "Conditional access policy updated by “Mallory Marsh”, who isn't approved"
HEADLINES = {
    "put-back": f"Put back: {BY_MALLORY}",
    "already": f"Nothing left to put back: {BY_MALLORY}",
    "unproved": f"Check this, it could not be confirmed that it was put back: {BY_MALLORY}",
    "failed": f"Could not be put back: {BY_MALLORY}",
    "pending": f"Can't be put back yet, the responder keeps trying: {BY_MALLORY}",
    "locked": f"Can't be put back yet, the responder keeps trying: {BY_MALLORY}",
    "under-way": f"Being put back: {BY_MALLORY}",
    "guarded": f"Needs you: {BY_MALLORY}",
    "page-mode": f"Needs you: {BY_MALLORY}",
    "unknown-actor": "Needs you: Conditional access policy updated by somebody the record doesn't name",
    "given-up": f"Needs you, the responder failed on this case: {BY_MALLORY}",
    "observed": f"Only observed, nothing was done: {BY_MALLORY}",
    "recorded": "Recorded: Conditional access policy updated by “Mallory Marsh”, who is approved",
    "role": "Put back: Azure role assigned by “Release pipeline”, who isn't approved",
    "custom-policy": "Needs you: B2C custom policy updated by “Bob Brandt”, whose approval is unknown",
}
COLOURS = {
    "put-back": "good",
    "already": "good",
    "pending": "attention",
    "unproved": "warning",
    "failed": "attention",
    "locked": "attention",
    "under-way": "warning",
    "guarded": "attention",
    "page-mode": "attention",
    "unknown-actor": "attention",
    "given-up": "attention",
    "observed": "accent",
    "recorded": "emphasis",
    "role": "good",
    "custom-policy": "warning",
}


@pytest.mark.parametrize("name", BY_ENDING)
def test_the_headline_says_what_happened_and_what_came_of_it(name: str) -> None:
    assert shown(*BY_ENDING[name])[0] == HEADLINES[name]


@pytest.mark.parametrize("name", BY_ENDING)
def test_the_colour_says_how_bad_it_is(name: str) -> None:
    assert content(*BY_ENDING[name])["body"][0]["style"] == COLOURS[name]


def test_the_envelope_is_the_one_that_the_flow_takes() -> None:
    message = card_of(PUT_BACK, CA_POLICY_UPDATED, PAGE_CONTEXT)
    (attachment,) = message["attachments"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")


def test_object_tenant_and_risk_stand_under_the_headline() -> None:
    assert shown(PUT_BACK)[1] == f"Policy “{MFA_FOR_ALL.name}” in Entra ID, high risk"
    assert shown(ROLE, ROLE_ASSIGNED)[
        1
    ] == "Role assignment at “/subscriptions/0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258” in" + (" Entra ID, high risk")


@pytest.mark.parametrize(
    ("case", "result"),
    [
        (PUT_BACK, "The change was in force for 8 s. Read back: stands as before: conditions, sessionControls, state."),
        (UNPROVED, "The request was sent, but 20 s later the object still hadn't changed."),
        (GUARDED, "The actor is not approved, but putting it back would affect a protected principal (b6000002)."),
        (
            UNKNOWN_ACTOR,
            "It is not known whether the actor is approved: the record doesn't say who made the change.",
        ),
        (GIVEN_UP, "The responder could not answer this case in 6 attempts: Microsoft Graph gave no answer."),
        (
            OBSERVED,
            (
                "The detection is in mode observe. In mode enforce the responder would put it back: the actor is not "
                "approved."
            ),
        ),
    ],
)
def test_the_third_line_says_what_came_of_it_or_why_nothing_did(case: Case, result: str) -> None:
    assert shown(case)[2] == result


def test_where_the_record_tells_no_change_what_was_done_is_told() -> None:
    assert "Done: Delete the assignment of Owner at /subscriptions/" in shown(ROLE, ROLE_ASSIGNED)[2]
    assert section(shown(ROLE, ROLE_ASSIGNED), "Put back") == [
        "roleDefinitionId: removed “Owner (8e3af657-a8ff-443c-a75c-2fe8c4bcb635)”",
        f"principalId: removed “{MALLORY.id}”",
    ]


def test_of_a_policy_only_what_differs_is_shown_with_names() -> None:
    state, users, session = section(shown(PUT_BACK), "What changed")
    assert state == "state: “enabled” → “enabledForReportingButNotEnforced”"
    assert users == (
        f"conditions.users.excludeUsers: added “Mallory Marsh ({MALLORY.id})”;"
        " removed “break-glass account (b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17)” (1 unchanged)"
    )
    assert session.startswith("sessionControls: removed “signInFrequency.value 12, ")


def test_values_to_set_by_hand_are_shown_where_somebody_has_to() -> None:
    state, users = section(shown(FAILED), "To put back")
    assert state == "state: “enabledForReportingButNotEnforced” → “enabled”"
    assert users.startswith("conditions.users.excludeUsers: add “break-glass account (b6000002-")
    assert "Put back" in shown(UNPROVED)
    assert "Would have been put back" in shown(OBSERVED)
    assert "Put back" not in shown(PUT_BACK)


def steps(case: Case, detection: AnyDetection = CA_POLICY_UPDATED) -> list[str]:
    return section(shown(case, detection), "What to do")


ASK = "Ask “Mallory Marsh” by phone whether they made this change; an attacker may be reading their mail and chat."


def test_after_a_put_back_the_actor_is_asked_and_may_be_approved() -> None:
    ask, approve = steps(PUT_BACK)
    assert ask.startswith(f"1. {ASK}")
    assert approve == (
        f"2. If the change is wanted: approve “Mallory Marsh” ({MALLORY.id}) in approval list conditional-access, then"
        " have the change made again."
    )


def test_an_unproved_put_back_is_checked_first() -> None:
    assert steps(UNPROVED)[0] == (
        "1. Open the policy and check that it has the values listed under “Put back”. If it doesn't, set them by hand."
    )
    bare = msgspec.structs.replace(UNPROVED, put_back=())
    assert steps(bare)[0] == "1. Open the policy and check that the change is gone. If it isn't, undo it by hand."


def test_a_refusal_names_the_permission_to_grant() -> None:
    by_hand, grant, ask = steps(FAILED)
    assert by_hand == (
        "1. The change is still in force: open the policy and set the values listed under “To put back” by hand."
    )
    assert (
        grant == "2. Grant the responder the permissions that it lacks:"
        " Policy.Read.All, Policy.ReadWrite.ConditionalAccess."
    )
    assert ask.startswith(f"3. {ASK}")


def test_a_failure_that_is_no_refusal_asks_for_no_permission() -> None:
    failed = msgspec.structs.replace(FAILED, proof="PATCH gave 400 1011: bad policy")
    assert not any("Grant" in step for step in steps(failed))


def test_an_unknown_actor_is_looked_for_and_not_approved() -> None:
    by_hand, find = steps(UNKNOWN_ACTOR)
    assert by_hand.endswith("open the policy and undo the changes listed under “What changed” by hand.")
    assert find.startswith("2. Find out who made the change, since the record names nobody:")


def test_an_actor_who_could_not_be_checked_is_checked_by_hand() -> None:
    assert steps(CUSTOM_POLICY, CUSTOM_POLICY_UPDATED)[0].startswith(
        "1. Find out whether “Bob Brandt” may make such changes. "
    )


def test_where_a_guard_held_the_responder_back_the_reason_is_minded() -> None:
    assert "read above why the responder didn't put it back, then open the policy" in steps(GUARDED)[0]


def test_an_application_has_no_phone() -> None:
    assert steps(ROLE, ROLE_ASSIGNED)[0].startswith("1. Ask the owners of application “Release pipeline”")


def test_there_is_nothing_to_do_about_an_approved_change() -> None:
    assert steps(RECORDED) == ["1. Nothing."]


def details(case: Case, detection: AnyDetection = CA_POLICY_UPDATED) -> dict[str, str]:
    texts = section(shown(case, detection), "Details")
    return dict(zip(texts[::2], texts[1::2], strict=True))


def test_the_details_say_who_from_where_when_and_why() -> None:
    found = details(PUT_BACK)
    assert found["Who"] == f"“Mallory Marsh”, user {MALLORY.id}"
    assert found["From"] == "198.51.100.66"
    assert found["When"] == "2026-11-21 21:43:07 UTC"
    assert found["Timing"] == "answered 8 s after the change, at 2026-11-21 21:43:15 UTC"
    assert found["Tenant"] == f"Entra ID {WORKFORCE_TENANT}"
    assert found["Approval"] == f"Unapproved: no row for {MALLORY.id} in approval list conditional-access"
    assert found["Decision"] == "Remediate (mode enforce): the actor is not approved"
    assert found["Proof"] == "stands as before: conditions, sessionControls, state"
    assert found["Detection"].endswith("(ca-policy-updated, guide row infrastructure/3)")
    assert found["Undo"].startswith("Set the properties named in the case")
    assert found["Case"] == PUT_BACK.id


def test_who_from_where_and_when_are_told_even_if_unknown() -> None:
    found = details(UNKNOWN_ACTOR)
    assert found["Who"] == "somebody the record doesn't name, of unknown kind"
    assert found["From"] == "the record has no address"


@pytest.mark.parametrize(
    ("later", "took"),
    [
        (timedelta(0), "answered 0 s after the change, at 2026-11-21 21:43:07 UTC"),
        (timedelta(minutes=5), "answered 5 min after the change, at 2026-11-21 21:48:07 UTC"),
        (timedelta(hours=3, minutes=4), "answered 3 h 4 min after the change, at 2026-11-22 00:47:07 UTC"),
        (timedelta(seconds=-3), "noticed 5 s after the change, at 2026-11-21 21:43:12 UTC"),
    ],
)
def test_how_long_it_took_is_told_in_round_figures(later: timedelta, took: str) -> None:
    assert details(case(acted_at=AT + later))["Timing"] == took


def test_what_failed_is_not_called_a_proof() -> None:
    assert details(FAILED)["Failure"].startswith("PATCH /identity/conditionalAccess/policies gave 403")
    assert "Proof" not in details(FAILED)


def test_who_has_read_it_is_told() -> None:
    read = case(acknowledged_by="alex@contoso.example", acknowledged_at=AT + timedelta(minutes=2))
    assert details(read)["Read by"] == "alex@contoso.example at 2026-11-21 21:45:07 UTC"


def test_the_links_are_the_case_the_portal_and_the_reference() -> None:
    actions = content(PUT_BACK)["actions"]
    assert [(action["type"], action["title"]) for action in actions] == [
        ("Action.OpenUrl", "Open the case"),
        ("Action.OpenUrl", "Open the policy in Entra"),
        ("Action.OpenUrl", "About this activity"),
    ]
    assert (actions[0]["url"], actions[2]["url"]) == (PAGE_CONTEXT.case_link, REFERENCE)


def test_a_detection_without_a_reference_has_no_link_to_one() -> None:
    bare = detection(reference="", techniques=())
    assert [action["title"] for action in content(PUT_BACK, bare)["actions"]][2:] == []
    assert "Technique" not in details(PUT_BACK, bare)
    assert "Reference" not in alert_of(PUT_BACK, bare, PAGE_CONTEXT)["payload"]["custom_details"]


def test_the_details_name_the_techniques() -> None:
    assert details(PUT_BACK)["Technique"] == "T1556.009 Conditional Access Policies, T1531"


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "http://elsewhere.example", "https://x/" + "x" * 2_000])
def test_without_a_fit_case_link_there_is_none(link: str) -> None:
    titles = [action["title"] for action in content(PUT_BACK, page_context=PageContext(case_link=link))["actions"]]
    assert titles == ["Open the policy in Entra", "About this activity"]


def test_many_changes_are_counted() -> None:
    changes = tuple(PUT_BACK.target.changes[0].__replace__(name=f"p{number}", old="1", new="2") for number in range(99))
    target = msgspec.structs.replace(PUT_BACK.target, changes=changes)
    assert section(shown(case(target=target)), "What changed")[-1] == "… and 89 more: open the case for all of them."


def mentions(*owners: Owner, place: int = 0) -> tuple[str, list[dict[str, Any]]]:
    """The one TextBlock, and the entities."""
    card = content(PUT_BACK, page_context=msgspec.structs.replace(PAGE_CONTEXT, owners=owners, place=place))
    (block,) = [item for item in card["body"] if item["type"] == "TextBlock"]
    return block["text"], card["msteams"].get("entities", [])


def test_an_owner_is_mentioned() -> None:
    text, entities = mentions(ALEX)
    assert text == "Paged: <at>Alex Admin</at>"
    mentioned = {"id": "alex@contoso.onmicrosoft.com", "name": "Alex Admin"}
    assert entities == [{"type": "mention", "text": "<at>Alex Admin</at>", "mentioned": mentioned}]


def test_an_object_id_goes_before_a_name_that_may_change() -> None:
    _, (entity,) = mentions(ALEX.__replace__(object_id=MALLORY.id))
    assert entity["mentioned"]["id"] == MALLORY.id


def test_owners_of_one_name_are_told_apart() -> None:
    text, entities = mentions(ALEX, ALEX.__replace__(upn="other@contoso.example"))
    assert text == "Paged: <at>Alex Admin</at>, <at>Alex Admin 2</at>"
    assert [entity["text"] for entity in entities] == ["<at>Alex Admin</at>", "<at>Alex Admin 2</at>"]


def test_an_owner_whom_teams_could_not_find_is_only_named() -> None:
    assert mentions(ALEX.__replace__(upn="")) == ("Paged: Alex Admin", [])


def test_later_owners_are_told_that_nobody_answered() -> None:
    assert mentions(ALEX, place=1)[0].startswith("Nobody has acknowledged the earlier pages. Paged: ")
    assert mentions(place=1) == ("Nobody has acknowledged the earlier pages.", [])


@pytest.mark.parametrize("name", [*EVIL_TEXTS, "", "***", "Ann <b>Lee</b>", "a_b_c"])
def test_an_owners_name_is_no_markup(name: str) -> None:
    text, (entity,) = mentions(ALEX.__replace__(name=name))
    assert re.fullmatch(r"Paged: <at>[^<>*_`\[\]()~\\&{}$#!|\x00-\x1f]+</at>", text)
    assert entity["text"] in text


def test_without_owners_nobody_is_mentioned() -> None:
    card = content(PUT_BACK, page_context=PageContext())
    assert not [item for item in card["body"] if item["type"] == "TextBlock"]
    assert card["msteams"] == {"width": "Full"}


@pytest.mark.parametrize("text", EVIL_TEXTS)
def test_texts_of_the_tenant_never_stand_where_markdown_is_read(text: str) -> None:
    for part in walk(content(evil(text))):
        assert part.get("type") not in {"FactSet", "Input.Text", "Table", "Media"}
        if part.get("type") == "TextBlock":
            assert part["text"] == "Paged: <at>Alex Admin</at>"


def test_the_settings_give_names_tenant_and_link() -> None:
    settings = settings_from(
        {
            "WORKFORCE_TENANT_ID": WORKFORCE_TENANT,
            "WORKFORCE_RESPONDER_ID": RESPONDER.id,
            "SUBSCRIPTION_IDS": "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258",
            "EMERGENCY_ACCOUNT_IDS": BREAK_GLASS_1.id,
            "PROTECTED_PRINCIPAL_IDS": MALLORY.id,
            "PAGERDUTY_ROUTING_KEY": "0" * 32,
            "CASE_LINK": "https://responder.example/cases/{case}",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        }
    )
    page_context = page_context_for(PUT_BACK, settings, owners=(ALEX,), place=2)
    assert page_context.tenant_name == "Entra ID"
    assert page_context.case_link == f"https://responder.example/cases/{PUT_BACK.id}"
    assert (page_context.owners, page_context.place) == ((ALEX,), 2)
    assert page_context.names == {
        BREAK_GLASS_1.id: "break-glass account",
        MALLORY.id: "protected principal",
        RESPONDER.id: "the responder",
    }
    stranger = page_context_for(case(tenant_id="0" * 8), settings)
    assert stranger.tenant_name == "a tenant that isn't configured"


SEVERITIES = {
    "put-back": ("warning", "info", "info"),
    "already": ("warning", "info", "info"),
    "unproved": ("critical", "error", "warning"),
    "failed": ("critical", "error", "warning"),
    "under-way": ("critical", "error", "warning"),
    "guarded": ("critical", "error", "warning"),
    "page-mode": ("critical", "error", "warning"),
    "unknown-actor": ("critical", "error", "warning"),
    "given-up": ("critical", "error", "warning"),
    "observed": ("info", "info", "info"),
    "recorded": ("info", "info", "info"),
}


@pytest.mark.parametrize("name", SEVERITIES)
def test_severity_follows_risk_while_something_is_to_be_done(name: str) -> None:
    risks = (Risk.HIGH, Risk.MEDIUM, Risk.LOW)
    about = BY_ENDING[name][0]
    found = tuple(alert_of(about, detection(risk=risk), PAGE_CONTEXT)["payload"]["severity"] for risk in risks)
    assert found == SEVERITIES[name]


def test_an_alert_is_named_by_its_case_and_says_what_the_card_says() -> None:
    alert = alert_of(FAILED, CA_POLICY_UPDATED, PAGE_CONTEXT)
    payload = alert["payload"]
    assert (alert["event_action"], alert["dedup_key"]) == ("trigger", FAILED.id)
    assert payload["summary"] == HEADLINES["failed"]
    assert (payload["source"], payload["component"]) == ("Entra ID", MFA_FOR_ALL.name)
    assert (payload["class"], payload["group"]) == ("ca-policy-updated", "conditional-access")
    assert payload["timestamp"] == "2026-11-21T21:43:07+00:00"
    assert payload["custom_details"]["What changed"][0] == "state: “enabled” → “enabledForReportingButNotEnforced”"
    assert payload["custom_details"]["What to do"][0].startswith("The change is still in force")
    assert payload["custom_details"]["From"] == "198.51.100.66"
    assert (alert["client"], alert["client_url"]) == ("Entra Responder", PAGE_CONTEXT.case_link)
    assert payload["custom_details"]["Technique"] == "T1556.009 Conditional Access Policies, T1531"
    assert payload["custom_details"]["Reference"] == REFERENCE
    assert [link["text"] for link in alert["links"]] == [
        "Open the case",
        "Open the policy in Entra",
        "About this activity",
    ]
    assert alert["links"][2]["href"] == REFERENCE
    assert "routing_key" not in alert


_STEP = "Reset the password: somebody else has it."


def test_a_detection_that_applies_whoever_did_it_says_nothing_of_approval() -> None:
    reported = detection(
        title="Fraud reported",
        seed_row="privileged-accounts/7",
        unless_actor_in=None,
        answer=Answer.PAGE,
        remediation=None,
        first_step=_STEP,
    )
    about = case(
        **PAGED,
        standing=Standing.UNKNOWN,
        standing_because="the detection has no approval list",
        because="the detection applies whoever did it",
    )
    payload = alert_of(about, reported, PAGE_CONTEXT)["payload"]
    assert payload["summary"] == "Needs you: Fraud reported by “Mallory Marsh”"
    assert payload["group"] == "privileged-accounts"
    first, *others = payload["custom_details"]["What to do"]
    assert first == _STEP
    assert not any("approve" in step for step in others)


def test_an_alert_without_a_case_link_still_has_the_portal() -> None:
    alert = alert_of(PUT_BACK, CA_POLICY_UPDATED, PageContext())
    assert "client_url" not in alert
    assert [link["text"] for link in alert["links"]] == ["Open the policy in Entra", "About this activity"]
    assert alert["payload"]["source"] == WORKFORCE_TENANT


def test_every_ending_has_an_example() -> None:
    assert {ending_of(about) for about, _ in BY_ENDING.values()} == set(type(ending_of(PUT_BACK)))


def test_what_prevents_it_is_named_with_the_whole_command_that_removes_it() -> None:
    texts = shown(LOCKED)
    steps = section(texts, "What to do")
    assert any(LOCKED.by_hand in step for step in steps)
    assert any("keeps trying and sends one more message" in step for step in steps)
    assert any("a management lock forbids it" in text for text in texts)
    alert = alert_of(LOCKED, CA_POLICY_UPDATED, PAGE_CONTEXT)["payload"]
    assert any(LOCKED.by_hand in step for step in alert["custom_details"]["What to do"])
    assert "locks/keep" in str(alert["custom_details"])
    assert alert["severity"] == "critical"


@pytest.mark.parametrize(("about", "is_shown"), [(GUARDED, True), (PUT_BACK, False), (RECORDED, False)])
def test_what_the_responder_may_not_do_is_told_as_a_command_where_people_have_to(
    about: Case, *, is_shown: bool
) -> None:
    command = f"az role assignment create --name 1 --scope {'/x' * 200} --role 2"
    steps = section(shown(msgspec.structs.replace(about, by_hand=command)), "What to do")
    assert any(command in step for step in steps) is is_shown
