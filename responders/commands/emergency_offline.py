"""`responder emergency --offline`, `emergency merge` and `emergency print`: what works on a laptop without the app.

`responder emergency` registers them (`add_offline`). Nothing here asks the app for anything but `merge`: settings come
from a file on the laptop, pages go out over its own PagerDuty key, what is done is signed with the operator's own key,
and the tenant is read with the break-glass administrator's own token.
"""

import argparse
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from responders.commands.connection import CommandError, NoAnswer, add_settings_option, environment_from
from responders.commands.tables import escaped
from shared.model import app_settings as declared
from shared.model.app_settings import Setting
from shared.model.clock import utc_now
from shared.model.contacts import SupportContact
from shared.model.errors import EdgeError
from shared.model.setting_values import WrongValue, is_loopback

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from responders.commands import Subparsers
    from shared.authority.operators import Operators
    from shared.clients.api import TenantEdges
    from shared.clients.graph import GraphTransport
    from shared.emergency.asking import Wish
    from shared.emergency.entries import Entry, Finding
    from shared.emergency.laptop import LaptopJournal, Signer
    from shared.emergency.runbook import RunbookStep
    from shared.emergency.state import Emergency
    from shared.model.calls import Service

_KEY: Final = "RESPONDER_EMERGENCY_KEY"
OPERATOR_KEY: Final = "RESPONDER_OPERATOR_KEY"
"""Names the file of the operator's key."""

_FOLDER: Final = "emergency-journal"
_BATCH: Final = 500
_BATCH_BYTES: Final = 512 * 1024
_WITHIN_SECONDS: Final = 60
_OWN_ONLY: Final = 0o600

OFFLINE: Final = """\
--offline works without the app: it pages with the PagerDuty key of --settings, prints every text, and keeps a journal
that you sign in a folder. Declare first, then record what people do:
  responder emergency --offline --settings FILE --key KEY --declare "WHAT HAPPENED" [--hybrid] [--drill]
  responder emergency --offline --settings FILE --key KEY --done 4 --note "Ticket 2603…"
  responder emergency --offline --settings FILE --read       signed in as the break-glass administrator
When the app answers again: responder emergency merge FILE --key KEY --app URL"""


def add_offline(parser: argparse.ArgumentParser, subparsers: "Subparsers") -> None:
    """Add --offline with its options to `responder emergency`, and its commands merge and print."""
    group = parser.add_argument_group("without the app")
    group.add_argument("--offline", action="store_true", help="work without the app, with a journal on this laptop")
    add_settings_option(parser)
    _add_signing(group)
    group.add_argument(
        "--journal", type=Path, default=Path(_FOLDER), metavar="FOLDER", help="where the journal is kept"
    )
    group.add_argument("--language", choices=("en", "ko"), help="of the texts (default: both)")
    acts = group.add_mutually_exclusive_group()
    acts.add_argument("--declare", metavar="REASON", help="declare an emergency, page, and print every text")
    acts.add_argument("--done", type=int, choices=range(1, 9), metavar="N", help="record that step N is done")
    acts.add_argument("--skip", type=int, choices=range(1, 9), metavar="N", help="record that step N is left out")
    acts.add_argument("--acknowledge", action="store_true", help="record that you have read the page")
    acts.add_argument("--announce", metavar="ID", help="record that this emergency account signs in now")
    acts.add_argument("--read", action="store_true", help="read the tenant with your own token, and keep what is read")
    group.add_argument("--hybrid", action="store_true", help="with --declare: domains are federated")
    group.add_argument("--drill", action="store_true", help="with --declare: a drill")
    group.add_argument("--note", default="", help="with --done and --skip")
    group.add_argument(
        "--sign-in", choices=("az", "device"), help="with --read: by `az login`, or by a code in a browser"
    )
    _add_merge(subparsers)
    _add_print(subparsers)


def add_key(parser: Any) -> None:  # noqa: ANN401 - a parser or a group of one; they share no public class
    """Add --key, which is taken from the environment where it isn't given."""
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        default=os.environ.get(OPERATOR_KEY) or None,
        help=f"your operator's key (`responder operator key`; default: {OPERATOR_KEY})",
    )


