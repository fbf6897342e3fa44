"""Conditions as data: a small tree over named text fields, read here by `predicate` and indexed by `required`.

Every field is text and absent means "", so no null rules are needed. Names are folded on both sides (`events.fold`),
ids are lower-cased; comparison is then exact.
"""

from collections.abc import Callable
from typing import assert_never

from msgspec import Struct

from shared.detect.fields import audit_fields, listed_fields, other_fields, sign_in_fields
from shared.detect.prefilter import Traces, of_ids, of_itself, of_properties, of_words
from shared.model.events import AuditEvent, ResourceEvent, SignInEvent, fold, fold_whole
from shared.model.profile import DEFAULT, TenantProfile


class Text[E](Struct, frozen=True):
    """A text field of an event. `read` gives it folded.

    `read_with` is there where it depends on the installation's vocabulary, of whose fields `words` are the names;
    `read` is then with the default one. `traces` gives what a record must hold for a value (see `traces`), where that
    is known.
    """

    name: str
    read: Callable[[E], str]
    read_with: Callable[[E, TenantProfile], str] | None = None
    words: tuple[str, ...] = ()
    traces: Traces | None = None

    def reader(self, profile: TenantProfile) -> Callable[[E], str]:
        """Give `read`, with this vocabulary where one is needed."""
        read_with = self.read_with
        return self.read if read_with is None else lambda event: read_with(event, profile)

    def is_(self, value: str) -> "Is[E]":
        """The field equals `value`, both folded."""
        return Is(self, fold(value))

    def one_of(self, *values: str) -> "OneOf[E]":
        """The field equals one of `values`, all folded."""
        return OneOf(self, frozenset(map(fold, values)))

    def starts_with(self, prefix: str) -> "StartsWith[E]":
        """The field starts with `prefix`, both folded."""
        return StartsWith(self, fold(prefix))

    def ends_with(self, suffix: str) -> "EndsWith[E]":
        """The field ends with `suffix`, both folded."""
        return EndsWith(self, fold(suffix))

    def contains(self, part: str) -> "Contains[E]":
        """The field holds `part`, both folded."""
        return Contains(self, fold(part))


class Is[E](Struct, frozen=True):
    """Equality with one value."""

    field: Text[E]
    value: str


class OneOf[E](Struct, frozen=True):
    """Equality with one of several values."""

    field: Text[E]
    values: frozenset[str]


class StartsWith[E](Struct, frozen=True):
    """A common beginning."""

    field: Text[E]
    prefix: str


class EndsWith[E](Struct, frozen=True):
    """A common ending."""

    field: Text[E]
    suffix: str


class Contains[E](Struct, frozen=True):
    """A part, anywhere in it."""

    field: Text[E]
    part: str


class All[E](Struct, frozen=True):
    """Every term holds; true when there is none."""

    terms: tuple["Condition[E]", ...]


class AnyOf[E](Struct, frozen=True):
    """At least one term holds; false when there is none."""

    terms: tuple["Condition[E]", ...]


class Not[E](Struct, frozen=True):
    """The term doesn't hold."""

    term: "Condition[E]"


type Comparison[E] = Is[E] | OneOf[E] | StartsWith[E] | EndsWith[E] | Contains[E]
type Condition[E] = Comparison[E] | All[E] | AnyOf[E] | Not[E]


def all_of[E](*terms: Condition[E]) -> All[E]:
    """Every one of `terms`."""
    return All(terms)


def any_of[E](*terms: Condition[E]) -> AnyOf[E]:
    """At least one of `terms`."""
    return AnyOf(terms)


def predicate[E](condition: Condition[E], profile: TenantProfile = DEFAULT) -> Callable[[E], bool]:
    """Give a function that says whether an event meets `condition`, with `vocabulary` in each field that needs one.

    The tree is walked once, here: most records of a tenant are tried against two or three conditions.
    """
    match condition:
        case All(terms):
            return _every(tuple(predicate(term, profile) for term in terms))
        case AnyOf(terms):
            return _some(tuple(predicate(term, profile) for term in terms))
        case Not(term):
            holding = predicate(term, profile)
            return lambda event: not holding(event)
        case comparison:
            return _compared(comparison, comparison.field.reader(profile))


def _compared[E](comparison: Comparison[E], read: Callable[[E], str]) -> Callable[[E], bool]:
    match comparison:
        case Is(_, value):
            return lambda event: read(event) == value
        case OneOf(_, values):
            return lambda event: read(event) in values
        case StartsWith(_, prefix):
            return lambda event: read(event).startswith(prefix)
        case EndsWith(_, suffix):
            return lambda event: read(event).endswith(suffix)
        case Contains(_, part):
            return lambda event: part in read(event)
        case _:
            assert_never(comparison)


