"""Step 7: the mailboxes of privileged accounts, every 15 minutes until the emergency is closed.

Watched are inbox rules that send mail elsewhere, delete it or hide it, automatic replies, consents to read mail, and
which apps reach every mailbox.
The state of each mailbox is kept among the evidence; a look that finds another state than the last one pages.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.emergency import mailbox_findings as texts
from shared.emergency.accounts import (
    Account,
    AccountKind,
    PrincipalCalls,
    accounts_of,
    least_recent_first,
    looked_up,
)
from shared.emergency.entries import Evidence, Finding, StepState
from shared.emergency.evidence import Added, EvidenceBox, Part
from shared.emergency.evidence_step import box_of
from shared.emergency.mail_apps import MailAppCalls, is_about_mail, look_at_mail_apps
from shared.emergency.runbook import StepContext, StepEnd
from shared.model.bilingual import ENGLISH, KOREAN, Words, filled, joined, quoted, same, some
from shared.model.calls import Call
from shared.model.errors import EdgeError, Refused, Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.notices import NoticeText

EVERY: Final = timedelta(minutes=15)
_LONGEST: Final = timedelta(minutes=4)
_GOES_ON: Final = timedelta(minutes=1)
_NOT_FOUND: Final = 404
_NO_MAILBOX: Final = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"})
"""Graph's codes for an account whose mailbox isn't in Exchange Online, or that has none."""

_MOST: Final = 8
_LONGEST_TEXT: Final = 200

MAILBOXES: Final = "mailboxes of privileged accounts"
CONSENTS: Final = "consents to read mail"


class MailboxCalls(Struct, frozen=True, kw_only=True):
    """The calls that the step makes."""

    principals: PrincipalCalls
    rules: Call
    settings: Call
    grants: Call
    apps: MailAppCalls


class _Look(Struct, kw_only=True):
    """What a look at one mailbox found.

    `state` is what is kept, None where it couldn't be read; `before` what was kept last, None at the first look.
    """

    account: Account
    state: Image | None = None
    before: Image | None = None
    unread: Words | None = None

    @property
    def part(self) -> Part:
        return Part(source=MAILBOXES, tenant=self.account.tenant, part=self.account.id)

    @property
    def has_changed(self) -> bool:
        """Whether it is read, and stands otherwise than at the look before."""
        return self.state is not None and self.state != self.before


def watch_mailboxes(context: StepContext, calls: MailboxCalls) -> StepEnd:
    """Look once at every mailbox. Raises EdgeError where evidence can't be written or the page not be stored.

    The page is stored before the new states are: a run that is killed in between pages the same change again, and a
    notice of the same key isn't sent twice.
    """
    box = box_of(context)
    listed = accounts_of(context, kinds=(TenantKind.WORKFORCE,))
    looks, left = _look_at_all(context, box, listed.accounts, calls)
    grants = [_grants(context, box, api, listed.accounts, calls) for api in _workforce(context)]
    apps = [look_at_mail_apps(context, box, api, calls.apps, _why) for api in _workforce(context)]
    findings = [
        *listed.unknown,
        *(finding for look in looks for finding in _findings(look, hybrid=context.emergency.hybrid)),
        *(finding for found in grants for finding in found.findings),
        *(finding for found in apps for finding in found.findings),
    ]
    changed = [look.part for look in looks if look.has_changed] + [found.part for found in grants if found.has_new]
    changed += [found.part for found in apps if found.new]
    _page(context, box, changed, [finding for finding in findings if finding.is_new])
    kept = [box.keep_state(look.part, _encoded(look.state)) for look in looks if look.has_changed]
    kept += [added for found in grants for added in found.keep(box)]
    kept += [box.keep(found.part, found.records) for found in apps if found.records is not None]
    is_all_unread = bool(looks) and all(look.unread for look in looks)
    return StepEnd(
        state=StepState.FAILED if is_all_unread else StepState.RUNNING if left else StepState.DONE,
        findings=(*findings, *_quiet(looks), *_not_reached(left), texts.UNSEEN.found()),
        evidence=(*((box.head,) if box.head else ()), *_evidence(kept)),
        next_at=context.now + (_GOES_ON if left else EVERY),
    )


def _workforce(context: StepContext) -> list[TenantEdges]:
    return [api for api in context.apis.values() if api.tenant.kind is TenantKind.WORKFORCE]


def _evidence(kept: Iterable[Added]) -> Iterator[Evidence]:
    for added in kept:
        yield from added.evidence


# ---- mailboxes -------------------------------------------------------------------------------------------------------


def _look_at_all(
    context: StepContext, box: EvidenceBox, accounts: tuple[Account, ...], calls: MailboxCalls
) -> tuple[list[_Look], list[Account]]:
    """Look at each account's mailbox as long as there is time; gives the looks and the accounts that are left."""
    seen_at = {f"{e.tenant} {e.part}": e.at.timestamp() for e in box.entries() if e.source == MAILBOXES}
    looks: list[_Look] = []
    left: list[Account] = []
    for account in least_recent_first(accounts, seen_at):
        if context.runtime.clock() - context.now >= _LONGEST:
            left.append(account)
            continue
        context.go_on()
        api = context.apis[account.tenant]
        known = looked_up(api, account, calls.principals)
        if known.kind in {AccountKind.USER, AccountKind.UNKNOWN}:
            looks.append(_look(box, api, known, calls))
    return looks, left


