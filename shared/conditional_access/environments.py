"""Everything about a sign-in that an account doesn't choose: platform, network and risks, enumerated as bits.

A condition on one of them is a mask over all combinations; where a policy applies is the `and` of its masks.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from shared.conditional_access.conditions import (
    INSIDER_RISKS,
    PLATFORMS,
    RISKS,
    Platforms,
    Words,
    any_risk,
    platform_meant,
    risk_meant,
)
from shared.conditional_access.locations import Locations, Network, located, place_of
from shared.conditional_access.networks import networks_of
from shared.conditional_access.policy import Policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.truth import YES, Answer, Truth, every, some, unknown

_MOST_NETWORKS: Final = 512

type _Located = tuple[Locations | Unread | None, int]
"""A condition on locations, and the version of the tenant whose locations are meant."""


class Region(Struct, frozen=True, kw_only=True):
    """Where a policy applies, over all environments; `surely` and `possibly` are masks, what is sure is possible."""

    surely: int
    possibly: int
    reach: Answer
    """Whether it applies in some environment."""
    needs: tuple[str, ...]
    """The facts that have to be so for it to apply, in words."""
    under_risk_only: bool


class Environment(Struct, frozen=True, kw_only=True):
    """One environment, and which of its facts aren't the usual ones, by name."""

    platform: str
    network: Network
    sign_in_risk: str
    user_risk: str
    insider_risk: str
    changed: frozenset[str]


PLATFORM: Final = "platform"
NETWORK: Final = "network"
SIGN_IN_RISK: Final = "sign-in risk"
USER_RISK: Final = "user risk"
INSIDER_RISK: Final = "insider risk"
_USUAL_PLATFORM: Final = "windows"
_NO_RISK: Final = "none"


class Environments:
    """The environments that a set of policies can distinguish, under one tenant or several versions of it."""

    def __init__(self, policies: Iterable[Policy], tenants: Sequence[Tenant]) -> None:
        listed = [*policies]
        placed = any(policy.locations is not None for policy in listed)
        networks = networks_of(tenants if placed else [Tenant(mfa_trusted_ips=frozenset())] * len(tenants))
        places = [
            [place_of(network, tenant.locations) for network in seen]
            for seen, tenant in zip(networks.by_tenant, tenants, strict=True)
        ]

        def located_at(condition: _Located, number: int) -> Answer:
            locations, version = condition
            return located(locations, places[version][number])

        self._networks = networks.by_tenant[0]
        self._platform = _Fact(PLATFORM, PLATFORMS, platform_meant, {policy.platforms for policy in listed})
        self._network = _Fact(
            NETWORK,
            range(len(places[0])),
            located_at,
            {(policy.locations, version) for policy in listed for version in range(len(tenants))},
        )
        self._risks = (
            _Fact(SIGN_IN_RISK, RISKS, _risk, {policy.sign_in_risks for policy in listed}),
            _Fact(USER_RISK, RISKS, _risk, {policy.user_risks for policy in listed}),
            _Fact(INSIDER_RISK, INSIDER_RISKS, _risk, {policy.insider_risks for policy in listed}),
        )
        self._all_networks = networks.complete
        self.complete: Final = networks.complete and len(self._network.kept) <= _MOST_NETWORKS
        """Whether all environments are enumerated; some are left out where there are too many networks."""
        del self._network.kept[_MOST_NETWORKS:]
        facts = (self._platform, self._network, *self._risks)
        count = 1
        for fact in facts:
            count *= len(fact.kept)
        self.all: Final = (1 << count) - 1
        stride = 1
        for fact in facts:
            fact.lay_out(stride, count)
            stride *= len(fact.kept)
        self._regions: dict[Hashable, Region] = {}

    def region(self, policy: Policy, version: int) -> Region:
        """Find where a policy applies, with the version of the tenant at this place of the list."""
        risks = (policy.sign_in_risks, policy.user_risks, policy.insider_risks)
        key = (policy.platforms, policy.locations, version, risks)
        if key not in self._regions:
            self._regions[key] = self._found(policy.platforms, (policy.locations, version), risks)
        return self._regions[key]

    def nearest(self, mask: int, *, as_usual: frozenset[str] = frozenset()) -> Environment | None:
        """Give the environment of a mask in which the fewest facts aren't the usual ones; None for an empty mask.

        Usual are Windows, the first network, and no risk, or what no policy tells apart from them; the network is of
        the first tenant. Facts in `as_usual` have to be.
        """
        usual = {
            self._platform: PLATFORMS.index(_USUAL_PLATFORM),
            self._network: 0,
            **{risk: risk.values.index(_NO_RISK) for risk in self._risks},
        }
        layers = [self.all & mask]
        for fact, value in usual.items():
            same = fact.mask_of(value)
            farther = [] if fact.name in as_usual else [layer & ~same for layer in layers]
            layers = [
                (layer & same) | (farther[number - 1] if number and farther else 0)
                for number, layer in enumerate([*layers, 0])
            ]
        left = next((layer for layer in layers if layer), 0)
        return self._environment_at((left & -left).bit_length() - 1, usual) if left else None

    def _environment_at(self, number: int, usual: "Mapping[_Fact[Any, Any], int]") -> Environment:
        at = {fact: fact.value_at(number) for fact in usual}
        risks = [risk.values[at[risk]] for risk in self._risks]
        return Environment(
            platform=PLATFORMS[at[self._platform]],
            network=self._networks[at[self._network]],
            sign_in_risk=risks[0],
            user_risk=risks[1],
            insider_risk=risks[2],
            changed=frozenset(fact.name for fact, value in usual.items() if not fact.mask_of(value) >> number & 1),
        )

    def _found(self, platforms: Platforms | Unread | None, locations: _Located, risks: tuple[Words, ...]) -> Region:
        masks = [
            self._platform.masks(platforms),
            self._network.masks(locations),
            *(fact.masks(levels) for fact, levels in zip(self._risks, risks, strict=True)),
        ]
        surely = possibly = self.all
        for sure, possible in masks:
            surely &= sure
            possibly &= possible
        network = self._network.reach(locations)
        if network.truth is Truth.NO and not self._all_networks:
            network = unknown("networks that are too many to enumerate")
        needs = (
            self._platform.needed(platforms),
            "a network that its locations mean" if self._network.needed(locations) else "",
            *(fact.needed(levels) for fact, levels in zip(self._risks, risks, strict=True)),
        )
        return Region(
            surely=surely,
            possibly=possibly,
            reach=every((self._platform.reach(platforms), network, *map(any_risk, risks))),
            needs=tuple(need for need in needs if need),
            under_risk_only=any(needs[2:]),
        )


