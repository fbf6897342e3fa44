"""Step 6 of the break-glass runbook: people of federated domains sign in at Entra ID itself, for the time being.

It is done by the app only when everything that it depends on was read and is as it should be, when two operators have
agreed to the exact text, and when the domain still stands as that text says. For one agreement a domain is written at
most once: before the write a blob is made that can be made only once, so a run that was killed, or whose answer was
lost, is followed by runs that read and never by a second write. In every other case a person gets the one command, and
the step looks again until the domain shows what is wanted.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from responders.runbooks import federation_findings as texts
from responders.runbooks.federation_reading import (
    FEDERATE,
    FEDERATED,
    MAKE_MANAGED,
    MANAGED,
    READS,
    Domain,
    Domains,
    HashSync,
    missing_in,
    names,
    posted,
    read_domain,
    read_domains,
    read_federation,
    read_hash_sync,
)
from responders.runbooks.federation_texts import (
    Snapshot,
    back_command,
    back_proposal,
    keep_command,
    switch_command,
    switch_proposal,
)
from shared.clients.api import TenantEdges
from shared.clients.storage_names import Container
from shared.emergency.entries import Answer, Evidence, Finding, Proposal, RunKind, StepState
from shared.emergency.evidence_step import box_of
from shared.emergency.finding_texts import FindingText
from shared.emergency.manifest import FEDERATION as IN_FOLDER
from shared.emergency.manifest import folder_of
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import StepRun
from shared.model.bilingual import Value, Words, filled, quoted, same
from shared.model.errors import EdgeError, Refused, Unreachable
from shared.model.kinds import Image

_SOONEST: Final = timedelta(minutes=1)
_LATEST: Final = timedelta(minutes=30)
_LOOKS_FOR: Final = timedelta(hours=3)
"""For so long after its first run the step looks by itself whether a person has run the command."""

_LONGEST_PAUSE: Final = 5.0
_AFTER: Final = "after/"
"""Below the folder of what was kept before: how domains stood once they were written. No domain's name has a slash."""


class _Kept(Struct, frozen=True, kw_only=True):
    """A blob of evidence: the federation of a domain as Graph gave it, and what is posted to have it back."""

    domain: str
    federation: Image
    post: Image
    below: tuple[str, ...] = ()


class _Stands(Struct, frozen=True, kw_only=True):
    """A file of evidence: how Graph showed a domain after it was written. `federation` is None where it has none."""

    domain: str
    authentication: str
    federation: Image | None


class _NotKept(Struct, frozen=True, kw_only=True):
    """Why the settings of a domain could not be read or kept."""

    domain: str
    because: Words


class _Outcome(Struct, frozen=True, kw_only=True):
    """What came of the write of one domain. `is_there`: it was read back as wanted."""

    domain: str
    is_there: bool
    finding: Finding


def _api(context: StepContext) -> TenantEdges:
    """Give Graph of the workforce tenant, without repeats of what may have arrived."""
    api = context.apis[context.runtime.settings.workforce.id]
    return msgspec.structs.replace(api, repeats_lost_writes=False)


def _folder(context: StepContext) -> str:
    return f"{folder_of(context.emergency.id)}{IN_FOLDER}"


def _kept(context: StepContext, name: str, content: bytes) -> Evidence:
    """Keep a file once, under a name with its digest, and name it in the manifest. Raises EdgeError."""
    digest = hashlib.sha256(content).hexdigest()
    file = f"{IN_FOLDER}{name}-{digest[:16]}.json"
    evidence = Evidence(blob=f"{folder_of(context.emergency.id)}{file}", sha256=digest, size=len(content))
    if evidence in context.progress.evidence:
        return evidence
    return box_of(context).keep_file(file, content, tenant=context.runtime.settings.workforce.id)


# ---- the step --------------------------------------------------------------------------------------------------------