def _look(box: EvidenceBox, api: TenantEdges, account: Account, calls: MailboxCalls) -> _Look:
    look = _Look(account=account)
    last = box.last_line(look.part)
    look.before = msgspec.json.decode(last, type=dict[str, Any]) if last is not None else None
    try:
        rules = sorted(api.list(calls.rules, id=account.id, mail_folder="inbox"), key=lambda rule: str(rule.get("id")))
        settings = api.get(calls.settings, id=account.id)
    except Rejected as rejected:
        if rejected.status == _NOT_FOUND and rejected.code in _NO_MAILBOX:
            look.state = {"mailbox": "none"}
        else:
            look.unread = quoted(str(rejected))
    except EdgeError as error:
        look.unread = _why(error)
    else:
        if settings is None:
            look.unread = texts.NO_SETTINGS
        else:
            look.state = {"mailbox": "there", "rules": rules, "replies": settings.get("automaticRepliesSetting") or {}}
    return look


def _why(error: EdgeError) -> Words:
    said = quoted(str(error))
    return filled(texts.THE_APP_MAY_NOT, because=said) if isinstance(error, Refused) else said


def _findings(look: _Look, *, hybrid: bool) -> Iterator[Finding]:
    who = look.account.shown
    if look.state is None:
        yield texts.MAILBOX_UNREAD.found(who=who, because=look.unread or same(""), account=look.account.id)
        return
    if look.state["mailbox"] == "none" and hybrid:
        yield texts.NO_MAILBOX_ONLINE.found(who=who)
    before = _risky(look.before)
    for key, rule in _risky(look.state).items():
        yield texts.RISKY_RULE.found(who=who, rule=rule, is_new=key not in before)
    yield from _other_changes(look)


def _other_changes(look: _Look) -> Iterator[Finding]:
    """Say what else stands otherwise than at the look before, and which automatic replies are on."""
    state, before, who = look.state or {}, look.before, look.account.shown
    reply, old_reply = _reply(state), _reply(before or {})
    is_new = before is not None and reply != old_reply
    if reply is not None:
        yield texts.REPLIES_ON.found(who=who, status=reply[0], reply=reply[1], is_new=is_new)
    elif is_new:
        yield texts.REPLIES_OFF.found(who=who, is_new=True)
    if before is None or state == before or is_new or _risky(state).keys() - _risky(before).keys():
        return
    gone = len(_risky(before).keys() - _risky(state).keys())
    yield (
        texts.RULES_GONE.found(who=who, count=gone, is_new=True)
        if gone
        else texts.MAILBOX_CHANGED.found(who=who, is_new=True)
    )