def _add_signing(parser: Any) -> None:  # noqa: ANN401 - a parser or a group of one; they share no public class
    add_key(parser)
    parser.add_argument(
        "--host", metavar="NAME", help="the app's own host name, like APP.azurewebsites.net (default: of CASE_LINK)"
    )


def _add_merge(subparsers: "Subparsers") -> None:
    merge = subparsers.add_parser("merge", help="bring a laptop's journal to the app")
    merge.add_argument("file", type=Path, metavar="FILE")
    merge.add_argument("--app", required=True, metavar="URL", help=f"the app; the emergency key is taken from {_KEY}")
    _add_signing(merge)
    add_settings_option(merge)
    merge.set_defaults(run=run_merge)


def _add_print(subparsers: "Subparsers") -> None:
    printing = subparsers.add_parser("print", help="write the runbook on paper, to be kept with the sealed credential")
    printing.add_argument("--to", type=Path, default=Path("runbook.html"), metavar="FILE", help="an HTML file, for A4")
    printing.add_argument("--language", choices=("en", "ko"), help="one language (default: both)")
    printing.add_argument("--host", metavar="NAME", help="the app's own host name (default: of CASE_LINK)")
    add_settings_option(printing)
    printing.set_defaults(run=run_print)


# ---- settings --------------------------------------------------------------------------------------------------------


class _Settings(Struct, frozen=True, kw_only=True):
    """What a laptop's settings file says; nothing in it is needed but what is used."""

    tenant: str
    subscriptions: tuple[str, ...]
    emergency_accounts: tuple[str, ...]
    pagerduty_key: str
    pagerduty_url: str
    graph_url: str
    host: str
    support_contact: SupportContact | None
    support_phone: str
    sealed_credential: str
    phones: tuple[str, ...]
    operators: str
    genesis: str
    language: str


def _settings(arguments: argparse.Namespace) -> _Settings:
    """Read the settings. Raises CommandError with everything that is wrong."""
    environment = environment_from(arguments)
    problems: list[str] = []

    def read[T](setting: Setting[T]) -> T:
        text = environment.get(setting.name, "").strip() or setting.default
        try:
            return setting.read(text)
        except WrongValue as wrong:
            shown = "a secret value" if setting.is_secret else repr(text[:80])
            problems.append(f"{setting.name} is {shown}: it should be {wrong.right or setting.required_as}")
            return setting.read(setting.default)

    link = read(declared.CASE_LINK)
    found = _Settings(
        tenant=read(declared.WORKFORCE_TENANT_ID),
        subscriptions=tuple(sorted(read(declared.SUBSCRIPTION_IDS))),
        emergency_accounts=tuple(sorted(read(declared.EMERGENCY_ACCOUNT_IDS))),
        pagerduty_key=read(declared.PAGERDUTY_ROUTING_KEY),
        pagerduty_url=read(declared.PAGERDUTY_URL),
        graph_url=read(declared.GRAPH_URL),
        host=(arguments.host or urlsplit(link).netloc).lower(),
        support_contact=read(declared.SUPPORT_CONTACT),
        support_phone=read(declared.SUPPORT_PHONE),
        sealed_credential=read(declared.SEALED_CREDENTIAL),
        phones=read(declared.EMERGENCY_PHONES),
        operators=read(declared.EMERGENCY_OPERATORS),
        genesis=read(declared.EMERGENCY_GENESIS),
        language=read(declared.NOTICE_LANGUAGE),
    )
    if problems:
        raise CommandError("; ".join(problems))
    return found


def _operators(settings: _Settings, now: datetime) -> "Operators":
    from shared.authority.operator_store import read_operators  # noqa: PLC0415 - only where it is needed

    return read_operators(None, setting=settings.operators, pinned=settings.genesis, now=now)