def run(context: StepContext) -> StepEnd:
    """Look what stands, propose the switch, and do it once two operators have agreed to exactly that."""
    api, tenant = _api(context), context.runtime.settings.workforce.id
    if not context.emergency.hybrid:
        return _not_hybrid(api)
    try:
        domains = read_domains(api)
    except EdgeError as error:
        return _unreadable(context, error)
    roots = domains.federated_roots
    if not roots:
        return _none_federated(context, api, domains)
    kept = [_keep(context, api, root, domains.below(root)) for root in roots]
    snapshots = tuple(one for one in kept if isinstance(one, Snapshot))
    hashes = read_hash_sync(api, context.now)
    findings = (*_about(domains, kept), *hashes.findings)
    evidence = tuple(one.evidence for one in snapshots)
    if not _is_ready(domains, kept, hashes):
        return _by_hand(context, findings, evidence, hashes, roots)
    proposal = switch_proposal(context.emergency.id, tenant, snapshots)
    if not context.agreed(proposal):
        return _proposed(context, findings, evidence, proposal, roots)
    outcomes = [_switch(context, api, one, proposal) for one in snapshots]
    after = _after(context, api, outcomes)
    found = (*findings, *(one.finding for one in outcomes), *after.findings)
    end = _ended(context, found, (*evidence, *after.evidence), outcomes)
    return _may_be_asked_again(end, outcomes, proposal)


def _is_ready(domains: Domains, kept: Sequence[Snapshot | _NotKept], hashes: HashSync) -> bool:
    """Whether all that the switch depends on was read and is as it should be."""
    is_whole = not domains.unreadable and not domains.federated_alone
    return is_whole and hashes.is_fine and all(isinstance(one, Snapshot) for one in kept)


