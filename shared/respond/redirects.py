"""Looks once a day at where applications send people, and tells of each address that isn't safe, once.

What changes of an address is a detection's; this is about those that stand, since a name can be given up, and taken by
somebody else, while nothing of the application changes.
"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from shared.authority.owners import EVERYTHING
from shared.clients.names import Existence
from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.detect.fields.audit.applications import MICROSOFT_HOSTS, address_problem, scheme_and_host
from shared.model.do_all import do_all
from shared.model.kinds import ApprovalList
from shared.model.notices import SystemNotice
from shared.model.profile import TenantProfile
from shared.model.registrations import Registration
from shared.model.settings import Tenant
from shared.respond.case_rows import shortened
from shared.respond.components import Runtime

_log = logging.getLogger("responder.redirects")

_PARTITION: Final = "redirects"
_LOOKED: Final = "redirects-looked"
_MOST_NAMES: Final = 500
"""How many names are looked up in a run. Where there are more, the others have their turn on the days after."""

_MOST_LINES: Final = 10
_LONGEST: Final = 500
_LONGEST_NAME: Final = 120
_LONGEST_IN_A_LINE: Final = 80
"""Of a name and of an address each, so that a line of a card still says what is wrong."""

GONE: Final = "gone"
NOT_UNIQUE: Final = "not-unique"
LOGOUT_GONE: Final = "logout-gone"

WHY: Final[Mapping[str, str]] = {
    GONE: "its name doesn't exist, so whoever registers it is sent the tokens",
    "wildcard": "it has a wildcard, so any name that fits is sent the tokens",
    "not-owned": "its domain isn't among those that are yours",
    "shared-domain": "anybody can register a name under its domain; is this one still yours?",
    "not-https": "tokens are sent to it in plain text",
    NOT_UNIQUE: "another application has it too",
    LOGOUT_GONE: "the log-out address has a name that doesn't exist, so sessions aren't ended",
}
"""What is wrong with an address, the worst first."""

type Exist = Callable[[Collection[str]], Mapping[str, Existence]]


class AddressProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with an address of an application; `problem` is one of `WHY`."""

    app_id: str
    name: str
    address: str
    problem: str


class Judged(Struct, frozen=True, kw_only=True):
    """What is wrong with addresses, and what may be: whether their names exist isn't known."""

    problems: tuple[AddressProblem, ...]
    possible: tuple[AddressProblem, ...] = ()


def judge(
    registrations: Sequence[Registration], profile: TenantProfile, exist: Exist, *, day: date | None = None
) -> Judged:
    """Say what is wrong with the addresses of a tenant's applications. `day` chooses which names are looked up."""
    hosts = {host for one in registrations for address in (*one.addresses, one.logout) if (host := host_of(address))}
    known = exist(_of_the_day(sorted(hosts), day))
    holders: dict[str, set[str]] = defaultdict(set)
    for one in registrations:
        for address in one.addresses:
            holders[_compared(address)].add(one.app_id)
    problems: list[AddressProblem] = []
    possible: list[AddressProblem] = []
    for one in registrations:
        for address in dict.fromkeys(one.addresses):
            existence = known.get(host_of(address), Existence.UNKNOWN)
            if problem := _problem(address, profile, existence, is_shared=len(holders[_compared(address)]) > 1):
                problems.append(_of(one, address, problem))
            if existence is Existence.UNKNOWN and host_of(address):
                possible.append(_of(one, address, GONE))
        logout = known.get(host_of(one.logout), Existence.UNKNOWN)
        if logout is Existence.NONE:
            problems.append(_of(one, one.logout, LOGOUT_GONE))
        elif logout is Existence.UNKNOWN and host_of(one.logout):
            possible.append(_of(one, one.logout, LOGOUT_GONE))
    return Judged(problems=tuple(_worst_first(problems)), possible=tuple(possible))


def _worst_first(problems: Iterable[AddressProblem]) -> list[AddressProblem]:
    order = list(WHY)
    return sorted(problems, key=lambda one: (order.index(one.problem), one.name, one.address))


def _of(registration: Registration, address: str, problem: str) -> AddressProblem:
    return AddressProblem(
        app_id=registration.app_id,
        name=shortened(registration.name, _LONGEST_NAME),
        address=shortened(address, _LONGEST),
        problem=problem,
    )


def _problem(address: str, profile: TenantProfile, existence: Existence, *, is_shared: bool) -> str:
    if existence is Existence.NONE:
        return GONE
    found = address_problem(address, profile)
    if found in WHY:
        return found
    is_anybodys = host_of(address) in {"", *MICROSOFT_HOSTS}
    return NOT_UNIQUE if is_shared and not is_anybodys else ""


def _compared(address: str) -> str:
    return address.strip().lower().rstrip("/")


def host_of(address: str) -> str:
    """Give the name of the host that an address is on; "" where there is none that could be looked up."""
    if "*" in address:
        return ""
    try:
        scheme, host = scheme_and_host(address)
    except ValueError:
        return ""
    if scheme not in {"http", "https"} or host == "localhost" or "." not in host:
        return ""
    try:
        ip_address(host)
    except ValueError:
        return host
    return ""