def _signer(arguments: argparse.Namespace, settings: _Settings, now: datetime) -> "Signer":
    """Give who signs. Raises CommandError where the key isn't an operator's."""
    from shared.emergency.laptop import Signer  # noqa: PLC0415 - only where it is needed
    from shared.emergency.signing import read_key  # noqa: PLC0415

    if not arguments.key:
        raise CommandError("name your key: --key FILE (`responder operator key` makes it)")
    if not settings.host:
        raise CommandError("name the app's own host, for which you sign: --host NAME, or CASE_LINK in the settings")
    key = read_key(arguments.key)
    found = _operators(settings, now).with_key(key.public.id)
    if found is None or not found[0].acts_at(now):
        raise CommandError(
            f"{arguments.key} is no operator's key by EMERGENCY_OPERATORS in the settings"
            " (`responder operator list --setting` writes it)"
        )
    return Signer(operator=found[0].operator.id, name=found[0].operator.name, key=key, host=settings.host)


def _steps() -> "Sequence[RunbookStep]":
    from responders.runbooks.break_glass import BREAK_GLASS  # noqa: PLC0415 - only where it is needed

    return BREAK_GLASS


# ---- without the app -------------------------------------------------------------------------------------------------


def run_offline(arguments: argparse.Namespace) -> int:
    """Do what `responder emergency --offline` is asked for; without an act, show how the emergency stands."""
    from shared.emergency.laptop import LaptopJournal  # noqa: PLC0415 - only where it is needed

    now, settings, journal = utc_now(), _settings(arguments), LaptopJournal(arguments.journal)
    if arguments.declare is not None:
        return _declare(arguments, settings, journal, now)
    is_signed = _signature_check(settings, now)
    emergency = _open(journal, is_signed)
    if arguments.read:
        return _read(arguments, settings, journal, emergency, now)
    for path, wish in _wishes(arguments, emergency):
        _record(_signer(arguments, settings, now), journal, path, wish, now)
        emergency = _open(journal, is_signed)
    _show(settings, journal, emergency, now)
    return 0


def _signature_check(settings: _Settings, now: datetime) -> "Callable[[Entry], bool]":
    """Give what says whether an operator has signed just this entry."""
    from shared.emergency.laptop import doubt_about  # noqa: PLC0415 - only where it is needed

    operators = _operators(settings, now)
    return lambda entry: not doubt_about(entry, operators, host=settings.host)


def _open(journal: "LaptopJournal", is_signed: "Callable[[Entry], bool]") -> "Emergency":
    found = next(_all_open(journal, is_signed), None)
    if found is None:
        raise CommandError('no emergency is in this journal: declare one with --declare "WHAT HAPPENED"')
    return found


def _all_open(journal: "LaptopJournal", is_signed: "Callable[[Entry], bool]") -> "Iterator[Emergency]":
    """Give what is open: emergencies before drills, which a real one ends, and then the newest first."""
    yield from sorted((each for each in journal.emergencies(is_signed) if each.is_open), key=lambda each: each.drill)


def _wishes(arguments: argparse.Namespace, emergency: "Emergency") -> "Iterator[tuple[str, Wish]]":
    from shared.emergency.asking import PATH, Acknowledge, Announce, DoStep  # noqa: PLC0415 - only where it is needed
    from shared.emergency.laptop import step_path  # noqa: PLC0415

    if arguments.done:
        yield step_path(emergency.id, arguments.done), DoStep(action="done", note=arguments.note)
    if arguments.skip:
        if not arguments.note.strip():
            raise CommandError("a step that is left out needs --note with the reason")
        yield step_path(emergency.id, arguments.skip), DoStep(action="skip", note=arguments.note)
    if arguments.acknowledge:
        yield f"{PATH}/{emergency.id}/acknowledge", Acknowledge(over="laptop", note=arguments.note)
    if arguments.announce:
        yield f"{PATH}/{emergency.id}/announce", Announce(account=arguments.announce)


def _record(signer: "Signer", journal: "LaptopJournal", path: str, wish: "Wish", now: datetime) -> "Entry":
    from shared.emergency.laptop import signed_entry  # noqa: PLC0415 - only where it is needed

    entry = signed_entry(signer, path, wish, now=now)
    journal.add(entry)
    return entry


