"""Fields."""

from shared.detect.fields import audit_fields, listed_fields
from shared.detect.prefilter import of_ids, of_properties, of_settings
from shared.model.conditions import Text, by_profile
from shared.model.events import AuditEvent, fold


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
        "role_level", audit_fields.role_level, prefilter=of_properties("templateid", "roledefinitionoriginid")
    )
    permission_level: Text[AuditEvent] = Text(
        "permission_level",
        audit_fields.permission_level,
        prefilter=of_properties("approle.value", "delegatedpermissiongrant.scope"),
    )
    consent_type: Text[AuditEvent] = Text(
        "consent_type", audit_fields.consent_type, prefilter=of_properties("delegatedpermissiongrant.consenttype")
    )
    api: Text[AuditEvent] = Text("api", audit_fields.api, prefilter=of_properties("targetid.serviceprincipalnames"))
    added_credential: Text[AuditEvent] = Text(
        "added_credential",
        audit_fields.added_credential,
        prefilter=of_properties("keydescription", "federatedidentitycredentials"),
    )
    service_principal_type: Text[AuditEvent] = Text("service_principal_type", audit_fields.service_principal_type)
    identifier_uri: Text[AuditEvent] = Text(
        "identifier_uri",
        audit_fields.identifier_uri,
        prefilter=of_properties("appidentifieruri", "serviceprincipalname"),
    )
    account_change: Text[AuditEvent] = Text("account_change", audit_fields.account_change)
    redirect_problem: Text[AuditEvent] = by_profile(
        "redirect_problem",
        audit_fields.redirect_problem,
        "owned_domains",
        "shared_domains",
        prefilter=of_properties("appaddress"),
    )
    logout_url: Text[AuditEvent] = by_profile("logout_url", audit_fields.logout_url, "logout_properties")
    actor_service: Text[AuditEvent] = by_profile(
        "actor_service", audit_fields.actor_service, "cpim_ids", "managed_identity_ids"
    )
    account_fault: Text[AuditEvent] = by_profile(
        "account_fault",
        audit_fields.account_fault,
        "account_attributes",
        prefilter=of_settings(lambda profile: profile.account_attributes, "missing", "pattern"),
    )
    tenant: Text[AuditEvent] = by_profile(
        "tenant",
        audit_fields.tenant,
        "consumer_tenants",
        prefilter=of_ids("consumer", lambda profile: profile.consumer_tenants),
    )
    target_account: Text[AuditEvent] = by_profile(
        "target_account",
        audit_fields.target_account,
        "emergency_accounts",
        prefilter=of_ids("emergency", lambda profile: profile.emergency_accounts),
    )
    target_level: Text[AuditEvent] = by_profile(
        "target_level",
        audit_fields.target_level,
        "privileged_accounts",
        "privileged_known_in",
        prefilter=of_ids("privileged", lambda profile: profile.privileged_accounts),
    )
    group_level: Text[AuditEvent] = by_profile(
        "group_level",
        audit_fields.group_level,
        "groups_known_in",
        "role_assignable_groups",
        prefilter=of_ids("role-assignable", lambda profile: profile.role_assignable_groups),
    )
    emergency_reach: Text[AuditEvent] = by_profile(
        "emergency_reach",
        audit_fields.emergency_reach,
        "emergency_accounts",
        "emergency_groups",
        prefilter=of_properties("conditionalaccesspolicy"),
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
