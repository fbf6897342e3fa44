"""What an act on an account is: how it is done, read back, given back, and what a person runs where it is refused.

The acts are in `responders.account_acts`. Everything here but `read`, `do` and `give_back` is pure.
"""

from collections.abc import Callable

from msgspec import Struct

from shared.model.calls import Call
from shared.model.kinds import TenantKind
from shared.model.tenant_api import TenantApi


class Stands(Struct, frozen=True, kw_only=True):
    """How an account stands in what an act is about: a `value` of the act's own, "" where there is none.

    `problem` says why the act can't be done on this account, or wouldn't last; `by_hand` is then what a person runs.
    """

    value: str
    problem: str = ""
    by_hand: str = ""


class AccountAct(Struct, frozen=True, kw_only=True):
    """One thing that is done to an account that somebody else uses.

    `does` goes before the account's name ("disable"), `undo` says how a person takes it back. `read` gives how the
    account stands, None where there is no such account. `is_shown` says by what stood before and what stands now that
    it was carried out, `is_so` that there is nothing to do. `do` sends it, once. `by_hand` gives the command by which a
    person does it. Where `give_back` is None nothing is held by it; else `is_given` says that the account has it again,
    and `given_by_hand` is the command. `is_urgent` says that people are called at once where it is refused.

    `calls` are requests whose permissions the identity has, `calls_by_hand` those that are refused unless somebody
    granted them by hand. `tenants` are the kinds of tenant that have it.
    """

    id: str
    does: str
    undo: str
    tenants: frozenset[TenantKind]
    calls: tuple[Call, ...]
    calls_by_hand: tuple[Call, ...]
    read: Callable[[TenantApi, str], Stands | None]
    is_so: Callable[[str], bool]
    is_shown: Callable[[str, str], bool]
    do: Callable[[TenantApi, str], None]
    by_hand: Callable[[str], str]
    give_back: Callable[[TenantApi, str], None] | None = None
    is_urgent: bool = True
    is_given: Callable[[str], bool] = lambda _value: False
    given_by_hand: Callable[[str], str] = lambda _account: ""