def _every[E](terms: tuple[Callable[[E], bool], ...]) -> Callable[[E], bool]:
    def every(event: E) -> bool:
        for term in terms:  # noqa: SIM110 - a generator would cost as much as the terms
            if not term(event):
                return False
        return True

    return every


def _some[E](terms: tuple[Callable[[E], bool], ...]) -> Callable[[E], bool]:
    def some(event: E) -> bool:
        for term in terms:  # noqa: SIM110 - as above
            if term(event):
                return True
        return False

    return some


def holds[E](condition: Condition[E], event: E, profile: TenantProfile = DEFAULT) -> bool:
    """Say whether `event` meets `condition`; for one that is asked again, `predicate` is faster."""
    return predicate(condition, profile)(event)


def required[E](condition: Condition[E], field: Text[E]) -> frozenset[str] | None:
    """Give the values of `field` outside which `condition` can't hold; None where it could hold for any.

    The index of `match` is built from this, so an answer may be too wide but never too narrow.
    """
    match condition:
        case Is(read, value):
            return frozenset({value}) if read == field else None
        case OneOf(read, values):
            return values if read == field else None
        case StartsWith() | EndsWith() | Contains() | Not():
            return None
        case All(terms):
            known = [values for term in terms if (values := required(term, field)) is not None]
            return frozenset[str].intersection(*known) if known else None
        case AnyOf(terms):
            each = [required(term, field) for term in terms]
            known = [values for values in each if values is not None]
            return frozenset[str]().union(*known) if len(known) == len(each) else None
        case _:
            assert_never(condition)


def needed[E](condition: Condition[E], profile: TenantProfile) -> tuple[frozenset[str], ...]:
    """Give sets of traces: a record that lacks all of one of them can't meet `condition`.

    `match` builds no event of such a record, so an answer may be too wide but never too narrow.
    """
    match condition:
        case Is(field, value):
            return _traces_of(field, frozenset({value}), profile)
        case OneOf(field, values):
            return _traces_of(field, values, profile)
        case StartsWith() | EndsWith() | Contains() | Not():
            return ()
        case All(terms):
            return tuple(traces for term in terms for traces in needed(term, profile))
        case AnyOf(terms):
            smallest = [min(needed(term, profile), key=len, default=None) for term in terms]
            known = [traces for traces in smallest if traces is not None]
            return (frozenset[str]().union(*known),) if len(known) == len(smallest) else ()
        case _:
            assert_never(condition)


def _traces_of[E](field: Text[E], values: frozenset[str], profile: TenantProfile) -> tuple[frozenset[str], ...]:
    each = [field.traces(profile, value) if field.traces else None for value in values]
    known = [traces for traces in each if traces is not None]
    return (frozenset[str]().union(*known),) if len(known) == len(each) else ()


def fields_of[E](condition: Condition[E]) -> frozenset[Text[E]]:
    """Give every field that the condition reads."""
    match condition:
        case Is(field) | OneOf(field) | StartsWith(field) | EndsWith(field) | Contains(field):
            return frozenset({field})
        case All(terms) | AnyOf(terms):
            return frozenset[Text[E]]().union(*map(fields_of, terms))
        case Not(term):
            return fields_of(term)
        case _:
            assert_never(condition)


def _told_by[E](
    name: str, read_with: Callable[[E, TenantProfile], str], *words: str, traces: Traces | None = None
) -> Text[E]:
    """Make a field that is computed with the vocabulary."""
    return Text(name, lambda event: read_with(event, DEFAULT), read_with, words, traces)


