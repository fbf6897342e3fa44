"""Fields."""

from shared.detect.fields import sign_in_fields
from shared.detect.prefilter import of_ids, of_itself, of_settings
from shared.model.conditions import Text, by_profile
from shared.model.events import SignInEvent, fold


class SignIn:
    """The fields of a `SignInEvent` that a condition may read. Those computed are explained in `sign_in_fields`."""

    error_code: Text[SignInEvent] = Text("error_code", lambda event: event.error_code)
    failure_reason: Text[SignInEvent] = Text("failure_reason", lambda event: fold(event.failure_reason))
    account: Text[SignInEvent] = Text("account", lambda event: event.actor.id)
    account_label: Text[SignInEvent] = Text("account_label", lambda event: fold(event.actor.name))
    address: Text[SignInEvent] = Text("address", lambda event: fold(event.actor.address))
    country: Text[SignInEvent] = Text("country", lambda event: fold(event.country))
    protocol: Text[SignInEvent] = Text(
        "protocol", lambda event: fold(event.authentication_protocol), prefilter=of_itself
    )
    app_id: Text[SignInEvent] = Text("app_id", lambda event: event.app_id)
    app_name: Text[SignInEvent] = Text("app_name", lambda event: fold(event.app_name))
    identity: Text[SignInEvent] = Text("identity", sign_in_fields.identity)
    mfa_answer: Text[SignInEvent] = Text("mfa_answer", sign_in_fields.mfa_answer)
    app_set: Text[SignInEvent] = by_profile("app_set", sign_in_fields.app_set, "consumer_apps")
    tenant: Text[SignInEvent] = by_profile(
        "tenant",
        sign_in_fields.tenant,
        "consumer_tenants",
        prefilter=of_ids("consumer", lambda profile: profile.consumer_tenants),
    )
    account_level: Text[SignInEvent] = by_profile(
        "account_level",
        sign_in_fields.account_level,
        "privileged_accounts",
        "privileged_known_in",
        prefilter=of_ids("privileged", lambda profile: profile.privileged_accounts),
    )
    account_kind: Text[SignInEvent] = by_profile(
        "account_kind",
        sign_in_fields.account_kind,
        "emergency_accounts",
        prefilter=of_ids("emergency", lambda profile: profile.emergency_accounts),
    )
    account_set: Text[SignInEvent] = by_profile(
        "account_set",
        sign_in_fields.account_set,
        "vip_accounts",
        prefilter=of_ids("vip", lambda profile: profile.vip_accounts),
    )
    result: Text[SignInEvent] = by_profile("result", sign_in_fields.result, "interrupts")
    abroad: Text[SignInEvent] = by_profile(
        "abroad",
        sign_in_fields.abroad,
        "allowed_countries",
        prefilter=of_settings(lambda profile: profile.allowed_countries, "home", "foreign"),
    )
    beyond_controls: Text[SignInEvent] = by_profile(
        "beyond_controls",
        sign_in_fields.beyond_controls,
        "privileged_countries",
        "privileged_networks",
        "privileged_browsers",
        "privileged_operating_systems",
    )
    interactive: Text[SignInEvent] = Text("interactive", lambda event: event.interactive)
    hours: Text[SignInEvent] = by_profile(
        "hours",
        sign_in_fields.hours,
        "working_hours",
        prefilter=of_settings(lambda profile: profile.working_hours, "inside", "outside"),
    )
    resource_name: Text[SignInEvent] = Text("resource_name", lambda event: fold(event.resource_name))
    client_app: Text[SignInEvent] = Text("client_app", lambda event: fold(event.client_app), prefilter=of_itself)
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