def _about(domains: Domains, kept: Sequence[Snapshot | _NotKept]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for one in kept:
        match one:
            case Snapshot():
                below = filled(texts.WITH_SUBDOMAINS, names=", ".join(one.below)) if one.below else ""
                found.append(texts.KEPT.found(domain=one.domain, below=below, blob=one.evidence.blob))
            case _NotKept():
                found.append(texts.NOT_KEPT.found(domain=one.domain, because=one.because))
    found += [texts.DOMAIN_UNREADABLE.found(domain=name) for name in domains.unreadable]
    found += [texts.SUBDOMAIN_ALONE.found(domain=domain.name) for domain in domains.federated_alone]
    return tuple(found)


def _keep(context: StepContext, api: TenantEdges, root: Domain, below: tuple[str, ...]) -> Snapshot | _NotKept:
    """Keep the settings of a domain as evidence: they are lost with the switch, and are the way back."""
    try:
        federation = read_federation(api, root.name)
        if federation is None:
            return _NotKept(domain=root.name, because=texts.NO_SETTINGS)
        settings = posted(federation)
        if missing := missing_in(settings):
            return _NotKept(domain=root.name, because=filled(texts.SETTINGS_MISSING, names=", ".join(missing)))
        kept = _Kept(domain=root.name, federation=federation, post=settings, below=below)
        evidence = _kept(context, root.name, msgspec.json.encode(kept, order="sorted"))
    except EdgeError as error:
        return _NotKept(domain=root.name, because=quoted(str(error)))
    return Snapshot(domain=root.name, settings=settings, evidence=evidence, below=below)


# ---- one write -------------------------------------------------------------------------------------------------------


def _switch(context: StepContext, api: TenantEdges, snapshot: Snapshot, proposal: Proposal) -> _Outcome:
    """Make a domain managed, if it still stands as agreed, and read back what stands then."""

    def changed() -> Words | None:
        domain, federation = read_domain(api, snapshot.domain), read_federation(api, snapshot.domain)
        is_same = domain is not None and domain.authentication == FEDERATED and federation is not None
        return None if is_same and posted(federation or {}) == snapshot.settings else texts.IT_CHANGED

    def send() -> bool:
        body = {"authenticationType": MANAGED}
        return context.write(api, MAKE_MANAGED, body=body, domain=snapshot.domain).is_dry

    def stands() -> bool:
        domain = read_domain(api, snapshot.domain)
        return domain is not None and domain.authentication == MANAGED

    command = switch_command(api.tenant.id, [snapshot.domain])
    write = _Write(domain=snapshot.domain, command=command, changed=changed, send=send, stands=stands)
    return _written(context, write, proposal)


class _Write(Struct, frozen=True, kw_only=True):
    """One write: what may have changed since it was agreed to, how it is sent (True for dry), how it shows."""

    domain: str
    command: str
    changed: Callable[[], Words | None]
    send: Callable[[], bool]
    stands: Callable[[], bool]


def _written(context: StepContext, write: _Write, proposal: Proposal) -> _Outcome:
    """Look again, note that the write is about to be sent, send it, and read until it shows."""
    held = _held_back(context, write, proposal)
    return _sent(context, write) if held is None else held


def _held_back(context: StepContext, write: _Write, proposal: Proposal) -> _Outcome | None:
    """Say why nothing is sent; None where it is to be sent now."""
    try:
        if changed := write.changed():
            return _left(write, texts.CHANGED_MEANWHILE, changed=changed)
        if context.emergency.drill or _is_first(context, write.domain, proposal):
            return None
    except EdgeError as error:
        return _left(write, texts.NOT_LOOKED_AT_AGAIN, because=str(error))
    return _read_back(context, write, texts.NOT_TWICE)


def _sent(context: StepContext, write: _Write) -> _Outcome:
    try:
        is_dry = write.send()
    except Unreachable as lost:
        return _read_back(context, write, filled(texts.MAY_HAVE_ARRIVED, lost=str(lost)))
    except EdgeError as error:
        declared = texts.REFUSED if isinstance(error, Refused) else texts.NOT_TAKEN
        return _left(write, declared, because=str(error))
    if is_dry:
        return _Outcome(domain=write.domain, is_there=True, finding=texts.WOULD_BE_SENT.found(domain=write.domain))
    return _read_back(context, write, texts.SENT)


def _is_first(context: StepContext, domain: str, proposal: Proposal) -> bool:
    """Note that a write is about to be sent; False where it was noted for this agreement before. Raises EdgeError."""
    confirmed = [
        one.confirmed_at
        for one in context.emergency.agreements
        if one.what == proposal.what and one.digest == proposal.digest and one.confirmed_at is not None
    ]
    if not confirmed:
        return False
    agreement = f"{proposal.digest[:16]}-{max(confirmed):%Y%m%dT%H%M%S%f}"
    name = f"{_folder(context)}intent-{proposal.what}-{domain}-{agreement}.json"
    content = msgspec.json.encode({"what": proposal.what, "digest": proposal.digest, "run": context.run})
    return context.runtime.evidence.keep(Container.EVIDENCE, name, content)


def _read_back(context: StepContext, write: _Write, so_far: Words) -> _Outcome:
    """Read until the tenant shows what is wanted, as long as `READ_BACK_SECONDS`; only that counts as done."""
    runtime, pause = context.runtime, 1.0
    until = runtime.clock() + runtime.settings.read_back
    last = same("")
    while True:
        try:
            if write.stands():
                finding = texts.STANDS_AS_AGREED.found(domain=write.domain, at=f"{runtime.clock():%H:%M:%S}")
                return _Outcome(domain=write.domain, is_there=True, finding=finding)
        except EdgeError as error:
            last = filled(texts.CANT_BE_READ_BACK, because=str(error))
        if runtime.clock() >= until:
            break
        context.go_on()
        runtime.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return _left(write, texts.NOT_SHOWN_YET, so_far=so_far, last=last)


def _left(write: _Write, declared: FindingText, **values: Value) -> _Outcome:
    finding = declared.found(domain=write.domain, command=write.command, is_new=False, **values)
    return _Outcome(domain=write.domain, is_there=False, finding=finding)


# ---- how it ends -----------------------------------------------------------------------------------------------------


def _not_hybrid(api: TenantEdges) -> StepEnd:
    """Nothing is to be done; but say it if that may be a mistake."""
    try:
        roots = read_domains(api).federated_roots
    except EdgeError as error:
        finding = texts.NOT_HYBRID_UNREAD.found(because=str(error))
    else:
        finding = texts.NOT_HYBRID_AND_FEDERATED.found(names=names(roots)) if roots else texts.NOT_HYBRID.found()
    return StepEnd(state=StepState.SKIPPED, findings=(finding,))


def _unreadable(context: StepContext, error: EdgeError) -> StepEnd:
    finding = texts.DOMAINS_UNREAD.found(because=str(error), tenant=context.runtime.settings.workforce.id)
    return StepEnd(state=StepState.BLOCKED, findings=(finding,), next_at=_next_look(context))


class _After(Struct, frozen=True, kw_only=True):
    """What was kept of how domains stand now, and what couldn't be."""

    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]