class Audit:
    """The fields of an `AuditEvent` that a condition may read.

    Those computed are explained in `audit_fields`, those that hold several values in `listed_fields`.
    """

    activity: Text[AuditEvent] = Text("activity", lambda event: fold(event.activity))
    category: Text[AuditEvent] = Text("category", lambda event: fold(event.category))
    service: Text[AuditEvent] = Text("service", lambda event: fold(event.service))
    outcome: Text[AuditEvent] = Text("outcome", lambda event: event.outcome)
    reason: Text[AuditEvent] = Text("reason", lambda event: fold(event.reason))
    actor: Text[AuditEvent] = Text("actor", lambda event: event.actor.id)
    actor_label: Text[AuditEvent] = Text("actor_label", lambda event: fold(event.actor.name))
    address: Text[AuditEvent] = Text("address", lambda event: fold(event.actor.address))
    target: Text[AuditEvent] = Text("target", lambda event: event.target.id)
    target_kind: Text[AuditEvent] = Text("target_kind", lambda event: fold(event.target.kind))
    principal: Text[AuditEvent] = Text("principal", audit_fields.principal)
    principal_kind: Text[AuditEvent] = Text("principal_kind", audit_fields.principal_kind)
    actor_kind: Text[AuditEvent] = Text("actor_kind", lambda event: fold(event.actor.kind))
    actor_is_target: Text[AuditEvent] = Text("actor_is_target", audit_fields.actor_is_target)
    role_level: Text[AuditEvent] = Text(
        "role_level", audit_fields.role_level, traces=of_properties("templateid", "roledefinitionoriginid")
    )
    permission_level: Text[AuditEvent] = Text(
        "permission_level",
        audit_fields.permission_level,
        traces=of_properties("approle.value", "delegatedpermissiongrant.scope"),
    )
    consent_type: Text[AuditEvent] = Text(
        "consent_type", audit_fields.consent_type, traces=of_properties("delegatedpermissiongrant.consenttype")
    )
    api: Text[AuditEvent] = Text("api", audit_fields.api, traces=of_properties("targetid.serviceprincipalnames"))
    added_credential: Text[AuditEvent] = Text(
        "added_credential",
        audit_fields.added_credential,
        traces=of_properties("keydescription", "federatedidentitycredentials"),
    )
    service_principal_type: Text[AuditEvent] = Text("service_principal_type", audit_fields.service_principal_type)
    identifier_uri: Text[AuditEvent] = Text(
        "identifier_uri",
        audit_fields.identifier_uri,
        traces=of_properties("appidentifieruri", "serviceprincipalname"),
    )
    account_change: Text[AuditEvent] = Text("account_change", audit_fields.account_change)
    redirect_problem: Text[AuditEvent] = _told_by(
        "redirect_problem",
        audit_fields.redirect_problem,
        "owned_domains",
        "shared_domains",
        traces=of_properties("appaddress"),
    )
    logout_url: Text[AuditEvent] = _told_by("logout_url", audit_fields.logout_url, "logout_properties")
    actor_service: Text[AuditEvent] = _told_by(
        "actor_service", audit_fields.actor_service, "cpim_ids", "managed_identity_ids"
    )
    account_fault: Text[AuditEvent] = _told_by(
        "account_fault",
        audit_fields.account_fault,
        "account_attributes",
        traces=of_words(lambda words: words.account_attributes, "missing", "pattern"),
    )
    tenant: Text[AuditEvent] = _told_by(
        "tenant",
        audit_fields.tenant,
        "consumer_tenants",
        traces=of_ids("consumer", lambda words: words.consumer_tenants),
    )
    target_account: Text[AuditEvent] = _told_by(
        "target_account",
        audit_fields.target_account,
        "emergency_accounts",
        traces=of_ids("emergency", lambda words: words.emergency_accounts),
    )
    target_level: Text[AuditEvent] = _told_by(
        "target_level",
        audit_fields.target_level,
        "privileged_accounts",
        "privileged_known_in",
        traces=of_ids("privileged", lambda words: words.privileged_accounts),
    )
    group_level: Text[AuditEvent] = _told_by(
        "group_level",
        audit_fields.group_level,
        "groups_known_in",
        "role_assignable_groups",
        traces=of_ids("role-assignable", lambda words: words.role_assignable_groups),
    )
    emergency_reach: Text[AuditEvent] = _told_by(
        "emergency_reach",
        audit_fields.emergency_reach,
        "emergency_accounts",
        "emergency_groups",
        traces=of_properties("conditionalaccesspolicy"),
    )
    target_ids: Text[AuditEvent] = Text("target_ids", listed_fields.target_ids)
    target_names: Text[AuditEvent] = Text("target_names", listed_fields.target_names)
    target_upns: Text[AuditEvent] = Text("target_upns", listed_fields.target_upns)
    target_kinds: Text[AuditEvent] = Text("target_kinds", listed_fields.target_kinds)
    changed_properties: Text[AuditEvent] = Text("changed_properties", listed_fields.changed_properties)
    old_values: Text[AuditEvent] = Text("old_values", listed_fields.old_values)
    new_values: Text[AuditEvent] = Text("new_values", listed_fields.new_values)
    set_properties: Text[AuditEvent] = Text("set_properties", listed_fields.set_properties)
    details: Text[AuditEvent] = Text("details", listed_fields.details)