def _of_the_day(hosts: Sequence[str], day: date | None) -> Sequence[str]:
    """Choose the names that have their turn: all, where they aren't too many."""
    if len(hosts) <= _MOST_NAMES:
        return hosts
    begin = (day.toordinal() if day else 0) * _MOST_NAMES % len(hosts)
    return [*hosts[begin:], *hosts[:begin]][:_MOST_NAMES]


def look_at_redirects(runtime: Runtime, exist: Exist) -> int:
    """Look at every tenant's applications, and tell of what is new; gives how many addresses that is.

    Raises EdgeError; it can be called again.
    """
    found = do_all(
        runtime.settings.tenants,
        lambda tenant: _look(runtime, tenant, exist),
        failed=lambda tenant: f"the redirect addresses of {tenant.name} could not be looked at",
        log=_log,
    )
    return sum(found)


def _look(runtime: Runtime, tenant: Tenant, exist: Exist) -> int:
    registrations = runtime.registrations(runtime.edges[tenant.id])
    judged = judge(registrations, runtime.settings.profile, exist, day=runtime.clock().date())
    rows = {row.key: row for row in _rows(runtime.storage, tenant.id)}
    # While nobody knows whether a name exists, what was told of it last stands, and is all that is told.
    unsure = (one for one in judged.possible if one.problem == GONE and _key(tenant, one) in rows)
    waiting = {(one.app_id, one.address) for one in unsure}
    found = {_key(tenant, one): one for one in judged.problems if (one.app_id, one.address) not in waiting}
    new = {key: one for key, one in found.items() if key not in rows}
    if new:
        runtime.notifier.publish(_notice(tenant, list(new.values()), new.keys()))
    for key, one in new.items():
        columns = {"tenant_id": tenant.id, "since": runtime.clock().isoformat(), **_columns(one)}
        runtime.storage.upsert(Table.CURSORS, _PARTITION, key, columns)
    for key in rows.keys() - found.keys() - {_key(tenant, one) for one in judged.possible}:
        with suppress(Conflict):  # another instance was faster
            runtime.storage.delete(Table.CURSORS, rows[key])
    runtime.storage.upsert(Table.CURSORS, _LOOKED, tenant.id, {"at": runtime.clock().isoformat()})
    return len(new)


def _rows(storage: Storage, tenant_id: str) -> Iterator[Row]:
    rows = storage.rows(Table.CURSORS, "PartitionKey eq @one", one=_PARTITION)
    return (row for row in rows if row.columns.get("tenant_id") == tenant_id)


def looked_at(storage: Storage, tenant_id: str) -> datetime | None:
    """Give when a tenant's addresses were last looked at; None when they never were. Raises EdgeError."""
    row = storage.row(Table.CURSORS, _LOOKED, tenant_id)
    return row.instant("at") if row else None


def known_problems(storage: Storage, tenant_id: str) -> list[AddressProblem]:
    """Give what was found last time in a tenant, the worst first. Raises EdgeError."""
    found = [
        AddressProblem(**{name: str(row.columns.get(name, "")) for name in AddressProblem.__struct_fields__})
        for row in _rows(storage, tenant_id)
    ]
    return _worst_first(one for one in found if one.problem in WHY)


def _columns(problem: AddressProblem) -> dict[str, str]:
    return {name: str(getattr(problem, name)) for name in AddressProblem.__struct_fields__}


def _key(tenant: Tenant, problem: AddressProblem) -> str:
    parts = f"{tenant.id}\n{problem.app_id}\n{problem.address}\n{problem.problem}"
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _line(problem: AddressProblem) -> str:
    name, address = (shortened(text, _LONGEST_IN_A_LINE) for text in (problem.name, problem.address))
    return f"{name}: {address}: {WHY[problem.problem]}"


def _notice(tenant: Tenant, problems: Sequence[AddressProblem], keys: Iterable[str]) -> SystemNotice:
    digest = hashlib.sha256(" ".join(sorted(keys)).encode()).hexdigest()[:16]
    many = len(problems)
    lines = [_line(one) for one in problems[:_MOST_LINES]]
    if many > _MOST_LINES:
        lines.append(f"And {many - _MOST_LINES:,} more.")
    return SystemNotice(
        key=f"redirects {tenant.id} {digest}",
        title=f"{many:,} address{'' if many == 1 else 'es'} to which applications in {tenant.name} send people"
        f" {'is' if many == 1 else 'are'} not safe",
        text="They stand in the applications' registrations; nobody has to have changed anything.",
        lines=tuple(lines),
        what_to_do="Take each out of its registration, or put its domain into owned_domains of the tenant profile if it"
        " is yours. responder redirects lists all.",
        scopes=(ApprovalList.APP_REGISTRATIONS.value, EVERYTHING),
    )
