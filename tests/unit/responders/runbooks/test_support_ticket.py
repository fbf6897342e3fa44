import json
from typing import Any

import msgspec
import pytest

from infra.local.world import SUBSCRIPTION, WORKFORCE_TENANT
from responders.runbooks.support_ticket import SUPPORT_TICKET, ticket_name
from shared.clients.answers import Answer as HttpAnswer
from shared.emergency.entries import Answer, Declared, StepState
from shared.emergency.runbook import StepEnd
from tests.fakes.hybrid_tenant import HybridTenant
from tests.fakes.runbook_runs import EMERGENCY, Runs, runs_of
from tests.fakes.tenant import Request, answer_of

_CONTACT = json.dumps(
    {
        "first_name": "Alice",
        "last_name": "Alvarez",
        "email": "alice@contoso.com",
        "phone": "+353 1 555 0100",
        "country": "IRL",
    }
)
_SECOND = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c259"
_PHONE = "+353 1 555 0199, access id 1234567890"


def _runs(tenant: HybridTenant | None = None, *, drill: bool = False, **settings: str) -> Runs:
    values: dict[str, Any] = {"SUPPORT_CONTACT": _CONTACT, "SUPPORT_PHONE": _PHONE, "READ_BACK_SECONDS": "20"}
    values |= settings
    return runs_of(SUPPORT_TICKET, tenant, drill=drill, **values)


def _all(end: StepEnd) -> str:
    return "\n".join(f"{one.text} {one.what_to_do}" for one in end.findings)


def _puts(runs: Runs) -> list[Request]:
    return [request for request in runs.tenant.writes if request.method == "PUT"]


def test_a_critical_ticket_is_asked_for_once_and_its_number_is_shown() -> None:
    runs = _runs()
    end = runs.run()
    assert end.state is StepState.DONE
    assert "2603020010000123" in _all(end)
    (put,) = _puts(runs)
    sent = put.body["properties"]
    assert sent["severity"] == "critical"
    assert sent["contactDetails"]["phoneNumber"] == "+353 1 555 0100"
    assert sent["contactDetails"]["country"] == "IRL"
    assert sent["problemClassificationId"].endswith("/locked")
    assert WORKFORCE_TENANT in sent["description"]
    assert "Nobody can sign in" in sent["description"]
    assert put.url.endswith(f"/supportTickets/entra-responder-{EMERGENCY}")


def test_a_second_run_finds_the_ticket_of_the_first() -> None:
    runs = _runs()
    runs.run()
    assert runs.run().state is StepState.DONE
    assert len(_puts(runs)) == len(runs.tenant.tickets) == 1


@pytest.mark.parametrize("plan", ["Basic", "Developer", "Standard"])
def test_a_plan_that_refuses_gives_the_text_and_the_telephone(plan: str) -> None:
    runs = _runs(HybridTenant(plans={SUBSCRIPTION: plan}))
    end = runs.run()
    assert end.state is StepState.BLOCKED
    assert end.next_at is None
    for shown in (
        _PHONE,
        f"Tenant id: {WORKFORCE_TENANT}",
        "Alice Alvarez",
        ticket_name(EMERGENCY),
        "the plan doesn't",
    ):
        assert shown in _all(end)


def test_the_second_subscription_is_asked_where_the_first_one_refuses() -> None:
    tenant = HybridTenant(plans={SUBSCRIPTION: "Basic", _SECOND: "Unified"})
    runs = _runs(tenant)
    assert runs.run().state is StepState.DONE
    assert [key[0] for key in tenant.tickets] == [_SECOND]
    assert runs.run().state is StepState.DONE
    assert len(tenant.tickets) == 1


def _refused(request: Request) -> HttpAnswer | None:
    if request.method == "PUT":
        return answer_of({"error": {"code": "AuthorizationFailed", "message": "no authorization"}}, 403)
    return None


def test_an_identity_that_may_not_gives_the_text() -> None:
    end = _runs(HybridTenant(spoil=_refused)).run()
    assert end.state is StepState.BLOCKED
    assert "Microsoft.Support/supportTickets/write" in _all(end)
    assert _PHONE in _all(end)