def _after(context: StepContext, api: TenantEdges, outcomes: Sequence[_Outcome]) -> _After:
    """Keep how the domains stand that were written and read back."""
    written = [one.domain for one in outcomes if one.is_there and not context.emergency.drill]
    return _kept_after(context, api, written)


def _kept_after(context: StepContext, api: TenantEdges, names: Sequence[str]) -> _After:
    evidence: list[Evidence] = []
    findings: list[Finding] = []
    for name in names:
        try:
            domain, federation = read_domain(api, name), read_federation(api, name)
            stands = _Stands(domain=name, authentication=domain.authentication if domain else "", federation=federation)
            evidence.append(_kept(context, f"{_AFTER}{name}", msgspec.json.encode(stands, order="sorted")))
        except EdgeError as error:
            findings.append(texts.AFTER_NOT_KEPT.found(domain=name, because=str(error)))
    return _After(evidence=tuple(evidence), findings=tuple(findings))


def _none_federated(context: StepContext, api: TenantEdges, domains: Domains) -> StepEnd:
    """No domain is federated: because of this step, or because none was."""
    doubts = _about(domains, ())
    if doubts:
        return StepEnd(state=StepState.BLOCKED, findings=doubts, next_at=_next_look(context))
    switched = [each for each in _snapshot_names(context) if _is_managed(domains, each)]
    if switched:
        after = _kept_after(context, api, switched)
        found = (*(texts.SWITCHED.found(domain=each) for each in switched), *after.findings)
        return StepEnd(state=StepState.DONE, findings=found, evidence=after.evidence)
    return StepEnd(state=StepState.SKIPPED, findings=(texts.NONE_FEDERATED.found(),))


def _is_managed(domains: Domains, name: str) -> bool:
    domain = domains.named(name)
    return domain is not None and domain.authentication == MANAGED


def _by_hand(
    context: StepContext,
    findings: tuple[Finding, ...],
    evidence: tuple[Evidence, ...],
    hashes: HashSync,
    roots: Sequence[Domain],
) -> StepEnd:
    """The app doesn't do it: say what a person can do. Nobody is handed a command that locks everybody out."""
    tenant, listed = context.runtime.settings.workforce.id, [root.name for root in roots]
    if hashes.is_off:
        end = texts.NO_COMMAND.found()
    else:
        is_kept = len(evidence) == len(roots)
        keep = "" if is_kept else filled(texts.KEEP_FIRST, command=keep_command(tenant, listed))
        end = texts.BY_HAND.found(keep=keep, command=switch_command(tenant, listed))
    return StepEnd(state=StepState.BLOCKED, findings=(*findings, end), evidence=evidence, next_at=_next_look(context))


def _proposed(
    context: StepContext,
    findings: tuple[Finding, ...],
    evidence: tuple[Evidence, ...],
    proposal: Proposal,
    roots: Sequence[Domain],
) -> StepEnd:
    command = switch_command(context.runtime.settings.workforce.id, [root.name for root in roots])
    finding = texts.PROPOSED.found(command=command)
    return StepEnd(
        state=StepState.BLOCKED,
        findings=(*findings, finding),
        evidence=evidence,
        next_at=_next_look(context),
        proposals=(proposal,),
    )


def _ended(
    context: StepContext,
    findings: tuple[Finding, ...],
    evidence: tuple[Evidence, ...],
    outcomes: Sequence[_Outcome],
) -> StepEnd:
    if all(one.is_there for one in outcomes):
        return StepEnd(state=StepState.DONE, findings=findings, evidence=evidence)
    return StepEnd(state=StepState.BLOCKED, findings=findings, evidence=evidence, next_at=_next_look(context))


def _next_look(context: StepContext) -> datetime | None:
    """Give when to look again: after a minute, then ever later, for three hours. A drill doesn't."""
    return _next_of(context, context.progress.runs)


def _next_of(context: StepContext, runs: Sequence[StepRun]) -> datetime | None:
    first = next(iter(runs), None)
    since = timedelta() if first is None else context.now - first.started_at
    if context.emergency.drill or since > _LOOKS_FOR:
        return None
    return context.now + min(max(since, _SOONEST), _LATEST)


# ---- the way back ----------------------------------------------------------------------------------------------------


