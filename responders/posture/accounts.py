"""The people and applications behind privileged roles: whose they are, how they sign in, and whether they still do."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.kinds.registered_methods import GET_REGISTRATION, has_second_factor, registered_methods
from responders.posture.names import of_all, some_of
from responders.posture.roles import ASSIGNED, CUSTOM_ROLES, HOLDERS, ROLE_NAMES, held_in_words, role_name
from shared.checks.check import Finding, failed, not_applicable, ok, warning
from shared.checks.posture import Category, PostureCheck, Stage
from shared.checks.posture_store import PostureStore
from shared.checks.snapshot import EVERY_TENANT, Part, Reading, Snapshot
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.privileges import GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLES
from shared.model.tenant_api import list_by_ids

LIST_USERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users",
    needs=(Permission.USER_READ, Permission.AUDIT_LOG_READ),
)
"""Only who asks for `signInActivity` needs the log's permission, and Entra ID P1."""

LIST_REGISTRATIONS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/reports/authenticationMethods/userRegistrationDetails",
    needs=(Permission.AUDIT_LOG_READ,),
    lane=Lane.REPORTS,
)
"""Up to a day old; a page has a hundred users and takes two seconds, so that only administrators are listed."""

ADMINISTRATORS: Final = {"$filter": "isAdmin eq true"}

_SHOWN: Final = (
    "id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,identities,lastPasswordChangeDateTime,"
    "assignedPlans,createdDateTime"
)
_WORKLOAD: Final = "id,displayName,servicePrincipalType,passwordCredentials,keyCredentials"

_FEWEST_GLOBAL: Final = 2
_MOST_GLOBAL: Final = 4

PASSWORD_LASTS: Final = timedelta(days=90)
UNUSED_FOR: Final = timedelta(days=90)
SECRET_LASTS: Final = timedelta(days=366)


class Person(Struct, frozen=True, kw_only=True):
    """A user account; instants are None where Graph doesn't say them.

    `is_consumer`: a customer's, who signs in with an address, a name of their own or an identity provider.
    """

    id: str
    name: str
    is_enabled: bool
    is_synced: bool
    is_guest: bool
    is_microsoft_account: bool
    is_consumer: bool
    has_mailbox: bool
    password_changed: datetime | None
    created: datetime | None


class Workload(Struct, frozen=True, kw_only=True):
    """A service principal or managed identity. `secrets` are the spans of its secrets and certificates."""

    id: str
    name: str
    is_managed: bool
    secrets: tuple[tuple[datetime | None, datetime | None], ...]


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _read_people(reading: Reading) -> Mapping[str, Person]:
    wanted = {*reading.of(HOLDERS), *reading.runtime.settings.emergency_accounts}
    return {person.id: person for person in map(_person, list_by_ids(reading.api, LIST_USERS, wanted, _SHOWN))}


def _person(user: Image) -> Person:
    name = str(user.get("userPrincipalName") or user["id"])
    identities = cast("list[Image]", user.get("identities") or [])
    issuers = {str(each.get("issuer", "")).lower() for each in identities}
    plans = cast("list[Image]", user.get("assignedPlans") or [])
    try:
        return Person(
            id=str(user["id"]).lower(),
            name=name,
            is_enabled=user.get("accountEnabled") is not False,
            is_synced=user.get("onPremisesSyncEnabled") is True,
            is_guest=str(user.get("userType")).lower() == "guest" or "#ext#" in name.lower(),
            is_microsoft_account="live.com#" in name.lower() or bool(issuers & {"microsoftaccount", "live.com"}),
            is_consumer=any(str(each.get("signInType")).lower() in _OF_CONSUMERS for each in identities),
            has_mailbox=any(_is_mailbox(plan) for plan in plans),
            password_changed=_instant(user.get("lastPasswordChangeDateTime")),
            created=_instant(user.get("createdDateTime")),
        )
    except ValueError as error:
        raise Rejected(f"Graph gave an instant of {name} that is none: {error}") from error


_OF_CONSUMERS: Final = frozenset({"emailaddress", "username", "phonenumber"})
"""Types of identities that only customers have; a work account has userPrincipalName, a guest federated."""


def _is_mailbox(plan: Image) -> bool:
    return str(plan.get("service")).lower() == "exchange" and str(plan.get("capabilityStatus")).lower() == "enabled"


PEOPLE: Final = Part(
    id="people",
    kinds=EVERY_TENANT,
    title="the accounts of those who hold roles",
    read=_read_people,
    calls=(LIST_USERS,),
)