def _risk(levels: Words, level: str) -> Answer:
    return risk_meant(levels, level, "the risk")


class _Fact[C: Hashable, V]:
    """One free fact: its values, and how each condition on it judges each value."""

    def __init__(
        self, name: str, values: Sequence[V], judge: Callable[[C, V], Answer], conditions: Iterable[C]
    ) -> None:
        self.name = name
        self.values = values
        self._judged = {condition: tuple(judge(condition, value) for value in values) for condition in conditions}
        alike: dict[tuple[Truth, ...], int] = {}
        for number in range(len(values)):
            alike.setdefault(tuple(row[number].truth for row in self._judged.values()), number)
        self.kept = [*alike.values()]
        """The values that some condition tells apart, by their place."""
        self._stands_for = [
            alike[tuple(row[number].truth for row in self._judged.values())] for number in range(len(values))
        ]
        self._bits: list[int] = []

    def lay_out(self, stride: int, count: int) -> None:
        """Fix for each value the mask of environments that have it, of `count` in all."""
        run, period = (1 << stride) - 1, stride * len(self.kept)
        repeated = ((1 << count) - 1) // ((1 << period) - 1)
        self._bits = [(run << (place * stride)) * repeated for place in range(len(self.kept))]

    def mask_of(self, value: int) -> int:
        """Give the environments that have a value, by its place, or one that no condition tells apart from it."""
        kept = self._stands_for[value]
        return self._bits[self.kept.index(kept)] if kept in self.kept else 0

    def value_at(self, number: int) -> int:
        """Give the place of the value that an environment has."""
        return next(value for value, bits in zip(self.kept, self._bits, strict=True) if bits >> number & 1)

    def masks(self, condition: C) -> tuple[int, int]:
        """Give the environments in which a condition surely and possibly applies."""
        surely = possibly = 0
        for number, bits in zip(self.kept, self._bits, strict=True):
            truth = self._judged[condition][number].truth
            surely |= bits if truth is Truth.YES else 0
            possibly |= bits if truth is not Truth.NO else 0
        return surely, possibly

    def reach(self, condition: C) -> Answer:
        """Answer whether a condition applies for some value."""
        return some(self._judged[condition])

    def needed(self, condition: C) -> str:
        """Name the values for which a condition applies or may; "" where it does for all."""
        judged = self._judged[condition]
        if all(each is YES for each in judged):
            return ""
        meant = (value for value, each in zip(self.values, judged, strict=True) if each.truth is not Truth.NO)
        return f"{self.name} {' or '.join(map(str, meant)) or 'of no kind'}"
