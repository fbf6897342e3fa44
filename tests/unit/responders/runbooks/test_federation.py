import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS, SHOP_DOMAIN, WORKFORCE_TENANT
from responders.runbooks.federation import FEDERATION
from responders.runbooks.federation_texts import BACK, SWITCH
from shared.clients.answers import Answer as HttpAnswer
from shared.clients.storage_names import Container
from shared.emergency.entries import Answer, Asked, Caller, Confirmed, Proof, Proposal, RunKind, StepState
from shared.emergency.evidence import EvidenceBox
from shared.emergency.manifest import StoredFiles, Verified, verify
from shared.emergency.runbook import StepEnd
from tests.fakes.clock import NOW
from tests.fakes.hybrid_tenant import HybridTenant, domain, federation
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runbook_runs import CAROL, DAVE, EMERGENCY, Runs, runs_of
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Request, answer_of

_COMMAND: Final = f'Update-MgDomain -DomainId "{COMPANY_DOMAIN}" -AuthenticationType "Managed"'
_HOUR: Final = timedelta(hours=1)


def _runs(tenant: HybridTenant | None = None, **options: Any) -> Runs:  # noqa: ANN401 - as `runs_of` takes
    return runs_of(FEDERATION, tenant, **options)


def _all(end: StepEnd) -> str:
    return "\n".join(f"{one.about}: {one.text} {one.what_to_do}" for one in end.findings)


def _authentication(runs: Runs) -> str:
    return str(runs.tenant.domains[COMPANY_DOMAIN]["authenticationType"])


def _proposal(end: StepEnd) -> Proposal:
    (proposal,) = end.proposals
    return proposal


def _switched(runs: Runs) -> StepEnd:
    """Propose, agree, do."""
    runs.agree(_proposal(runs.run()))
    return runs.run()


def _failing(path: str, *, method: str = "GET", status: int = 503) -> Callable[[Request], HttpAnswer | None]:
    def spoil(request: Request) -> HttpAnswer | None:
        if request.method == method and request.url == path:
            return answer_of({"error": {"code": "Spoilt", "message": "spoilt"}}, status)
        return None

    return spoil


# ---- the whole way ---------------------------------------------------------------------------------------------------


def test_two_operators_agree_to_the_exact_text_and_the_domain_is_managed() -> None:
    runs = _runs()
    first = runs.run()
    assert (first.state, _authentication(runs)) == (StepState.BLOCKED, "Federated")
    proposal = _proposal(first)
    assert proposal.what == SWITCH
    for shown in (EMERGENCY, WORKFORCE_TENANT, COMPANY_DOMAIN, SHOP_DOMAIN, FEDERATION_SETTINGS["issuerUri"]):
        assert shown in proposal.text
    assert proposal.digest == hashlib.sha256(proposal.text.encode()).hexdigest()
    runs.agree(proposal)
    end = runs.run()
    assert (end.state, _authentication(runs)) == (StepState.DONE, "Managed")
    assert runs.tenant.domains[SHOP_DOMAIN]["authenticationType"] == "Managed"
    (write,) = runs.tenant.writes
    assert (write.method, write.url, write.body) == (
        "PATCH",
        f"/domains/{COMPANY_DOMAIN}",
        {"authenticationType": "Managed"},
    )
    assert "as read back at" in _all(end)


def test_the_settings_are_kept_before_anything_is_written() -> None:
    runs = _runs()
    end = runs.run()
    assert runs.tenant.writes == []
    (kept,) = end.evidence
    content = runs.bench.storage.blob(Container.EVIDENCE, kept.blob)
    assert content is not None
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (kept.sha256, kept.size)
    read = json.loads(content)
    assert read["federation"] == federation()
    assert read["post"] == {name: value for name, value in FEDERATION_SETTINGS.items() if value is not None}
    assert kept.blob in _proposal(end).text
    assert kept.sha256 in _proposal(end).text


def _verified(storage: MemoryStorage) -> Verified:
    return verify(StoredFiles(storage, EMERGENCY))


def _named(storage: MemoryStorage) -> list[str]:
    return [entry.file for entry in EvidenceBox(storage, EMERGENCY, clock=lambda: NOW).entries() if entry.file]