def _read_sign_ins(reading: Reading) -> Mapping[str, datetime | None]:
    """Read when each last signed in, None where no successful sign-in is known (Graph knows none before Dec 2023)."""
    listed = list_by_ids(reading.api, LIST_USERS, reading.of(PEOPLE), "id,signInActivity")
    return {
        str(each["id"]).lower(): _instant(
            cast("Image", each.get("signInActivity") or {}).get("lastSuccessfulSignInDateTime")
        )
        for each in listed
    }


SIGN_INS: Final = Part(
    id="last-sign-ins",
    title="when those who hold roles last signed in",
    read=_read_sign_ins,
    calls=(LIST_USERS,),
)


def _read_registrations(reading: Reading) -> Mapping[str, tuple[str, ...]]:
    """Read what each person has registered; whom the report takes for no administrator is asked for singly.

    Graph doesn't say whether somebody is one who may activate a role, or holds it through a group.
    """
    listed = reading.api.list(LIST_REGISTRATIONS, query=ADMINISTRATORS)
    found = {
        str(each["id"]).lower(): tuple(map(str, cast("list[object]", each.get("methodsRegistered") or [])))
        for each in listed
    }
    for person in sorted(reading.of(PEOPLE).keys() - found.keys()):
        methods = registered_methods(reading.api, person)
        if methods is not None:
            found[person] = tuple(methods)
    return found


REGISTRATIONS: Final = Part(
    id="registered-methods",
    title="which authentication methods people have registered",
    read=_read_registrations,
    calls=(LIST_REGISTRATIONS, GET_REGISTRATION),
)


def _read_workloads(reading: Reading) -> Sequence[Workload]:
    wanted = reading.of(HOLDERS).keys() - reading.of(PEOPLE).keys() - {reading.api.tenant.responder_id.lower()}
    return [_workload(each) for each in list_by_ids(reading.api, LIST_SERVICE_PRINCIPALS, wanted, _WORKLOAD)]


def _workload(principal: Image) -> Workload:
    secrets = [
        each
        for name in ("passwordCredentials", "keyCredentials")
        for each in cast("list[Image]", principal.get(name) or [])
    ]
    return Workload(
        id=str(principal["id"]).lower(),
        name=str(principal.get("displayName") or principal["id"]),
        is_managed=str(principal.get("servicePrincipalType")).lower() == "managedidentity",
        secrets=tuple((_instant(each.get("startDateTime")), _instant(each.get("endDateTime"))) for each in secrets),
    )


WORKLOADS: Final = Part(
    id="workloads",
    kinds=EVERY_TENANT,
    title="the applications that hold roles",
    read=_read_workloads,
    calls=(LIST_SERVICE_PRINCIPALS,),
)


def _read_sorted(reading: Reading) -> Mapping[str, Category]:
    """Read what people said of accounts; what ended counts no more."""
    decisions = PostureStore(reading.runtime.storage, reading.api.tenant.id).decisions().sorted
    return {each: said.category for each, said in decisions.items() if said.category and said.counts(reading.now)}


SORTED: Final = Part(
    id="categories", kinds=EVERY_TENANT, title="which category people gave an account", read=_read_sorted
)

PARTS: Final = (PEOPLE, SIGN_INS, REGISTRATIONS, WORKLOADS, SORTED)


def categories(snapshot: Snapshot) -> Mapping[str, Category | None]:
    """Sort whoever holds or may activate a privileged role; None where only a person can say it.

    A person's account without a mailbox is for administration alone, or shared: that shows nowhere.
    """
    people, said = snapshot.of(PEOPLE), snapshot.of(SORTED)
    workloads = {each.id for each in snapshot.of(WORKLOADS)}
    found: dict[str, Category | None] = {}
    for each in snapshot.of(HOLDERS):
        person = people.get(each)
        if each in snapshot.settings.emergency_accounts:
            found[each] = Category.BREAK_GLASS
        elif each in said:
            found[each] = said[each]
        elif each in workloads or each == snapshot.tenant.responder_id.lower():
            found[each] = Category.AUTOMATION
        elif person is not None and (person.is_guest or person.is_microsoft_account):
            found[each] = Category.EXTERNAL
        else:
            found[each] = Category.DUAL_USE if person is not None and person.has_mailbox else None
    return found