def _declare(arguments: argparse.Namespace, settings: _Settings, journal: "LaptopJournal", now: datetime) -> int:
    from shared.emergency.asking import PATH, Declare  # noqa: PLC0415 - only where it is needed

    known = _all_open(journal, _signature_check(settings, now))
    going = next((each for each in known if not each.has_expired(now)), None)
    if going is not None and (arguments.drill or not going.drill):
        raise CommandError(f"the emergency {going.id} is open in this journal: go on with it")
    wish = Declare(
        reason=arguments.declare,
        hybrid=arguments.hybrid,
        drill=arguments.drill,
        hours=2.0 if arguments.drill else 8.0,
    )
    entry = _record(_signer(arguments, settings, now), journal, PATH, wish, now)
    emergency = next(each for each in journal.emergencies() if each.id == entry.emergency)
    _say(f"{'Drill' if emergency.drill else 'Emergency'} {emergency.id} is declared: {journal.path(emergency.id)}")
    is_paged = _page(settings, emergency)
    _print_texts(arguments, settings, emergency)
    return 0 if is_paged else 1


def _page(settings: _Settings, emergency: "Emergency") -> bool:
    """Page by PagerDuty; whether it took the page. Whatever goes wrong, people go on by telephone."""
    from shared.clients.pagerduty import PagerDuty  # noqa: PLC0415 - only where it is needed

    phones = "; ".join(settings.phones) or "EMERGENCY_PHONES isn't set"
    if not settings.pagerduty_key:
        _say(f"Nobody was paged: PAGERDUTY_ROUTING_KEY isn't set. Telephone: {phones}")
        return False
    event = _event(settings, emergency)
    try:
        PagerDuty(url=settings.pagerduty_url, routing_key=settings.pagerduty_key).trigger(event)
    except EdgeError as error:
        _say(f"PagerDuty didn't take the page: {error}. Telephone: {phones}")
        return False
    _say(f"PagerDuty took the page. If nobody answers within minutes, telephone: {phones}")
    return True


def _event(settings: _Settings, emergency: "Emergency") -> dict[str, Any]:
    """Give the event for PagerDuty, in the language of `NOTICE_LANGUAGE`, with each telephone whole."""
    from shared.emergency.laptop import DECLARED_ON_A_LAPTOP, NO_PHONES, PHONES  # noqa: PLC0415 - only where needed
    from shared.notify.system_notices import system_notice_alert  # noqa: PLC0415

    notice = DECLARED_ON_A_LAPTOP.notice(
        f"emergency {emergency.id}",
        reason=emergency.reason,
        by=emergency.declared_name,
        phones=PHONES if settings.phones else NO_PHONES,
    )
    notice = msgspec.structs.replace(notice, lines=settings.phones, drill=emergency.drill, is_silent=emergency.drill)
    event = system_notice_alert(notice, language=settings.language)
    of_tenant = {"source": settings.tenant or "Entra ID", "timestamp": emergency.declared_at.isoformat()}
    return {**event, "payload": {**event["payload"], **of_tenant}}


def _print_texts(arguments: argparse.Namespace, settings: _Settings, emergency: "Emergency") -> None:
    from responders.runbooks.playbooks import PLAYBOOKS  # noqa: PLC0415 - only where it is needed
    from responders.runbooks.support_ticket import ticket_text  # noqa: PLC0415

    for language in [arguments.language] if arguments.language else ["en", "ko"]:
        _say("")
        for step in _steps():
            _say(f"{step.number}. {step.title.in_language(language)}")
            for words in (step.person, step.failed, step.check):
                _say(f"   {words.in_language(language)}")
        for playbook in PLAYBOOKS:
            _say(f"* {playbook.title.in_language(language)}\n   {playbook.text.in_language(language)}")
    _say(f"\nThe sealed credential: {settings.sealed_credential or 'SEALED_CREDENTIAL is not set'}")
    _say(f"Microsoft's support: {settings.support_phone or 'SUPPORT_PHONE is not set'}")
    _say("The text for Microsoft, to read out or to paste:\n")
    text = ticket_text(
        emergency, tenant=settings.tenant, subscriptions=settings.subscriptions, contact=settings.support_contact
    )
    _say(text)


