"""The worlds of `ca_worlds` as the engine takes them."""

from typing import Any

from shared.conditional_access.account import Kind, Memberships, Principal, groups_of
from shared.conditional_access.device_filter import Device
from shared.conditional_access.locations import Network, read_location
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import BaselineRule, Request
from shared.conditional_access.truth import Truth
from tests.fakes.ca_worlds import USERS, World


def account_of(made: World, kind: str) -> Principal:
    return Principal(
        id=USERS[0],
        kind=Kind(kind.lower()),
        home_tenant="home",
        groups=groups_of(
            USERS[0], {name: None if ids is None else frozenset(ids) for name, ids in made.members.items()}
        ),
        roles=Memberships(held=frozenset(made.roles)),
        enabled=Truth.YES,
        key_allowed=Truth.YES,
    )


def tenant_of(made: World) -> Tenant:
    return Tenant(
        locations={image["id"]: read_location(image) for image in made.locations},
        mfa_trusted_ips=None if made.trusted_ips_unread else frozenset(),
        baseline=BaselineRule(made.baseline),
    )


def sign_in_of(made: World, facts: dict[str, Any]) -> SignIn:
    device = Device(
        registered=Truth.YES if facts["registered"] else Truth.NO, attributes={"iscompliant": facts["compliant"]}
    )
    platform = facts["platform"]
    return SignIn(
        principal=account_of(made, facts["kind"]),
        request=Request(
            resource=facts["resource"],
            scopes=frozenset(facts["scopes"]),
            user_action=facts["action"],
            contexts=frozenset(facts["contexts"]),
        ),
        client_type=facts["client"].lower(),
        platform=None if platform is None else platform.lower(),
        network=Network(
            address=facts["address"],
            country=facts["country"],
            in_mfa_trusted_ips=Truth.UNKNOWN if made.trusted_ips_unread else Truth.NO,
        ),
        device=device,
        sign_in_risk=facts["sign_in_risk"],
        user_risk=facts["user_risk"],
        insider_risk=facts["insider_risk"],
        flow=facts["flow"].lower(),
    )
