"""The privileged accounts that an emergency looks at: emergency accounts, declared ones, holders of roles."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.detect.rosters import RosterKind
from shared.emergency.entries import Answer, Finding
from shared.emergency.finding_texts import FindingText
from shared.emergency.runbook import StepContext
from shared.model.bilingual import Words
from shared.model.calls import ID_SHAPES, Call
from shared.model.errors import EdgeError
from shared.model.kinds import Image, TenantKind

_LONGEST_NAME: Final = 120


class Source(StrEnum):
    """Why an account is looked at, in the order in which accounts are taken."""

    EMERGENCY = "emergency account"
    DECLARED = "named in the declaration"
    ROSTER = "holds a privileged role"


class AccountKind(StrEnum):
    """What an account is. One that is gone may have left records, and is asked for as a user is."""

    USER = "user"
    SERVICE_PRINCIPAL = "service principal"
    OTHER = "neither a user nor a service principal"
    UNKNOWN = "unknown"


class Account(Struct, frozen=True, kw_only=True):
    """A privileged account of one tenant. `name` is what the tenant calls it, its id where that can't be read.

    `app_id` is of a service principal.
    """

    id: str
    tenant: str
    source: Source
    kind: AccountKind = AccountKind.UNKNOWN
    name: str = ""
    app_id: str = ""

    @property
    def shown(self) -> str:
        """Its name and its id. The name is the tenant's: whoever shows it escapes it."""
        return f"{self.name} ({self.id})" if self.name and self.name != self.id else self.id


class PrincipalCalls(Struct, frozen=True, kw_only=True):
    """The calls that tell what an id is."""

    user: Call
    service_principal: Call


class Accounts(Struct, frozen=True, kw_only=True):
    """The accounts of all tenants, in the order in which they are taken, and what isn't known about who they are."""

    accounts: tuple[Account, ...]
    unknown: tuple[Finding, ...] = ()


def accounts_of(context: StepContext, *, kinds: tuple[TenantKind, ...]) -> Accounts:
    """List the privileged accounts of tenants of these kinds, by what the app knows; nothing is asked of a tenant."""
    found: dict[tuple[str, str], Source] = {}
    unknown: list[Finding] = []
    for tenant, api in context.apis.items():
        if api.tenant.kind not in kinds:
            continue
        if api.tenant.kind is TenantKind.WORKFORCE:
            for each in sorted(context.runtime.settings.emergency_accounts):
                found.setdefault((tenant, each.lower()), Source.EMERGENCY)
        for each in context.emergency.privileged_accounts:
            if ID_SHAPES["id"].fullmatch(each):
                found.setdefault((tenant, each.lower()), Source.DECLARED)
        for each in sorted(_on_roster(context, api, unknown)):
            found.setdefault((tenant, each), Source.ROSTER)
    order = list(Source)
    accounts = [Account(id=key, tenant=tenant, source=source) for (tenant, key), source in found.items()]
    accounts.sort(key=lambda account: order.index(account.source))
    return Accounts(accounts=tuple(accounts), unknown=tuple(unknown))


def _on_roster(context: StepContext, api: TenantEdges, unknown: list[Finding]) -> frozenset[str]:
    try:
        listed = context.runtime.rosters.listed(RosterKind.PRIVILEGED_ACCOUNTS, api.tenant.id)
    except EdgeError as error:
        unknown.append(HOLDERS_UNREAD.found(tenant=api.tenant.name, because=str(error)))
        return frozenset()
    if not listed.is_fresh(context.now):
        unknown.append(
            HOLDERS_OLD.found(tenant=api.tenant.name, at=f"{listed.read_at:%Y-%m-%d %H:%M}")
            if listed.read_at
            else HOLDERS_NEVER_READ.found(tenant=api.tenant.name)
        )
    return listed.ids


_HOLDERS: Final = Words(
    en="who holds privileged roles in {tenant}", ko="{tenant} 테넌트에서 권한 있는 역할을 가진 사람"
)
_LOOK_AT_THE_ROLES: Final = Words(
    en="Look in the portal: Entra ID > Roles and administrators > each privileged role > Assignments.",
    ko="포털의 Entra ID > 역할 및 관리자에서 권한 있는 역할마다 할당을 확인하세요.",
)
HOLDERS_UNREAD: Final = FindingText(
    id="privileged-holders-unread",
    answer=Answer.UNKNOWN,
    about=_HOLDERS,
    text=Words(en="the list can't be read: {because}", ko="목록을 읽지 못했습니다: {because}"),
    what_to_do=_LOOK_AT_THE_ROLES,
)
HOLDERS_OLD: Final = FindingText(
    id="privileged-holders-old",
    answer=Answer.UNKNOWN,
    about=_HOLDERS,
    text=Words(
        en="the list was last read at {at} UTC, so that somebody may be missing",
        ko="목록을 마지막으로 읽은 시각: {at} UTC. 빠진 사람이 있을 수 있습니다",
    ),
    what_to_do=_LOOK_AT_THE_ROLES,
)
HOLDERS_NEVER_READ: Final = FindingText(
    id="privileged-holders-never-read",
    answer=Answer.UNKNOWN,
    about=_HOLDERS,
    text=Words(
        en="the list was never read, so that somebody may be missing",
        ko="목록을 읽은 적이 없습니다. 빠진 사람이 있을 수 있습니다",
    ),
    what_to_do=_LOOK_AT_THE_ROLES,
)


def looked_up(api: TenantEdges, account: Account, calls: PrincipalCalls) -> Account:
    """Give an account with what it is and what it is called; what can't be read stays unknown."""
    if api.tenant.kind is not TenantKind.WORKFORCE:
        return account
    for kind, call, name in (
        (AccountKind.USER, calls.user, "userPrincipalName"),
        (AccountKind.SERVICE_PRINCIPAL, calls.service_principal, "displayName"),
    ):
        try:
            image = api.get(call, id=account.id)
        except EdgeError:
            return account
        if image is not None:
            return _named(account, kind, image, name)
    return _named(account, AccountKind.OTHER, {}, "")


def _named(account: Account, kind: AccountKind, image: Image, name: str) -> Account:
    return Account(
        id=account.id,
        tenant=account.tenant,
        source=account.source,
        kind=kind,
        name=str(image.get(name) or account.id)[:_LONGEST_NAME],
        app_id=str(image.get("appId") or ""),
    )


def least_recent_first(accounts: tuple[Account, ...], tried: Mapping[str, float]) -> Iterator[Account]:
    """Give accounts that were never taken first, in their order, then the others by when they were taken last."""
    yield from sorted(accounts, key=lambda account: tried.get(f"{account.tenant} {account.id}", 0.0))