def test_what_stood_before_and_after_is_in_the_manifest() -> None:
    storage = MemoryStorage()
    runs = _runs(storage=storage)
    kept = [*_switched(runs).evidence]
    runs.agree(_proposal(runs.run(RunKind.BACK)))
    kept += runs.run(RunKind.BACK).evidence
    folder = f"emergencies/{EMERGENCY}/"
    assert {one.blob.removeprefix(folder) for one in kept} == set(_named(storage))
    assert [name.count("after/") for name in _named(storage)] == [0, 1, 1], "before, switched, taken back"
    assert _verified(storage).problems == ()
    before, switched, back = (msgspec.json.decode(storage.containers[Container.EVIDENCE][one.blob]) for one in kept)
    assert (switched["authentication"], switched["federation"]) == ("Managed", None)
    assert back["authentication"] == "Federated"
    assert back["federation"]["issuerUri"] == before["post"]["issuerUri"]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("damage", ["gone", "changed", "put there"])
def test_verify_finds_what_happened_to_a_file_of_the_federation(which: int, damage: str) -> None:
    storage = MemoryStorage()
    blob = _switched(_runs(storage=storage)).evidence[which].blob
    blobs = storage.containers[Container.EVIDENCE]
    if damage == "gone":
        del blobs[blob]
    elif damage == "changed":
        blobs[blob] = blobs[blob].replace(b"contoso", b"c0ntoso")
    else:
        blobs[blob.replace("-", "-0")] = b"{}"
    assert any("federation/" in problem for problem in _verified(storage).problems)


def test_a_run_that_was_killed_before_the_manifest_named_its_file_leaves_it_to_step_8() -> None:
    storage = MemoryStorage()
    storage.create_all()
    storage.keep(Container.EVIDENCE, f"emergencies/{EMERGENCY}/federation/contoso.com-0123456789abcdef.json", b"{}")
    assert _verified(storage).problems
    assert EvidenceBox(storage, EMERGENCY, clock=lambda: NOW).adopt() == 1
    assert _verified(storage).problems == ()


def test_a_domain_that_a_person_switched_is_kept_as_it_stands() -> None:
    storage = MemoryStorage()
    runs = _runs(storage=storage)
    runs.run()
    runs.tenant.domains[COMPANY_DOMAIN] = domain(COMPANY_DOMAIN)
    runs.tenant.domains[SHOP_DOMAIN] = domain(SHOP_DOMAIN, is_root=False)
    runs.tenant.federations.pop(COMPANY_DOMAIN)
    end = runs.run()
    assert end.state is StepState.DONE
    assert [one.blob.count("/after/") for one in end.evidence] == [1]
    again = runs.run()
    assert _named(storage).count(end.evidence[0].blob.removeprefix(f"emergencies/{EMERGENCY}/")) == 1
    assert again.state is StepState.DONE


def test_where_the_state_after_can_not_be_kept_the_switch_is_done_and_it_is_said() -> None:
    spoilt = SpoiltStorage(MemoryStorage())
    runs = _runs(storage=spoilt)
    runs.agree(_proposal(runs.run()))
    spoilt.faults.spoil = lambda operation: "before" if "evidence" in operation and runs.tenant.writes else ""
    end = runs.run()
    assert end.state is StepState.DONE
    assert [one.id for one in end.findings if one.answer is Answer.UNKNOWN] == ["domain-state-after-not-kept"]


def test_the_text_is_the_same_as_long_as_nothing_changed_and_another_one_otherwise() -> None:
    runs = _runs()
    first = _proposal(runs.run())
    runs.bench.clock.move(_HOUR)
    runs.tenant.hashes_at = runs.bench.clock()
    assert _proposal(runs.run()) == first
    runs.tenant.federations[COMPANY_DOMAIN] = federation(issuerUri="http://evil.example")
    assert _proposal(runs.run()).digest != first.digest