def _reply(state: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give the status and text of the automatic replies that are on, None where none is."""
    replies = _image(state.get("replies"))
    status = str(replies.get("status") or "")
    if status in {"", "disabled"}:
        return None
    text = str(replies.get("externalReplyMessage") or replies.get("internalReplyMessage") or "")
    return status[:_LONGEST_TEXT], text[:_LONGEST_TEXT]


def _risky(state: Mapping[str, Any] | None) -> dict[str, Words]:
    """Give what each rule that is on does to mail, in words, by the rule's id and what it does."""
    found: dict[str, Words] = {}
    for rule in _images((state or {}).get("rules")):
        if rule.get("isEnabled") is False:
            continue
        does = [*_does(_image(rule.get("actions")))]
        if does:
            name = str(rule.get("displayName") or "")[:_LONGEST_TEXT]
            said = filled(texts.RULE, name=name, does=joined(does, ", "))
            found[f"{rule.get('id')} {said.en}"] = said
    return found


def _does(actions: Image) -> Iterator[Words]:
    for action, words in (
        ("forwardTo", texts.FORWARDS),
        ("forwardAsAttachmentTo", texts.FORWARDS_ATTACHED),
        ("redirectTo", texts.REDIRECTS),
    ):
        to = [_address(each) for each in _images(actions.get(action))]
        if to:
            shown = quoted(", ".join(to[:_MOST]))
            more = len(to) - _MOST
            yield filled(words, to=filled(texts.AND_MORE, names=shown, more=more) if more > 0 else shown)
    if actions.get("permanentDelete") is True:
        yield texts.DELETES_FOR_GOOD
    if actions.get("delete") is True:
        yield texts.DELETES
    if actions.get("moveToFolder") and actions.get("markAsRead") is True:
        yield texts.HIDES


def _address(recipient: Image) -> str:
    address = _image(recipient.get("emailAddress"))
    return str(address.get("address") or address.get("name") or "somebody")[:_LONGEST_TEXT]


def _image(value: object) -> Image:
    return cast("Image", value) if isinstance(value, dict) else {}


def _images(value: object) -> list[Image]:
    return [_image(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def _quiet(looks: list[_Look]) -> Iterator[Finding]:
    without = [look.account.shown for look in looks if look.state == {"mailbox": "none"}]
    if without:
        yield texts.NO_MAILBOX.found(names=some(without, _MOST))
    fine = [
        look.account.shown
        for look in looks
        if look.state is not None and look.state["mailbox"] == "there" and not _risky(look.state)
    ]
    if fine:
        yield texts.MAILBOXES_FINE.found(count=len(fine), names=some(fine, _MOST))


def _not_reached(left: list[Account]) -> Iterator[Finding]:
    if left:
        yield texts.MAILBOXES_LEFT.found(count=len(left), names=some([account.shown for account in left], _MOST))


# ---- consents --------------------------------------------------------------------------------------------------------


class _Grants(Struct, kw_only=True):
    """Consents of one tenant to read mail: those that weren't there at an earlier look are new."""

    part: Part
    findings: list[Finding]
    records: list[bytes] | None = None

    @property
    def has_new(self) -> bool:
        """Whether one of them wasn't there at the look before."""
        return any(finding.is_new for finding in self.findings)

    def keep(self, box: EvidenceBox) -> Iterator[Added]:
        """Keep those that are new; that there are none is kept too, and that they couldn't be read isn't."""
        if self.records is not None:
            yield box.keep(self.part, self.records)


def _grants(
    context: StepContext, box: EvidenceBox, api: TenantEdges, accounts: tuple[Account, ...], calls: MailboxCalls
) -> _Grants:
    context.go_on()
    part = Part(source=CONSENTS, tenant=api.tenant.id)
    ids = {account.id for account in accounts if account.tenant == api.tenant.id}
    try:
        listed = [grant for grant in api.list(calls.grants) if _is_about_mail(grant, ids)]
    except EdgeError as error:
        finding = texts.CONSENTS_UNREAD.found(tenant=api.tenant.name, because=_why(error))
        return _Grants(part=part, findings=[finding])
    known = box.lines(part)
    records = {_encoded(grant): grant for grant in sorted(listed, key=lambda grant: str(grant.get("id")))}
    findings = [
        _of_grant(grant, api, is_new=known is not None and record not in known) for record, grant in records.items()
    ]
    return _Grants(part=part, findings=findings, records=[*records])


def _of_grant(grant: Image, api: TenantEdges, *, is_new: bool) -> Finding:
    is_for_all = grant.get("consentType") == "AllPrincipals"
    declared = texts.CONSENT_NEW if is_new else texts.CONSENT
    return declared.found(
        tenant=api.tenant.name,
        app=str(grant.get("clientId"))[:_LONGEST_TEXT],
        whom=texts.EVERYBODY if is_for_all else filled(texts.USER, id=str(grant.get("principalId"))[:_LONGEST_TEXT]),
        scopes=_mail_scopes(grant)[: 2 * _LONGEST_TEXT],
        is_new=is_new,
    )


def _mail_scopes(grant: Image) -> str:
    scopes = str(grant.get("scope") or "").split()
    return " ".join(scope for scope in scopes if is_about_mail(scope))


def _is_about_mail(grant: Image, ids: set[str]) -> bool:
    concerns = grant.get("consentType") == "AllPrincipals" or str(grant.get("principalId")).lower() in ids
    return concerns and bool(_mail_scopes(grant))


# ---- paging ----------------------------------------------------------------------------------------------------------


def _page(context: StepContext, box: EvidenceBox, changed: Iterable[Part], new: list[Finding]) -> None:
    """Page what is new, once: the key says what changed and from which kept state.

    So a run that is killed before it keeps the new state doesn't page it twice, and a change that comes back is paged.
    """
    if not new:
        return
    drill = context.emergency.drill
    said = [f"{finding.about}: {finding.text}" for finding in new]
    since = sorted(f"{part.source} {part.part} {box.last_number(part)}" for part in changed)
    digest = hashlib.sha256("\n".join([*said, *since]).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    context.runtime.notifier.publish(
        msgspec.structs.replace(
            MAIL_CHANGED.notice(f"emergency {context.emergency.id} mail {digest}", count=len(new), said=_listed(new)),
            drill=drill,
            never_waits=not drill,
        )
    )


def _listed(new: list[Finding]) -> Words:
    """List the first of what is new, in each language."""
    english, korean = (
        some([f"{said.about}: {said.text}" for said in (one.texts(language) for one in new)], _MOST)
        for language in (ENGLISH, KOREAN)
    )
    return Words(en=english.en, ko=korean.ko)


MAIL_CHANGED: Final = NoticeText(
    id="mail-changed",
    title=Words(
        en="Mail of privileged accounts: {count:,} changes in the emergency",
        ko="권한 있는 계정의 메일: 비상 상황 중 변경 {count:,}건",
    ),
    text=Words(en="{said}", ko="{said}"),
    what_to_do=Words(
        en="Open the emergency, step 7. Ask each person over another way than mail whether it was he.",
        ko="비상 상황의 7단계를 여세요. 메일이 아닌 다른 경로로 본인이 한 일인지 확인하세요.",
    ),
)


def _encoded(state: Image | None) -> bytes:
    return msgspec.json.encode(state, order="deterministic")