def _show(settings: _Settings, journal: "LaptopJournal", emergency: "Emergency", now: datetime) -> None:
    from shared.emergency.laptop import doubt_about, read_journal  # noqa: PLC0415 - only where it is needed

    operators, read = _operators(settings, now), read_journal(journal.path(emergency.id))
    kind = "Drill" if emergency.drill else "Emergency"
    _say(f"{kind} {emergency.id}, since {emergency.declared_at:%Y-%m-%d %H:%M} UTC: {emergency.reason}")
    if emergency.has_expired(now):
        _say(f"It expired at {emergency.expires_at:%Y-%m-%d %H:%M} UTC.")
    for step in emergency.steps:
        notes = "; ".join(f"{record.name}: {record.note}" for record in step.records if record.note)
        _say(f"{step.number}  {step.state:<8}  {notes}".rstrip())
    unsigned = [entry for entry in read.entries if entry.signed is None]
    if unsigned:
        _say(f"{len(unsigned)} entries came from the app and aren't signed: they count for nothing that takes two.")
    for entry in read.entries:
        if entry.signed is not None and (doubt := doubt_about(entry, operators, host=settings.host)):
            _say(f"Don't trust the entry {entry.id} of {entry.at:%H:%M:%S}: {doubt}.")
    for number in read.broken:
        _say(f"Line {number} of the journal can't be read.")
    _say(f"When the app answers again: responder emergency merge {journal.path(emergency.id)} --key KEY --app URL")


def _say(text: str) -> None:
    print("\n".join(escaped(line) for line in text.split("\n")))


# ---- reading with one's own token ------------------------------------------------------------------------------------


def _read(
    arguments: argparse.Namespace, settings: _Settings, journal: "LaptopJournal", emergency: "Emergency", now: datetime
) -> int:
    """Read the emergency accounts and the federation, print it, and keep it. 1 where something isn't surely fine."""
    from shared.emergency.entries import Answer  # noqa: PLC0415 - only where it is needed

    if not settings.tenant:
        raise CommandError("WORKFORCE_TENANT_ID isn't set: which tenant is to be read?")
    transports = _transports(settings, _credential(arguments.sign_in, settings.tenant))
    try:
        api = _edges(settings, transports)
        findings = [*read_accounts(api, settings.emergency_accounts), *read_federation_state(api, now)]
        files = [*federation_files(api)]
    finally:
        for transport in transports.values():
            transport.close()
    for finding in findings:
        _say(f"{finding.answer:<8}{finding.about}: {finding.text} {finding.what_to_do}".rstrip())
    folder = journal.folder_of(emergency.id)
    _keep(folder / f"read-{now:%Y%m%dT%H%M%SZ}.json", msgspec.json.encode([now, findings]))
    for name, content in files:
        _keep(folder / f"federation-{name}-{now:%Y%m%dT%H%M%SZ}.json", content)
    return 0 if all(finding.answer in {Answer.FINE, Answer.NOTED} for finding in findings) else 1


def _keep(path: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWN_ONLY), "wb") as file:
            file.write(content)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from None
    _say(f"Kept: {path} (SHA-256 {hashlib.sha256(content).hexdigest()})")


def read_accounts(api: "TenantEdges", accounts: Sequence[str]) -> "list[Finding]":
    """Say of each emergency account whether it is there, can sign in, and is of the cloud."""
    return [_account(api, account) for account in accounts]


def _account(api: "TenantEdges", account: str) -> "Finding":
    from responders.kinds.principals import GET_USER  # noqa: PLC0415 - only where it is needed
    from shared.emergency.entries import Answer, Finding  # noqa: PLC0415

    asked = "id,userPrincipalName,accountEnabled,onPremisesSyncEnabled"
    try:
        user = api.get(GET_USER, query={"select": asked}, id=account)
    except EdgeError as error:
        return Finding(answer=Answer.UNKNOWN, about=account, text=f"It can't be read: {error}")
    if user is None:
        return Finding(answer=Answer.WRONG, about=account, text="This emergency account isn't there.")
    name, wrong = str(user.get("userPrincipalName", "")), list[str]()
    if user.get("accountEnabled") is not True:
        wrong.append("it is disabled")
    if user.get("onPremisesSyncEnabled"):
        wrong.append("it is synchronized, so it depends on what is on the premises")
    if wrong:
        return Finding(answer=Answer.WRONG, about=account, text=f"{name}: {', and '.join(wrong)}.")
    return Finding(answer=Answer.FINE, about=account, text=f"{name} is there, enabled, and of the cloud.")


