"""Every check, in the order in which one stands on the other."""

from typing import Final

from shared.checks.findings import Check
from shared.doctor import certificate, channels, identity, people, reads, rosters, rules, running, sources, storage

CHECKS: Final[tuple[Check, ...]] = (
    *storage.CHECKS,
    *identity.CHECKS,
    *certificate.CHECKS,
    *reads.CHECKS,
    *sources.CHECKS,
    *rosters.CHECKS,
    *channels.CHECKS,
    *people.CHECKS,
    *rules.CHECKS,
    *running.CHECKS,
)
