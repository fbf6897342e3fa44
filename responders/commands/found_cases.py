"""Which case somebody means: by its id, or by the beginning of it."""

import re
from collections.abc import Iterable
from typing import Final

from responders.commands.connection import CommandError, NotFound
from shared.model.cases import Case
from shared.model.settings import Tenant
from shared.respond.ledger import Ledger

_BEGINNING: Final = re.compile(r"\d{8}-[0-9a-f]*", re.IGNORECASE)


def case_named(ledger: Ledger, tenants: Iterable[Tenant], text: str) -> Case:
    """Find a case in any tenant.

    Raises:
        NotFound: there is none.
        CommandError: several begin so.
    """
    text = text.removesuffix("…")  # as a table has it that is cut
    tenants = tuple(tenants) if text.replace("-", "").isalnum() else ()
    found = next((case for tenant in tenants if (case := ledger.case(tenant.id, text))), None)
    return found or _begins_with(ledger, tenants, text)


def _begins_with(ledger: Ledger, tenants: Iterable[Tenant], text: str) -> Case:
    is_beginning = _BEGINNING.fullmatch(text) is not None
    found = [case for tenant in tenants if is_beginning for case in ledger.begin_with(tenant.id, text.lower(), most=2)]
    if len(found) > 1:
        raise CommandError(f"more than one case begins with {text}, like {found[0].id} and {found[1].id}")
    if not found:
        raise NotFound(f"no case has the id {text}; `responder cases` lists those there are")
    return found[0]