def _down(request: Request) -> HttpAnswer | None:
    return answer_of({"error": {"code": "ServerError", "message": "down"}}, 503) if request.url else None


def test_where_azure_is_down_the_text_is_there_all_the_same() -> None:
    end = _runs(HybridTenant(spoil=_down)).run()
    assert end.state is StepState.BLOCKED
    assert {one.answer for one in end.findings} == {Answer.UNKNOWN}
    assert "Title: " in _all(end)
    assert _PHONE in _all(end)


def test_without_a_contact_nothing_is_asked_of_azure() -> None:
    runs = _runs(SUPPORT_CONTACT="")
    end = runs.run()
    assert end.state is StepState.BLOCKED
    assert "SUPPORT_CONTACT" in _all(end)
    assert runs.tenant.log == []


def test_without_a_telephone_a_person_learns_where_to_find_it() -> None:
    end = _runs(HybridTenant(plans={SUBSCRIPTION: "Basic"}), SUPPORT_PHONE="").run()
    assert "SUPPORT_PHONE isn't set" in _all(end)


@pytest.mark.parametrize("services", [(), ("Billing", "Virtual Machine running Linux")])
def test_where_azure_lists_no_such_service_the_text_is_given(services: tuple[str, ...]) -> None:
    runs = _runs(HybridTenant(services=services))
    assert runs.run().state is StepState.BLOCKED
    assert _puts(runs) == []


def test_a_lost_answer_is_looked_for_under_the_same_name() -> None:
    runs = _runs(HybridTenant(lose=frozenset({0, 1, 2, 3, 4})))
    end = runs.run()
    assert end.state is StepState.BLOCKED
    assert end.next_at is not None
    assert "Title: " in _all(end)
    runs.tenant.lose = frozenset()
    assert runs.run().state is StepState.DONE
    assert len(runs.tenant.tickets) == 1


def test_a_run_that_was_killed_is_gone_on_with_and_makes_no_second_ticket() -> None:
    first = frozenset({0})
    for tenant in (HybridTenant(kill_before=first), HybridTenant(kill_after=first)):
        runs = _runs(tenant)
        runs.killed()
        assert runs.run(resume=True).state is StepState.DONE
        assert len(tenant.tickets) == 1


def test_a_ticket_that_takes_its_time_is_looked_for_by_itself_and_not_for_ever() -> None:
    runs = _runs(HybridTenant(tickets_show=False))
    end = runs.run()
    looks = 0
    while end.next_at is not None:
        assert end.state is StepState.BLOCKED
        assert "hasn't made the ticket yet" in _all(end)
        runs.bench.clock.move(end.next_at - runs.bench.clock())
        end = runs.run()
        looks += 1
        assert looks < 30
    assert looks >= 5
    assert len(runs.tenant.tickets) == 1
    runs.tenant.tickets_show = True
    assert runs.run().state is StepState.DONE


def test_a_drill_asks_for_nothing_and_leaves_the_tenant_as_it_was() -> None:
    runs = _runs(drill=True)
    before = runs.tenant.state()
    end = runs.run()
    assert end.state is StepState.DONE
    assert runs.tenant.writes == []
    assert runs.tenant.state() == before
    assert len(runs.dry) == 1
    assert "Title: " in _all(end)


def test_the_text_fits_into_what_an_entry_keeps() -> None:
    runs = _runs(HybridTenant(plans={SUBSCRIPTION: "Basic"}))
    (declared,) = runs.entries
    assert isinstance(declared.act, Declared)
    act = msgspec.structs.replace(declared.act, reason="x" * 5_000)
    runs.entries[0] = msgspec.structs.replace(declared, act=act)
    end = runs.run()
    assert all(len(one.text) <= 2_000 and len(one.what_to_do) <= 2_000 for one in end.findings)


def test_both_languages_have_every_text() -> None:
    step = SUPPORT_TICKET
    for words in (step.title, step.person, step.system, step.check, step.failed):
        assert words.en
        assert any("가" <= letter <= "힣" for letter in words.ko)