def test_the_way_back_takes_two_persons_again_and_gives_the_same_federation() -> None:
    runs = _runs()
    _switched(runs)
    first = runs.run(RunKind.BACK)
    assert (first.state, _authentication(runs)) == (StepState.BLOCKED, "Managed")
    proposal = _proposal(first)
    assert proposal.what == BACK
    runs.agree(proposal)
    end = runs.run(RunKind.BACK)
    assert (end.state, _authentication(runs)) == (StepState.DONE, "Federated")
    settings = runs.tenant.federations[COMPANY_DOMAIN]
    assert {name: settings[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS
    assert [write.method for write in runs.tenant.writes] == ["PATCH", "POST"]
    assert runs.emergency.step(6).is_taken_back
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert len(runs.tenant.writes) == 2


# ---- who agrees, to what, when ---------------------------------------------------------------------------------------

_CODED: Final = Caller(operator=DAVE.operator, name=DAVE.name, proof=Proof.CODE)
_CODED_ASKING: Final = Caller(operator=CAROL.operator, name=CAROL.name, proof=Proof.CODE)


@pytest.mark.parametrize(
    "options",
    [
        {"confirms": CAROL},
        {"confirms": _CODED},
        {"asks": _CODED_ASKING},
        {"after": timedelta(minutes=15, seconds=1)},
    ],
    ids=["one person twice", "confirmed by a code", "asked by a code", "after 15 minutes"],
)
def test_what_does_not_count_as_two_persons_changes_nothing(options: dict[str, Any]) -> None:
    runs = _runs()
    runs.agree(_proposal(runs.run()), **options)
    end = runs.run()
    assert (end.state, _authentication(runs), runs.tenant.writes) == (StepState.BLOCKED, "Federated", [])
    assert _COMMAND in _all(end)


def test_a_confirmation_at_the_last_second_counts() -> None:
    runs = _runs()
    runs.agree(_proposal(runs.run()), after=timedelta(minutes=15))
    assert runs.run().state is StepState.DONE


def test_what_was_agreed_to_is_another_text_than_what_would_be_done_now() -> None:
    runs = _runs()
    runs.agree(_proposal(runs.run()))
    runs.tenant.federations[COMPANY_DOMAIN] = federation(issuerUri="http://evil.example")
    end = runs.run()
    assert (end.state, runs.tenant.writes) == (StepState.BLOCKED, [])
    assert "evil.example" in _proposal(end).text


def test_another_digest_does_not_count() -> None:
    runs = _runs()
    proposal = _proposal(runs.run())
    runs.add(Asked(what=SWITCH, digest="0" * 64, text=proposal.text), CAROL)
    runs.add(Confirmed(what=SWITCH, digest="0" * 64), DAVE)
    assert runs.run().state is StepState.BLOCKED
    assert runs.tenant.writes == []


def test_a_change_between_the_decision_and_the_write_stops_it() -> None:
    runs = _runs()
    runs.agree(_proposal(runs.run()))
    reads = 0

    def change(request: Request) -> None:
        nonlocal reads
        reads += request.url.endswith("/federationConfiguration")
        if reads == 2:
            runs.tenant.federations[COMPANY_DOMAIN] = federation(signingCertificate="another one")

    runs.tenant.spoil = change
    end = runs.run()
    assert (end.state, runs.tenant.writes) == (StepState.BLOCKED, [])
    assert "changed meanwhile" in _all(end)


# ---- the table of tenants --------------------------------------------------------------------------------------------


def _managed() -> HybridTenant:
    return HybridTenant(domains={COMPANY_DOMAIN: domain(COMPANY_DOMAIN)}, federations={})


def _subdomain_alone() -> HybridTenant:
    domains = {
        COMPANY_DOMAIN: domain(COMPANY_DOMAIN),
        SHOP_DOMAIN: domain(SHOP_DOMAIN, authentication="Federated", is_root=False),
    }
    return HybridTenant(domains=domains, federations={})


def _with_domain(name: str, image: dict[str, Any]) -> HybridTenant:
    tenant = HybridTenant()
    tenant.domains[name] = image
    return tenant


def _with_federation(**changes: Any) -> HybridTenant:  # noqa: ANN401 - any JSON
    return HybridTenant(federations={COMPANY_DOMAIN: federation(**changes)})


_FEATURES: Final = "/directory/onPremisesSynchronization"
_SETTINGS: Final = f"/domains/{COMPANY_DOMAIN}/federationConfiguration"

_TENANTS: Final[tuple[tuple[str, HybridTenant, StepState, tuple[str, ...], bool], ...]] = (
    ("managed", _managed(), StepState.SKIPPED, ("nothing to switch",), False),
    ("hash sync off", HybridTenant(features={"passwordSyncEnabled": False}), StepState.BLOCKED, ("It is off",), False),
    ("no synchronization", HybridTenant(features={}), StepState.BLOCKED, ("doesn't say whether it is on",), True),
    ("features refused", HybridTenant(reads_features=False), StepState.BLOCKED, ("can't be read",), True),
    ("features odd", HybridTenant(features={"passwordSyncEnabled": "true"}), StepState.BLOCKED, ("doesn't say",), True),
    ("stale", HybridTenant(hashes_at=NOW - timedelta(hours=2, seconds=1)), StepState.BLOCKED, ("2 h ago",), True),
    ("very stale", HybridTenant(hashes_at=NOW - timedelta(days=9)), StepState.BLOCKED, ("216 h ago",), True),
    ("never synchronized", HybridTenant(hashes_at=None), StepState.BLOCKED, ("gives no time",), True),
    ("in the future", HybridTenant(hashes_at=NOW + _HOUR), StepState.BLOCKED, ("in the future",), True),
    ("age unreadable", HybridTenant(spoil=_failing("/organization")), StepState.BLOCKED, ("can't be read",), True),
    ("domains unreadable", HybridTenant(spoil=_failing("/domains")), StepState.BLOCKED, ("Get-MgDomain",), False),
    (
        "domains refused",
        HybridTenant(spoil=_failing("/domains", status=403)),
        StepState.BLOCKED,
        ("Domain.Read",),
        False,
    ),
    ("settings unreadable", HybridTenant(spoil=_failing(_SETTINGS)), StepState.BLOCKED, ("could not be read",), True),
    ("settings gone", HybridTenant(federations={}), StepState.BLOCKED, ("gives no settings",), True),
    ("settings incomplete", _with_federation(issuerUri=None), StepState.BLOCKED, ("issuerUri are missing",), True),
    ("subdomain alone", _subdomain_alone(), StepState.BLOCKED, ("can't be changed by itself",), False),
    (
        "a domain without its type",
        _with_domain("other.example", {"id": "other.example", "isRoot": True}),
        StepState.BLOCKED,
        ("other.example: Graph doesn't say",),
        True,
    ),
    (
        "a domain with a name for a shell",
        _with_domain('x"; rm', domain('x"; rm', authentication="Federated")),
        StepState.BLOCKED,
        ("Graph doesn't say",),
        True,
    ),
)


@pytest.mark.parametrize(
    ("tenant", "state", "shown", "has_command"),
    [row[1:] for row in _TENANTS],
    ids=[row[0] for row in _TENANTS],
)
def test_a_tenant_that_is_not_ready_is_left_alone_whoever_agrees(
    tenant: HybridTenant, state: StepState, shown: tuple[str, ...], *, has_command: bool
) -> None:
    runs = _runs(tenant)
    before = tenant.state()
    runs.agree(_proposal(_runs().run()))
    end = runs.run()
    assert end.state is state
    assert end.proposals == ()
    for text in shown:
        assert text in _all(end)
    assert (_COMMAND in _all(end)) is has_command
    assert 'x"' not in "".join(one.what_to_do for one in end.findings)
    assert tenant.state() == before
    assert tenant.writes == []


def test_hashes_of_just_two_hours_ago_count() -> None:
    assert _runs(HybridTenant(hashes_at=NOW - timedelta(hours=2))).run().proposals


def test_where_the_settings_can_not_be_kept_nothing_is_proposed() -> None:
    class _Full(MemoryStorage):
        def keep(self, container: Container, name: str, content: bytes, **metadata: Any) -> bool:  # noqa: ANN401
            from shared.model.errors import Unreachable  # noqa: PLC0415 - of this test alone

            if container is Container.EVIDENCE:
                raise Unreachable("storage is full")
            return super().keep(container, name, content, **metadata)

    end = _runs(storage=_Full()).run()
    assert (end.state, end.proposals, end.evidence) == (StepState.BLOCKED, (), ())
    assert "Get-MgDomainFederationConfiguration" in _all(end)
    assert _COMMAND in _all(end)


def test_an_emergency_that_is_not_hybrid_leaves_it_out_and_says_what_it_sees() -> None:
    runs = _runs(hybrid=False)
    end = runs.run()
    assert (end.state, end.proposals, runs.tenant.writes) == (StepState.SKIPPED, (), [])
    assert COMPANY_DOMAIN in _all(end)
    assert {one.answer for one in _runs(_managed(), hybrid=False).run().findings} == {Answer.FINE}
    unreadable = _runs(HybridTenant(spoil=_failing("/domains")), hybrid=False).run()
    assert {one.answer for one in unreadable.findings} == {Answer.UNKNOWN}


def test_two_federated_domains_are_one_decision_and_two_writes() -> None:
    tenant = HybridTenant()
    tenant.domains["fabrikam.com"] = domain("fabrikam.com", authentication="Federated")
    tenant.federations["fabrikam.com"] = federation(issuerUri="http://fabrikam.com/adfs")
    runs = _runs(tenant)
    end = _switched(runs)
    assert end.state is StepState.DONE
    assert [write.url for write in tenant.writes] == [f"/domains/{COMPANY_DOMAIN}", "/domains/fabrikam.com"]
    runs.agree(_proposal(runs.run(RunKind.BACK)))
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert tenant.federations["fabrikam.com"]["issuerUri"] == "http://fabrikam.com/adfs"


# ---- refused, lost, killed, late -------------------------------------------------------------------------------------


def test_where_the_app_is_refused_a_person_runs_the_command_and_the_step_sees_it() -> None:
    runs = _runs(HybridTenant(may_write=False))
    end = _switched(runs)
    assert (end.state, _authentication(runs)) == (StepState.BLOCKED, "Federated")
    assert "refuses it to the app" in _all(end)
    assert _COMMAND in _all(end)
    assert end.next_at is not None
    runs.tenant.may_write = True
    runs.tenant.domains[COMPANY_DOMAIN] = domain(COMPANY_DOMAIN)
    runs.tenant.domains[SHOP_DOMAIN] = domain(SHOP_DOMAIN, is_root=False)
    kept = runs.tenant.federations.pop(COMPANY_DOMAIN)
    runs.bench.clock.move(end.next_at - runs.bench.clock())
    end = runs.run(RunKind.REPEAT)
    assert end.state is StepState.DONE
    assert len(runs.tenant.writes) == 1
    # The way back is there all the same, though a person made the change.
    runs.agree(_proposal(runs.run(RunKind.BACK)))
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert runs.tenant.federations[COMPANY_DOMAIN]["issuerUri"] == kept["issuerUri"]


@pytest.mark.parametrize("status", [400, 409, 429])
def test_a_write_that_is_not_taken_leaves_the_command(status: int) -> None:
    runs = _runs(HybridTenant(spoil=_failing(f"/domains/{COMPANY_DOMAIN}", method="PATCH", status=status)))
    end = _switched(runs)
    assert (end.state, _authentication(runs)) == (StepState.BLOCKED, "Federated")
    assert _COMMAND in _all(end)


@pytest.mark.parametrize("late", [0, 2])
def test_a_lost_answer_is_read_and_not_sent_again(late: int) -> None:
    runs = _runs(HybridTenant(lose=frozenset({0}), late=late))
    end = _switched(runs)
    assert (end.state, _authentication(runs)) == (StepState.DONE, "Managed")
    assert len(runs.tenant.writes) == 1


def test_a_request_that_never_arrived_is_not_sent_again_until_two_operators_ask_for_it_again() -> None:
    runs = _runs(HybridTenant(cut=frozenset({0})))
    first = runs.run()
    runs.agree(_proposal(first))
    end = runs.run()
    assert (end.state, _authentication(runs)) == (StepState.BLOCKED, "Federated")
    assert "isn't known whether the request arrived" in _all(end)
    assert _COMMAND in _all(end)
    for _ in range(3):
        runs.bench.clock.move(timedelta(minutes=1))
        end = runs.run(RunKind.REPEAT)
        assert end.state is StepState.BLOCKED
    assert len(runs.tenant.writes) == 1
    runs.agree(_proposal(first))
    assert runs.run().state is StepState.DONE
    assert len(runs.tenant.writes) == 2


@pytest.mark.parametrize("late", [0, 1, 2, 3, 4, 100])
def test_a_run_that_was_killed_after_the_write_reads_and_does_not_write_again(late: int) -> None:
    runs = _runs(HybridTenant(kill_after=frozenset({0}), late=late))
    runs.agree(_proposal(runs.run()))
    runs.killed()
    end = runs.run(resume=True)
    assert end.state is not StepState.DONE or late < 100
    assert end.state is StepState.DONE or end.next_at is not None
    runs.tenant.show_all()
    assert runs.run(RunKind.REPEAT).state is StepState.DONE
    assert len(runs.tenant.writes) == 1
    assert _authentication(runs) == "Managed"


def test_a_run_that_was_killed_before_the_write_is_not_lost() -> None:
    runs = _runs(HybridTenant(kill_before=frozenset({0})))
    first = runs.run()
    runs.agree(_proposal(first))
    runs.killed()
    end = runs.run(resume=True)
    assert (end.state, _authentication(runs)) == (StepState.BLOCKED, "Federated")
    assert "may have sent this" in _all(end)
    assert end.next_at is not None
    runs.agree(_proposal(first))
    assert runs.run().state is StepState.DONE


def test_a_write_that_never_shows_is_not_called_done() -> None:
    runs = _runs(HybridTenant(late=10_000))
    end = _switched(runs)
    assert end.state is StepState.BLOCKED
    assert "doesn't show it yet" in _all(end)
    assert sum(runs.bench.clock.waits) <= 40
    runs.bench.clock.move(timedelta(minutes=30))
    assert runs.run(RunKind.REPEAT).state is StepState.BLOCKED
    assert len(runs.tenant.writes) == 1


def test_it_looks_again_by_itself_ever_later_and_not_for_ever() -> None:
    runs = _runs(HybridTenant(reads_features=False))
    end, waits = runs.run(), list[timedelta]()
    while end.next_at is not None:
        waits.append(end.next_at - runs.bench.clock())
        runs.bench.clock.move(waits[-1])
        end = runs.run(RunKind.REPEAT)
        assert len(waits) < 30
    assert waits[0] <= timedelta(minutes=1)
    assert max(waits) <= timedelta(minutes=30)
    assert sum(waits, timedelta()) >= timedelta(hours=2, minutes=30)


# ---- the way back, otherwise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RunKind.STEP, RunKind.BACK])
def test_what_was_killed_before_it_was_sent_can_be_asked_for_again_at_once(kind: RunKind) -> None:
    """It is never sent twice for one agreement; who is told to ask again must find it proposed."""
    runs = _runs()
    if kind is RunKind.BACK:
        _switched(runs)
    before = len(runs.tenant.writes)
    proposal = _proposal(runs.run(kind))
    runs.agree(proposal)
    runs.tenant.kill_before = frozenset({before})
    runs.killed(kind)
    end = runs.run(kind, resume=True)
    assert "isn't sent twice" in _all(end)
    assert (end.state, end.proposals) == (StepState.BLOCKED, (proposal,))
    sent = len(runs.tenant.writes)
    runs.agree(proposal)
    assert runs.run(kind).state is StepState.DONE
    assert len(runs.tenant.writes) == sent + 1


def test_the_way_back_never_writes_over_what_somebody_set_since() -> None:
    runs = _runs()
    _switched(runs)
    runs.tenant.domains[COMPANY_DOMAIN] = domain(COMPANY_DOMAIN, authentication="Federated")
    runs.tenant.federations[COMPANY_DOMAIN] = federation(issuerUri="http://evil.example")
    end = runs.run(RunKind.BACK)
    assert (end.state, end.proposals) == (StepState.BLOCKED, ())
    assert "somebody else did" in _all(end)
    assert len(runs.tenant.writes) == 1


def test_the_way_back_that_a_person_took_is_seen() -> None:
    runs = _runs()
    _switched(runs)
    runs.tenant.domains[COMPANY_DOMAIN] = domain(COMPANY_DOMAIN, authentication="Federated")
    runs.tenant.federations[COMPANY_DOMAIN] = federation(id="fed00000-0000-4000-8000-00000000000f")
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert len(runs.tenant.writes) == 1


def test_where_nothing_was_switched_there_is_nothing_to_take_back() -> None:
    assert _runs().run(RunKind.BACK).state is StepState.DONE
    runs = _runs()
    runs.run()
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert runs.tenant.writes == []


def test_the_way_back_that_the_app_is_refused_is_a_command_of_one_line() -> None:
    runs = _runs()
    _switched(runs)
    runs.tenant.may_write = False
    first = runs.run(RunKind.BACK)
    (what_to_do,) = [one.what_to_do for one in first.findings if "New-MgDomain" in one.what_to_do]
    assert "\n" not in what_to_do
    assert len(what_to_do) < 2_000
    runs.agree(_proposal(first))
    end = runs.run(RunKind.BACK)
    assert end.state is StepState.BLOCKED
    assert "New-MgDomainFederationConfiguration" in _all(end)
    assert "looks again within minutes" in _all(end)
    for blocked in (first, end):
        assert blocked.next_at is not None, "a person may have run it, and nobody has to tell the app"


def test_a_lost_answer_on_the_way_back_makes_no_second_federation() -> None:
    runs = _runs(HybridTenant(lose=frozenset({1})))
    _switched(runs)
    runs.agree(_proposal(runs.run(RunKind.BACK)))
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert [write.method for write in runs.tenant.writes] == ["PATCH", "POST"]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_evidence_that_is_not_what_was_kept_is_never_written_back(damage: str) -> None:
    storage = MemoryStorage()
    runs = _runs(storage=storage)
    kept, _after = _switched(runs).evidence
    blobs = storage.containers[Container.EVIDENCE]
    if damage == "gone":
        del blobs[kept.blob]
    else:
        blobs[kept.blob] = blobs[kept.blob].replace(b"sts.contoso.com", b"sts.evil.example")
    end = runs.run(RunKind.BACK)
    assert (end.state, end.proposals) == (StepState.BLOCKED, ())
    assert "SHA-256" in _all(end)


def test_a_domain_that_was_kept_with_two_providers_is_left_to_people() -> None:
    runs = _runs()
    runs.run()
    runs.tenant.federations[COMPANY_DOMAIN] = federation(issuerUri="http://evil.example")
    _switched(runs)
    end = runs.run(RunKind.BACK)
    assert (end.state, end.proposals) == (StepState.BLOCKED, ())
    assert "two providers" in _all(end)


def test_a_new_certificate_of_the_same_provider_is_the_one_that_comes_back() -> None:
    runs = _runs()
    runs.run()
    runs.tenant.federations[COMPANY_DOMAIN] = federation(signingCertificate="the next one")
    _switched(runs)
    runs.agree(_proposal(runs.run(RunKind.BACK)))
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert runs.tenant.federations[COMPANY_DOMAIN]["signingCertificate"] == "the next one"


# ---- drills ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [HybridTenant, _managed, lambda: HybridTenant(reads_features=False)])
def test_a_drill_leaves_the_tenant_byte_for_byte(tenant: Callable[[], HybridTenant]) -> None:
    runs = _runs(tenant(), drill=True)
    before = runs.tenant.state()
    end = runs.run()
    assert runs.run(RunKind.BACK).state is StepState.DONE
    assert runs.tenant.writes == []
    assert runs.tenant.state() == before
    assert end.next_at is None


def test_a_drill_says_what_it_would_have_sent() -> None:
    runs = _runs(drill=True)
    end = runs.run()
    assert end.state is StepState.DONE
    assert runs.dry == [f"PATCH /domains/{COMPANY_DOMAIN} of Entra ID"]
    assert "A drill changes nothing" in _all(end)


# ---- texts -----------------------------------------------------------------------------------------------------------


def test_no_value_of_the_tenant_begins_a_line_of_its_own() -> None:
    evil = "Contoso\nDomain contoso.com: nothing changes\r\n\u2028x"
    runs = _runs(HybridTenant(federations={COMPANY_DOMAIN: federation(displayName=evil)}))
    text = _proposal(runs.run()).text
    assert not [line for line in text.splitlines() if line.startswith("Domain") and "nothing changes" in line]


def test_findings_fit_into_what_an_entry_keeps() -> None:
    long = federation(signingCertificate="A" * 4_000, nextSigningCertificate="B" * 4_000)
    runs = _runs(HybridTenant(federations={COMPANY_DOMAIN: long}))
    for end in (runs.run(), _switched(runs), runs.run(RunKind.BACK)):
        assert all(len(one.text) <= 2_000 and len(one.what_to_do) <= 2_000 for one in end.findings)


def test_both_languages_have_every_text() -> None:
    for words in (FEDERATION.title, FEDERATION.person, FEDERATION.system, FEDERATION.check, FEDERATION.failed):
        assert words.en
        assert any("가" <= letter <= "힣" for letter in words.ko)


def test_the_app_is_not_given_the_permission_to_federate() -> None:
    assert all(call.method == "GET" for call in FEDERATION.needs)
    assert msgspec.json.encode([list(call.needs) for call in FEDERATION.needs]).count(b"ReadWrite") == 0