def name_of(snapshot: Snapshot, principal: str) -> str:
    """Name who holds a role: a person, an application, or by the id whatever else does."""
    person = snapshot.of(PEOPLE).get(principal)
    if person is not None:
        return person.name
    return next((each.name for each in snapshot.of(WORKLOADS) if each.id == principal), principal)


def administrators(snapshot: Snapshot) -> list[Person]:
    """Give the accounts of people who hold or may activate a privileged role, without the emergency accounts."""
    people, holders = snapshot.of(PEOPLE), snapshot.of(HOLDERS)
    spared = snapshot.settings.emergency_accounts
    return [person for each, person in people.items() if each in holders and each not in spared]


def _sorted(snapshot: Snapshot) -> list[Finding]:
    found = categories(snapshot)
    unsorted = [each for each, category in found.items() if category is None]
    if unsorted:
        names = some_of(f"{name_of(snapshot, each)} {each}" for each in unsorted)
        return [failed(f"{of_all(unsorted, found)} accounts are for administration alone, or shared: {names}")]
    counted = Counter(category.value for category in found.values() if category is not None)
    return [ok(", ".join(f"{number} {name}" for name, number in sorted(counted.items())))]


def _none_is(what: str, is_it: Callable[[Person], bool]) -> Callable[[Snapshot], list[Finding]]:
    """Make a check that no account which holds a role is something; `what` says it of several."""

    def judge(snapshot: Snapshot) -> list[Finding]:
        every = administrators(snapshot)
        found = [person for person in every if is_it(person)]
        if not found:
            return [ok(f"none of {len(every):,} accounts that hold privileged roles {what}")]
        holders = snapshot.of(HOLDERS)
        names = some_of(f"{each.name} ({held_in_words(snapshot, holders[each.id])})" for each in found)
        return [failed(f"{of_all(found, every)} accounts that hold privileged roles {what}: {names}")]

    return judge


def _registered(snapshot: Snapshot) -> list[Finding]:
    registered = snapshot.of(REGISTRATIONS)
    every = [person for person in administrators(snapshot) if person.is_enabled]
    without = [each for each in every if not has_second_factor(registered.get(each.id, ()))]
    if without:
        names = some_of(each.name for each in without)
        return [failed(f"{of_all(without, every)} who hold privileged roles have no second factor: {names}")]
    return [ok(f"each of {len(every):,} who hold privileged roles has a second factor")]


def _needed(snapshot: Snapshot) -> list[Finding]:
    last, oldest = snapshot.of(SIGN_INS), snapshot.at - UNUSED_FOR
    every = [each for each in administrators(snapshot) if each.is_enabled and not _is_new(each, oldest)]
    if not every:
        return [not_applicable(f"nobody has held a privileged role for {UNUSED_FOR.days} days")]
    unused = [each for each in every if (last.get(each.id) or oldest) <= oldest]
    if unused:
        names = some_of(each.name for each in unused)
        said = (
            f"{of_all(unused, every)} who hold privileged roles haven't signed in for {UNUSED_FOR.days} days: {names}"
        )
        return [failed(said)]
    return [ok(f"each of {len(every):,} who hold privileged roles has signed in within {UNUSED_FOR.days} days")]


def _is_new(person: Person, oldest: datetime) -> bool:
    return person.created is not None and person.created > oldest


def _passwords(snapshot: Snapshot) -> list[Finding]:
    registered, oldest = snapshot.of(REGISTRATIONS), snapshot.at - PASSWORD_LASTS
    every = [each for each in administrators(snapshot) if not _is_passwordless(registered.get(each.id, ()))]
    if not every:
        return [not_applicable("whoever holds a privileged role signs in without a password")]
    old = [each for each in every if each.password_changed is None or each.password_changed < oldest]
    if old:
        names = some_of(each.name for each in old)
        return [warning(f"{of_all(old, every)} passwords are older than {PASSWORD_LASTS.days} days: {names}")]
    return [ok(f"none of {len(every):,} passwords is older than {PASSWORD_LASTS.days} days")]


_PASSWORDLESS: Final = frozenset(
    {
        "fido2SecurityKey",
        "microsoftAuthenticatorPasswordless",
        "passKeyDeviceBound",
        "passKeyDeviceBoundAuthenticator",
        "passKeyDeviceBoundWindowsHello",
        "passKeySynced",
        "windowsHelloForBusiness",
    }
)


def _is_passwordless(methods: Iterable[str]) -> bool:
    return not _PASSWORDLESS.isdisjoint(methods)