def take_back(context: StepContext) -> StepEnd:
    """Federate again what this step made managed, from what was kept, once two operators have agreed to that."""
    api = _api(context)
    snapshots, doubts = _snapshots(context)
    if not snapshots and not doubts:
        return StepEnd(state=StepState.DONE, findings=(texts.NOTHING_TO_TAKE_BACK.found(),))
    due: list[Snapshot] = []
    findings = list(doubts)
    for snapshot in snapshots:
        finding, is_due = _stands_before_back(api, snapshot)
        findings.append(finding)
        due += [snapshot] if is_due else []
    is_whole = not any(finding.answer in {Answer.WRONG, Answer.UNKNOWN} for finding in findings)
    if not due:
        return _back_ended(context, findings, is_done=is_whole)
    proposal = back_proposal(context.emergency.id, api.tenant.id, due)
    if not context.agreed(proposal):
        return _back_proposed(context, api, findings, due, proposal)
    outcomes = [_federate(context, api, one, proposal) for one in due]
    after = _after(context, api, outcomes)
    findings += [*(one.finding for one in outcomes), *after.findings]
    end = _back_ended(context, findings, is_done=is_whole and all(one.is_there for one in outcomes))
    return _may_be_asked_again(msgspec.structs.replace(end, evidence=after.evidence), outcomes, proposal)


def _may_be_asked_again(end: StepEnd, outcomes: Sequence[_Outcome], proposal: Proposal) -> StepEnd:
    """Go on proposing what may never have been sent: it is sent once for an agreement, so people may agree anew."""
    is_unknown = any(not one.is_there and one.finding.answer is Answer.UNKNOWN for one in outcomes)
    return msgspec.structs.replace(end, proposals=(proposal,)) if is_unknown else end


def _back_ended(context: StepContext, findings: Sequence[Finding], *, is_done: bool) -> StepEnd:
    if is_done:
        return StepEnd(state=StepState.DONE, findings=tuple(findings))
    looks = texts.BACK_GOES_ON.found()
    return StepEnd(state=StepState.BLOCKED, findings=(*findings, looks), next_at=_next_look_back(context))


def _next_look_back(context: StepContext) -> datetime | None:
    """Give when to look again whether it was taken back, as `_next_look` for the step itself."""
    return _next_of(context, [run for run in context.progress.runs if run.kind is RunKind.BACK])


def _stands_before_back(api: TenantEdges, snapshot: Snapshot) -> tuple[Finding, bool]:
    """Say how a domain stands, and whether it is to be federated again: never over what somebody set since."""
    about = snapshot.domain
    try:
        domain, federation = read_domain(api, about), read_federation(api, about)
    except EdgeError as error:
        return texts.STATE_UNREAD.found(domain=about, because=str(error)), False
    if domain is None:
        return texts.DOMAIN_GONE.found(domain=about), False
    if domain.authentication == MANAGED and federation is None:
        return texts.MANAGED_NOW.found(domain=about), True
    if federation is not None and posted(federation) == snapshot.settings:
        return texts.FEDERATED_AS_BEFORE.found(domain=about), False
    return texts.FEDERATED_OTHERWISE.found(domain=about, blob=snapshot.evidence.blob), False


def _federate(context: StepContext, api: TenantEdges, snapshot: Snapshot, proposal: Proposal) -> _Outcome:
    """Federate a domain as it was, if it still is managed, and read back its settings."""

    def changed() -> Words | None:
        finding, is_due = _stands_before_back(api, snapshot)
        return None if is_due else _without_stop(finding)

    def send() -> bool:
        return context.write(api, FEDERATE, body=snapshot.settings, domain=snapshot.domain).is_dry

    def stands() -> bool:
        domain, federation = read_domain(api, snapshot.domain), read_federation(api, snapshot.domain)
        is_federated = domain is not None and domain.authentication == FEDERATED
        return is_federated and federation is not None and posted(federation) == snapshot.settings

    command = back_command(api.tenant.id, [snapshot])
    write = _Write(domain=snapshot.domain, command=command, changed=changed, send=send, stands=stands)
    return _written(context, write, proposal)


def _without_stop(finding: Finding) -> Words:
    return Words(en=finding.text.rstrip("."), ko=finding.texts("ko").text.rstrip("."))


