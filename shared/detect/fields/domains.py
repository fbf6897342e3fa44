"""Whether a name is one of some domains, or below one."""

import re
from collections.abc import Collection


def is_below(host: str, domains: Collection[str]) -> bool:
    """Say whether a name in lower case is one of the domains or below one."""
    labels = host.split(".")
    return any(".".join(labels[first:]) in domains for first in range(len(labels)))


def is_below_kusto(column: str, domains: Collection[str]) -> str:
    """Write the same over a column."""
    listed = "|".join(map(re.escape, sorted(domains)))
    return rf'{column} matches regex @"(^|\.)({listed})$"' if domains else "false"