class SignIn:
    """The fields of a `SignInEvent` that a condition may read. Those computed are explained in `sign_in_fields`."""

    error_code: Text[SignInEvent] = Text("error_code", lambda event: event.error_code)
    failure_reason: Text[SignInEvent] = Text("failure_reason", lambda event: fold(event.failure_reason))
    account: Text[SignInEvent] = Text("account", lambda event: event.actor.id)
    account_label: Text[SignInEvent] = Text("account_label", lambda event: fold(event.actor.name))
    address: Text[SignInEvent] = Text("address", lambda event: fold(event.actor.address))
    country: Text[SignInEvent] = Text("country", lambda event: fold(event.country))
    protocol: Text[SignInEvent] = Text("protocol", lambda event: fold(event.authentication_protocol), traces=of_itself)
    app_id: Text[SignInEvent] = Text("app_id", lambda event: event.app_id)
    app_name: Text[SignInEvent] = Text("app_name", lambda event: fold(event.app_name))
    identity: Text[SignInEvent] = Text("identity", sign_in_fields.identity)
    mfa_answer: Text[SignInEvent] = Text("mfa_answer", sign_in_fields.mfa_answer)
    app_set: Text[SignInEvent] = _told_by("app_set", sign_in_fields.app_set, "consumer_apps")
    tenant: Text[SignInEvent] = _told_by(
        "tenant",
        sign_in_fields.tenant,
        "consumer_tenants",
        traces=of_ids("consumer", lambda words: words.consumer_tenants),
    )
    account_level: Text[SignInEvent] = _told_by(
        "account_level",
        sign_in_fields.account_level,
        "privileged_accounts",
        "privileged_known_in",
        traces=of_ids("privileged", lambda words: words.privileged_accounts),
    )
    account_kind: Text[SignInEvent] = _told_by(
        "account_kind",
        sign_in_fields.account_kind,
        "emergency_accounts",
        traces=of_ids("emergency", lambda words: words.emergency_accounts),
    )
    account_set: Text[SignInEvent] = _told_by(
        "account_set",
        sign_in_fields.account_set,
        "vip_accounts",
        traces=of_ids("vip", lambda words: words.vip_accounts),
    )
    result: Text[SignInEvent] = _told_by("result", sign_in_fields.result, "interrupts")
    abroad: Text[SignInEvent] = _told_by(
        "abroad",
        sign_in_fields.abroad,
        "allowed_countries",
        traces=of_words(lambda words: words.allowed_countries, "home", "foreign"),
    )
    beyond_controls: Text[SignInEvent] = _told_by(
        "beyond_controls",
        sign_in_fields.beyond_controls,
        "privileged_countries",
        "privileged_networks",
        "privileged_browsers",
        "privileged_operating_systems",
    )
    interactive: Text[SignInEvent] = Text("interactive", lambda event: event.interactive)
    hours: Text[SignInEvent] = _told_by(
        "hours",
        sign_in_fields.hours,
        "working_hours",
        traces=of_words(lambda words: words.working_hours, "inside", "outside"),
    )
    resource_name: Text[SignInEvent] = Text("resource_name", lambda event: fold(event.resource_name))
    client_app: Text[SignInEvent] = Text("client_app", lambda event: fold(event.client_app), traces=of_itself)
    conditional_access: Text[SignInEvent] = Text("conditional_access", lambda event: fold(event.conditional_access))
    requirement: Text[SignInEvent] = Text("requirement", lambda event: fold(event.requirement))
    user_agent: Text[SignInEvent] = Text("user_agent", lambda event: fold(event.user_agent))
    browser: Text[SignInEvent] = Text("browser", lambda event: fold(event.browser))
    operating_system: Text[SignInEvent] = Text("operating_system", lambda event: fold(event.operating_system))
    device: Text[SignInEvent] = Text("device", lambda event: event.device.id)
    device_name: Text[SignInEvent] = Text("device_name", lambda event: fold(event.device.name))
    device_trust: Text[SignInEvent] = Text("device_trust", lambda event: fold(event.device.trust))
    device_compliant: Text[SignInEvent] = Text("device_compliant", lambda event: event.device.compliant)
    device_managed: Text[SignInEvent] = Text("device_managed", lambda event: event.device.managed)
    risk_state: Text[SignInEvent] = Text("risk_state", lambda event: fold(event.risk_state))
    risk_level: Text[SignInEvent] = Text("risk_level", lambda event: fold(event.risk_level))
    crossing: Text[SignInEvent] = Text("crossing", lambda event: fold(event.crossing))
    home_tenant: Text[SignInEvent] = Text("home_tenant", lambda event: event.home_tenant_id)
    resource_tenant: Text[SignInEvent] = Text("resource_tenant", lambda event: event.resource_tenant_id)


class Resource:
    """The fields of a `ResourceEvent` that a condition may read."""

    operation: Text[ResourceEvent] = Text("operation", lambda event: fold(event.operation))
    outcome: Text[ResourceEvent] = Text("outcome", lambda event: event.outcome)
    provider: Text[ResourceEvent] = Text("provider", lambda event: fold(event.operation).partition("/")[0])
    resource: Text[ResourceEvent] = Text("resource", lambda event: fold_whole(event.resource_id))
    subscription: Text[ResourceEvent] = Text("subscription", lambda event: event.subscription_id)
    caller: Text[ResourceEvent] = Text("caller", lambda event: fold(event.actor.name))
    address: Text[ResourceEvent] = Text("address", lambda event: fold(event.actor.address))
    site: Text[ResourceEvent] = _told_by("site", other_fields.site, "own_site")