def read_federation_state(api: "TenantEdges", now: datetime) -> "list[Finding]":
    """Say which domains are federated and, where one is, whether Entra ID has everybody's password hashes."""
    from responders.runbooks.federation_reading import names, read_domains, read_hash_sync  # noqa: PLC0415 - as above
    from responders.runbooks.federation_texts import switch_command  # noqa: PLC0415
    from shared.emergency.entries import Answer, Finding  # noqa: PLC0415

    try:
        domains = read_domains(api)
    except EdgeError as error:
        return [Finding(answer=Answer.UNKNOWN, about="domains", text=f"They can't be read: {error}")]
    roots = domains.federated_roots
    if not roots:
        return [Finding(answer=Answer.FINE, about="domains", text="No domain is federated.")]
    hashes = read_hash_sync(api, now)
    command = switch_command(api.tenant.id, [root.name for root in roots])
    what_to_do = "" if hashes.is_off else f"Only if all of this is as it should be, and two of you agree: {command}"
    text = f"Federated: {names(roots)}."
    return [*hashes.findings, Finding(answer=Answer.NOTED, about="domains", text=text, what_to_do=what_to_do)]


def federation_files(api: "TenantEdges") -> Iterator[tuple[str, bytes]]:
    """Give the federation settings of each federated domain as JSON: the way back, lost with the switch."""
    from responders.runbooks.federation_reading import posted, read_domains, read_federation  # noqa: PLC0415 - as above

    try:
        for root in read_domains(api).federated_roots:
            federation = read_federation(api, root.name)
            if federation is not None:
                kept = {"domain": root.name, "federation": federation, "post": posted(federation)}
                yield root.name, msgspec.json.encode(kept, order="sorted")
    except EdgeError as error:
        _say(f"The federation settings can't be kept, so don't change them: {error}")


class _NoPace:
    """One person reads a handful of things: nothing is paced."""

    def wait_for(self, tenant_id: str, lane: object) -> None:
        """Let it go."""

    def reserved(self, tenant_id: str, lane: object, calls: int) -> "_NoPace":
        """Let them go."""
        del tenant_id, lane, calls
        return self


def _transports(settings: _Settings, credential: "TokenCredential") -> "dict[Service, GraphTransport]":
    from shared.clients.graph import GraphTransport  # noqa: PLC0415 - only where it is needed
    from shared.model.calls import Service  # noqa: PLC0415

    audience = declared.GRAPH_URL.default if is_loopback(settings.graph_url) else settings.graph_url
    return {
        service: GraphTransport(url=settings.graph_url, version=version, credential=credential, audience=audience)
        for service, version in ((Service.GRAPH, "v1.0"), (Service.GRAPH_BETA, "beta"))
    }


def _edges(settings: _Settings, transports: "Mapping[Service, GraphTransport]") -> "TenantEdges":
    import time  # noqa: PLC0415 - only where it is needed

    from shared.clients.api import TenantEdges  # noqa: PLC0415
    from shared.model.kinds import TenantKind  # noqa: PLC0415
    from shared.model.settings import Tenant  # noqa: PLC0415

    tenant = Tenant(kind=TenantKind.WORKFORCE, id=settings.tenant, responder_id="", client_id="")
    return TenantEdges(tenant=tenant, transports=transports, pacer=_NoPace(), wait=time.sleep)


def _credential(sign_in: str | None, tenant: str) -> "TokenCredential":
    """Give the person's own credential: that of `az login`, or a code to enter in a browser."""
    from azure.identity import AzureCliCredential, DeviceCodeCredential  # noqa: PLC0415 - imported on first use

    by_az = sign_in == "az" or (sign_in is None and shutil.which("az") is not None)
    return AzureCliCredential(tenant_id=tenant) if by_az else DeviceCodeCredential(tenant_id=tenant)


