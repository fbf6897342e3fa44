"""Lists that operators sign: their laptops, the app that reads, and whoever can write to storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from infra.local.signing import TwoOperators
from infra.local.world import WORKFORCE_TENANT
from shared.authority.acts import UNSIGNED, Acts, WaitsForSecond
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.operator_keys import text_of
from shared.authority.operator_store import read_operators
from shared.authority.operators import Operators, SignedStatement
from shared.authority.owners import TableOwners
from shared.authority.signed_acts import SignedActs, Signer
from shared.clients.storage import Storage
from shared.respond.components import Runtime
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import PASSKEY, SoftPasskey, folded, private, public

TENANT: Final = WORKFORCE_TENANT


class Key:
    """The key of a seed, such as "alice-1". Whoever holds it signs whatever he is shown, and it is kept."""

    def __init__(self, seed: str) -> None:
        self._private = private(seed)
        self.read: list[str] = []

    @property
    def key_id(self) -> str:
        return public(self._private).id

    def sign(self, text: str) -> str:
        self.read.append(text)
        return text_of(self._private.sign(text.encode()))


BY_PASSKEY: Final = "carol-passkey"
"""The seed that stands for Carol's passkey."""


class ForgedPasskey:
    """What somebody says is Carol's passkey, whose signatures differ from hers as for `SoftPasskey.answer`.

    `whose` is the passkey that he has; `again` is a signature that she gave for something else.
    """

    def __init__(self, whose: str = "carol's", *, again: str = "", **differs: Any) -> None:  # noqa: ANN401 - as it takes
        self.key_id = PASSKEY.public.id
        self._passkey = SoftPasskey(whose)
        self._again = again
        self._differs = differs

    def sign(self, text: str) -> str:
        return self._again or self._passkey.signature(text.encode(), **self._differs)


def _signer(seed: str) -> Signer:
    return SoftPasskey("carol's") if seed == BY_PASSKEY else Key(seed)


@dataclass(slots=True)
class SignedLists:
    """One installation with three operators. `tables` and `evidence` are its two accounts."""

    tables: Storage
    evidence: Storage
    clock: FakeClock = field(default_factory=FakeClock)
    statements: list[SignedStatement] = field(default_factory=list[SignedStatement])
    tenant: str = TENANT

    def operators(self) -> Operators:
        return folded(*self.statements, read_at=self.clock())

    def acts(self, seed: str = "") -> SignedActs:
        """Give what a process knows that just started: with an operator's key, or the app without one."""
        return SignedActs(
            self.evidence,
            operators=self.operators,
            tenant=self.tenant,
            clock=self.clock,
            signer=_signer(seed) if seed else None,
        )

    def approvals(self, seed: str = "", acts: SignedActs | None = None) -> TableApprovals:
        return TableApprovals(self.tables, clock=self.clock, acts=acts or self.acts(seed))

    def controls(self, seed: str = "", acts: SignedActs | None = None) -> Controls:
        return Controls(self.tables, clock=self.clock, acts=acts or self.acts(seed))

    def owners(self, seed: str = "", acts: SignedActs | None = None) -> TableOwners:
        return TableOwners(self.tables, clock=self.clock, acts=acts or self.acts(seed))

    def second(self, waits: WaitsForSecond, seed: str = "carol-1") -> None:
        """Have a second operator sign what waits."""
        self.acts(seed).sign(self.tables, waits.digest)

    def pass_time(self, minutes: float = 1) -> None:
        self.clock.move(timedelta(minutes=minutes))


def signed_lists(statements: Sequence[SignedStatement] = ()) -> SignedLists:
    """Give an installation whose accounts are in memory."""
    clock = FakeClock()
    accounts = [MemoryStorage(clock=clock) for _ in range(2)]
    for account in accounts:
        account.create_all()
    return SignedLists(*accounts, clock=clock, statements=list(statements))


def signing(runtime: Runtime) -> Acts:
    """Say how acts are written into the lists that a runtime reads: signed by two, where operators are founded."""
    if not runtime.settings.has_operators:
        return UNSIGNED
    settings, clock = runtime.settings, runtime.clock

    def known() -> Operators:
        return read_operators(
            runtime.storage, setting=settings.emergency_operators, pinned=settings.emergency_genesis, now=clock()
        )

    first, second = (
        SignedActs(runtime.evidence, operators=known, tenant=settings.workforce.id, clock=clock, signer=Key(seed))
        for seed in ("alice-1", "carol-1")
    )
    return TwoOperators(first, second)