def _workloads(snapshot: Snapshot) -> list[Finding]:
    workloads = snapshot.of(WORKLOADS)
    if not workloads:
        return [not_applicable("no application holds a privileged role, beside the responder")]
    lasting = [each for each in workloads if any(_is_bad(*span, now=snapshot.at) for span in each.secrets)]
    names = some_of(f"{each.name}{' (managed identity)' if each.is_managed else ''}" for each in workloads)
    if lasting:
        bad = some_of(each.name for each in lasting)
        return [failed(f"secrets that are over, or last longer than a year: {bad}; all with roles: {names}")]
    return [ok(f"{len(workloads):,} hold privileged roles, with secrets of a year at most: {names}")]


def _is_bad(begin: datetime | None, end: datetime | None, *, now: datetime) -> bool:
    return begin is None or end is None or end - begin > SECRET_LASTS or end < now


def _just_in_time(snapshot: Snapshot) -> list[Finding]:
    assigned = snapshot.of(ASSIGNED)
    if assigned is None:
        return [failed("without PIM every role is held for good")]
    privileged = PRIVILEGED_ROLES | snapshot.of(CUSTOM_ROLES)
    spared = snapshot.settings.emergency_accounts | {snapshot.tenant.responder_id.lower()}
    lasting = [
        each for each in assigned if each.role in privileged and each.is_lasting and each.principal not in spared
    ]
    if not lasting:
        return [ok("nobody but the emergency accounts holds a privileged role for good")]
    names = [f"{name_of(snapshot, each.principal)} ({role_name(snapshot, each.role)})" for each in lasting]
    return [failed(f"{len(lasting):,} assignments have no end: {some_of(names)}")]


def _few_global(snapshot: Snapshot) -> list[Finding]:
    holders = snapshot.of(HOLDERS).values()
    found = [
        each.id
        for each in holders
        if GLOBAL_ADMINISTRATOR in each.roles and each.id not in snapshot.settings.emergency_accounts
    ]
    said = f"{len(found)} hold or may activate Global Administrator, beside the emergency accounts"
    if len(found) < _FEWEST_GLOBAL:
        return [failed(f"{said}: one who is away leaves the emergency accounts alone")]
    if len(found) > _MOST_GLOBAL:
        return [failed(f"{said}: {some_of(name_of(snapshot, each) for each in found)}")]
    return [ok(said)]


SOMEBODY: Final = "Somebody administers every tenant."