# ---- merge -----------------------------------------------------------------------------------------------------------


def run_merge(arguments: argparse.Namespace) -> int:
    """Bring the entries of a journal's file to the app; merging is a union by id, so it can be done again."""
    from shared.emergency.laptop import read_journal  # noqa: PLC0415 - only where it is needed

    now = utc_now()
    read = read_journal(arguments.file)
    ids = sorted({entry.emergency for entry in read.entries})
    if len(ids) != 1:
        raise CommandError(f"{arguments.file} should have entries of one emergency: it has them of {len(ids)}")
    arguments.host = arguments.host or urlsplit(arguments.app).netloc
    signer = _signer(arguments, _settings(arguments), now)
    emergency_key = os.environ.get(_KEY, "")
    if not emergency_key:
        raise CommandError(f"set {_KEY} to the emergency key: it is kept with the sealed credential")
    sent = 0
    for batch in batches(read.entries):
        _bring(arguments.app, ids[0], batch, signer, emergency_key)
        sent += len(batch)
        _say(f"{sent} of {len(read.entries)} entries of the emergency {ids[0]} are there")
    for number in read.broken:
        _say(f"Line {number} can't be read, and was left out.")
    return 1 if read.broken else 0


def batches(entries: "Sequence[Entry]") -> "Iterator[tuple[Entry, ...]]":
    """Part entries so that each request stays small; the declaration comes first, since the app asks for it."""
    from shared.emergency.entries import Declared  # noqa: PLC0415 - only where it is needed

    ordered = sorted(entries, key=lambda entry: (not isinstance(entry.act, Declared), entry.at, entry.id))
    batch: list[Entry] = []
    size = 0
    for entry in ordered:
        length = len(msgspec.json.encode(entry))
        if batch and (len(batch) >= _BATCH or size + length > _BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield tuple(batch)


def _bring(app: str, emergency: str, batch: "tuple[Entry, ...]", signer: "Signer", emergency_key: str) -> None:
    """Send one batch. Raises CommandError where the app doesn't take it; what it has taken stays there."""
    import httpx  # noqa: PLC0415 - only where it is needed

    from shared.emergency.asking import PATH, Bring, joined, journal_of  # noqa: PLC0415
    from shared.emergency.signing import sign_request_for  # noqa: PLC0415

    path = f"{PATH}/{emergency}/journal"
    first = msgspec.json.encode(Bring(journal=journal_of(batch)))
    headers: Mapping[str, str] = sign_request_for(
        signer.host, signer.key, "POST", path, first, emergency_key=emergency_key, now=utc_now()
    )
    try:
        answer = httpx.post(
            f"{app.rstrip('/')}{path}",
            content=joined(first, batch),
            headers={**headers, "Content-Type": "application/x-ndjson"},
            timeout=_WITHIN_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{app} gave no answer ({type(error).__name__}): merge again when it does") from None
    if not answer.is_success:
        raise CommandError(f"{app} answered {answer.status_code}: {answer.text[:500]}")


# ---- print -----------------------------------------------------------------------------------------------------------


def run_print(arguments: argparse.Namespace) -> int:
    """Write the paper."""
    from responders.runbooks.paper import Known, paper  # noqa: PLC0415 - only where it is needed

    now, settings = utc_now(), _settings(arguments)
    known = Known(
        tenant=settings.tenant,
        subscriptions=settings.subscriptions,
        emergency_accounts=settings.emergency_accounts,
        app=f"https://{settings.host}" if settings.host else "",
        phones=settings.phones,
        support_phone=settings.support_phone,
        sealed_credential=settings.sealed_credential,
        operators=_operators(settings, now),
    )
    languages = [arguments.language] if arguments.language else ["en", "ko"]
    try:
        arguments.to.write_text(paper(_steps(), known, now=now, languages=languages), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{arguments.to} can't be written: {error.strerror}") from None
    _say(f"{arguments.to} is written: print it on A4, and put it with the sealed credential.")
    return 0