def _back_proposed(
    context: StepContext, api: TenantEdges, findings: Sequence[Finding], due: Sequence[Snapshot], proposal: Proposal
) -> StepEnd:
    files = ", ".join(one.evidence.blob for one in due)
    finding = texts.BACK_PROPOSED.found(files=files, command=back_command(api.tenant.id, due))
    end = _back_ended(context, (*findings, finding), is_done=False)
    return msgspec.structs.replace(end, proposals=(proposal,))


def _snapshot_names(context: StepContext) -> list[str]:
    snapshots, _ = _snapshots(context)
    return [one.domain for one in snapshots]


def _snapshots(context: StepContext) -> tuple[list[Snapshot], list[Finding]]:
    """Read what earlier runs have kept, the last of each domain; and what can't be used, with the reason."""
    found: dict[str, Snapshot] = {}
    doubts: dict[str, Finding] = {}
    for evidence in context.progress.evidence:
        if not evidence.blob.startswith(_folder(context)) or evidence.blob.startswith(f"{_folder(context)}{_AFTER}"):
            continue
        read = _read_kept(context, evidence)
        if isinstance(read, Finding):
            doubts[evidence.blob] = read
            continue
        before = found.get(read.domain)
        if before is not None and _provider(before) != _provider(read):
            first, second = sorted((before.evidence.blob, read.evidence.blob))
            doubts[read.domain] = texts.TWO_PROVIDERS.found(domain=read.domain, first=first, second=second)
        found[read.domain] = read
    return [one for name, one in found.items() if name not in doubts], list(doubts.values())


def _provider(snapshot: Snapshot) -> tuple[object, object]:
    return snapshot.settings.get("issuerUri"), snapshot.settings.get("passiveSignInUri")


def _read_kept(context: StepContext, evidence: Evidence) -> Snapshot | Finding:
    try:
        content = context.runtime.evidence.blob(Container.EVIDENCE, evidence.blob)
    except EdgeError as error:
        return texts.EVIDENCE_UNREAD.found(blob=evidence.blob, because=str(error))
    if content is None or hashlib.sha256(content).hexdigest() != evidence.sha256:
        return texts.EVIDENCE_CHANGED.found(blob=evidence.blob)
    kept = msgspec.json.decode(content, type=_Kept)
    return Snapshot(domain=kept.domain, settings=kept.post, evidence=evidence, below=kept.below)


FEDERATION: Final = RunbookStep(
    number=6,
    id="sign-in-without-the-federation",
    title=Words(en="Sign in without the federation", ko="페더레이션 없이 로그인"),
    person=Words(
        en="Hybrid tenants only. Read exactly what would change. One operator asks for it, another one confirms it"
        " within 15 minutes. Where the app is refused, the break-glass administrator runs the command that is shown.",
        ko="하이브리드 테넌트에만 해당합니다. 무엇이 바뀌는지 정확히 읽으세요. 한 운영자가 요청하고 다른 운영자가"
        " 15분 안에 확인합니다. 앱이 거부되면 비상 관리자가 표시된 명령을 실행합니다.",
    ),
    system=Words(
        en="Checks that password hashes are synchronized and fresh, keeps the federation settings as evidence, shows"
        " what would change, does it after the second confirmation, and reads it back. It is taken back at the end.",
        ko="암호 해시가 최신으로 동기화되는지 확인하고, 페더레이션 설정을 증거로 보존하고, 변경될 내용을 보여 주고,"
        " 두 번째 확인 후 실행하여 다시 읽어 확인합니다. 종료할 때 되돌립니다.",
    ),
    check=Words(
        en="Graph shows the domain as Managed, and somebody of the domain has signed in with the password.",
        ko="Graph에서 도메인이 Managed로 표시되고, 그 도메인의 사용자가 암호로 로그인했습니다.",
    ),
    failed=Words(
        en="As the break-glass administrator: keep the settings (Get-MgDomainFederationConfiguration), make sure that"
        " password hash synchronization is on and fresh, then Update-MgDomain -AuthenticationType Managed.",
        ko="비상 관리자로: 설정을 보관하고(Get-MgDomainFederationConfiguration), 암호 해시 동기화가 켜져 있고 최신인지"
        " 확인한 뒤 Update-MgDomain -AuthenticationType Managed를 실행하세요.",
    ),
    needs=READS,
    run=run,
    way_back=take_back,
    writes=True,
)
