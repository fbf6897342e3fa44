"""Every check, in the order in which one stands on the other."""

from typing import Final

from shared.doctor import certificate, channels, identity, people, reads, rosters, rules, running, sources, storage
from shared.doctor.findings import Check

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