CHECKS: Final = (
    PostureCheck(
        id="privileged-accounts-categorised",
        kinds=EVERY_TENANT,
        stage=Stage.FIRST_DAYS,
        title="Of each account with a privileged role it is known what it is for",
        why="An account that nobody can place is taken over unnoticed.",
        passages=(11, 13, 15, 23, 70),
        parts=(HOLDERS, PEOPLE, WORKLOADS, SORTED),
        always_applies=SOMEBODY,
        cure="`responder posture sort OBJECT_ID admin-only --reason TEXT`, or shared, for each that is named.",
        run=_sorted,
    ),
    PostureCheck(
        id="privileged-roles-mfa-registered",
        stage=Stage.FIRST_DAYS,
        title="Whoever holds a privileged role has a second factor",
        why="Who has none is let in by a password, or registers the attacker's own when asked.",
        passages=(20, 21, 28),
        parts=(HOLDERS, PEOPLE, REGISTRATIONS),
        always_applies=SOMEBODY,
        cure="Have each register at https://aka.ms/mysecurityinfo, best a FIDO2 key; Microsoft's report is a day old.",
        run=_registered,
    ),
    PostureCheck(
        id="unneeded-admins-removed",
        stage=Stage.FIRST_DAYS,
        title="Whoever holds a privileged role still uses it",
        why="Nobody notices when an account that nobody uses is stolen.",
        passages=(14, 30, 36, 45),
        parts=(HOLDERS, PEOPLE, SIGN_INS),
        cure="Ask each, and take the role away: Graph gives when somebody signed in since December 2023.",
        run=_needed,
    ),
    PostureCheck(
        id="no-microsoft-accounts-in-roles",
        kinds=EVERY_TENANT,
        stage=Stage.WEEKS,
        title="No Microsoft account of a person holds a privileged role",
        why="Its password, MFA and recovery are the person's own: the tenant can neither ask for more nor reset it.",
        passages=(31, 54),
        parts=(HOLDERS, PEOPLE, ROLE_NAMES),
        always_applies=SOMEBODY,
        cure="Give the role to an account of the tenant, and take it from the other one.",
        run=_none_is("are Microsoft accounts", lambda person: person.is_microsoft_account),
    ),
    PostureCheck(
        id="no-consumers-in-roles",
        kinds=frozenset({TenantKind.B2C}),
        stage=Stage.FIRST_DAYS,
        title="No customer's account holds a privileged role",
        why="Whoever registers as a customer, or steals such an account, administers the tenant of all customers.",
        passages=(15, 31),
        parts=(HOLDERS, PEOPLE, ROLE_NAMES),
        always_applies=SOMEBODY,
        cure="Give the role to a work account of the B2C tenant or a guest, and take it from the customer's account.",
        run=_none_is("are customers'", lambda person: person.is_consumer),
    ),
    PostureCheck(
        id="no-guests-in-roles",
        stage=Stage.WEEKS,
        title="No guest holds a privileged role",
        why="Whoever steals the account in its home tenant has the role here.",
        passages=(15, 31),
        parts=(HOLDERS, PEOPLE, ROLE_NAMES),
        always_applies=SOMEBODY,
        cure="Give the role to an account of the tenant, and take it from the guest.",
        run=_none_is("are guests", lambda person: person.is_guest),
    ),
    PostureCheck(
        id="dedicated-admin-accounts",
        stage=Stage.WEEKS,
        title="Accounts that hold privileged roles have no mailbox",
        why="A link in a mail is opened with the role.",
        passages=(32, 33, 50),
        parts=(HOLDERS, PEOPLE, ROLE_NAMES),
        always_applies=SOMEBODY,
        cure="Give each administrator a second account without a mailbox licence, and the role to that one.",
        run=_none_is("have a mailbox", lambda person: person.has_mailbox),
    ),
    PostureCheck(
        id="admin-passwords-recent",
        stage=Stage.WEEKS,
        title="Administrators who sign in by a password have changed it within 90 days",
        why="The guide asks for it; Microsoft's newer advice is to sign in without a password instead.",
        passages=(35, 37),
        parts=(HOLDERS, PEOPLE, REGISTRATIONS),
        cure="Have them register a FIDO2 key or Windows Hello, or else change the password.",
        run=_passwords,
    ),
    PostureCheck(
        id="no-synced-accounts-in-roles",
        kinds=EVERY_TENANT,
        stage=Stage.MONTHS,
        title="No account that is synchronized from on-premises holds a privileged role",
        why="Whoever owns Active Directory sets its password, and owns the tenant.",
        passages=(19, 118),
        parts=(HOLDERS, PEOPLE, ROLE_NAMES),
        always_applies="Somebody administers every tenant, and any account could be synchronized.",
        cure="Give the role to an account that was made in the cloud, and take it from the other one.",
        run=_none_is("are synchronized", lambda person: person.is_synced),
    ),
    PostureCheck(
        id="service-principals-in-roles-known",
        kinds=EVERY_TENANT,
        stage=Stage.MONTHS,
        title="Applications that hold privileged roles have short secrets",
        why="A secret of years that leaked once is a way in for years.",
        passages=(30,),
        parts=(HOLDERS, PEOPLE, WORKLOADS),
        cure="Use a managed identity or a federated credential, else secrets that end within a year.",
        run=_workloads,
    ),
    PostureCheck(
        id="privileged-roles-just-in-time",
        stage=Stage.MONTHS,
        title="Privileged roles are activated when they are needed, and not held for good",
        why="A role that is held for good is there for whoever gets the account, at any hour.",
        passages=(61, 66, 93),
        parts=(ASSIGNED, CUSTOM_ROLES, ROLE_NAMES, PEOPLE, WORKLOADS),
        always_applies=SOMEBODY,
        cure="In PIM, make each assignment eligible, or give it an end. The emergency accounts keep theirs.",
        run=_just_in_time,
    ),
    PostureCheck(
        id="few-global-administrators",
        kinds=EVERY_TENANT,
        stage=Stage.HALF_A_YEAR,
        title="Two to four people can be Global Administrator",
        why="Each more is an account whose theft costs the tenant.",
        passages=(13, 62, 95),
        parts=(HOLDERS, PEOPLE, WORKLOADS),
        always_applies=SOMEBODY,
        cure="Give those who can do with less another role: `responder roster privileged-accounts` lists them.",
        run=_few_global,
    ),
)
