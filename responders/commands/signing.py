"""What commands share that sign: the operator's key, the text that is shown and signed, and what takes two persons."""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from responders.commands.connection import CommandError, environment_from
from responders.commands.tables import escaped
from shared.authority.acts import UNSIGNED, Acts, WaitsForSecond
from shared.clients.storage import Storage
from shared.model.app_settings import EMERGENCY_GENESIS, EMERGENCY_OPERATORS, WORKFORCE_TENANT_ID
from shared.model.clock import utc_now
from shared.model.errors import EdgeError
from shared.model.settings import are_founded

if TYPE_CHECKING:
    from shared.authority.signed_acts import SignedActs
    from shared.emergency.signing import OperatorKey

KEY_SETTING = "RESPONDER_OPERATOR_KEY"


def add_key_options(parser: argparse.ArgumentParser) -> None:
    """Add --key, --genesis and --no-prompt, for what an operator signs."""
    parser.add_argument(
        "--key",
        type=Path,
        default=None,
        metavar="KEY",
        help=f"the file of your own operator's key, where operators are founded (default: {KEY_SETTING})",
    )
    add_genesis_option(parser)
    parser.add_argument("--no-prompt", action="store_true", help="sign without asking, for scripts")


def add_genesis_option(parser: argparse.ArgumentParser) -> None:
    """Add --genesis."""
    parser.add_argument(
        "--genesis",
        default="",
        metavar="DIGEST",
        help=f"the statement that founded the operators, as on paper (default: {EMERGENCY_GENESIS.name})",
    )


class _KeyAtTheTerminal:
    """The key of whoever is at the terminal, who reads each text before it is signed."""

    def __init__(self, key: "OperatorKey", *, asks: bool) -> None:
        self._key = key
        self._asks = asks

    @property
    def key_id(self) -> str:
        return self._key.public.id

    def sign(self, text: str) -> str:
        """Show the very text that is signed, ask, and sign it. Raises CommandError where the person won't."""
        if self._asks:
            print("\n".join(escaped(line) for line in text.splitlines()))
            try:
                answer = input("Sign exactly this text? Type yes: ")
            except EOFError:
                answer = ""
            if answer.strip().lower() != "yes":
                raise CommandError("nothing was signed, and nothing was changed")
        return self._key.sign(text.encode())


def acts_from(arguments: argparse.Namespace, storage: Storage) -> Acts:
    """Say how acts are written here, by the settings; with the key that the arguments name, if any.

    Raises:
        CommandError: the installation has operators that these settings don't name, or they name no tenant.
    """
    environment = environment_from(arguments)
    if not _is_founded(arguments, environment):
        if _has_statements(storage):
            raise CommandError(
                "this installation has operators, who sign what lowers a guard: say which statement founded them, with"
                f" --genesis DIGEST or {EMERGENCY_GENESIS.name}, as it stands on paper"
            )
        return UNSIGNED
    return signed_acts_from(arguments, storage)


def _is_founded(arguments: argparse.Namespace, environment: Mapping[str, str]) -> bool:
    genesis = arguments.genesis or environment.get(EMERGENCY_GENESIS.name, "").strip()
    return are_founded(genesis, environment.get(EMERGENCY_OPERATORS.name, ""))


def _has_statements(storage: Storage) -> bool:
    from shared.authority.operator_store import read_statements  # noqa: PLC0415 - not every command needs it

    try:
        return bool(read_statements(storage).statements)
    except EdgeError:
        return False  # what the command itself needs from storage says why


def signed_acts_from(arguments: argparse.Namespace, storage: Storage) -> "SignedActs":
    """Give the acts of an installation with operators. Raises as `acts_from`."""
    from shared.authority.operator_store import read_operators  # noqa: PLC0415 - the signatures need a large library
    from shared.authority.signed_acts import SignedActs  # noqa: PLC0415

    environment = environment_from(arguments)
    tenant = environment.get(WORKFORCE_TENANT_ID.name, "").strip()
    if not tenant:
        raise CommandError(f"what operators sign is for one tenant: set {WORKFORCE_TENANT_ID.name}, or name --settings")
    return SignedActs(
        Storage(environment, prefix="EvidenceStorage"),
        operators=lambda: read_operators(
            storage,
            setting=environment.get(EMERGENCY_OPERATORS.name, ""),
            pinned=arguments.genesis or environment.get(EMERGENCY_GENESIS.name, ""),
            now=utc_now(),
        ),
        tenant=tenant,
        clock=utc_now,
        signer=_signer(arguments),
    )


def _signer(arguments: argparse.Namespace) -> _KeyAtTheTerminal | None:
    named = getattr(arguments, "key", None) or os.environ.get(KEY_SETTING, "")
    if not named:
        return None
    from shared.emergency.signing import read_key  # noqa: PLC0415 - only where something is signed

    return _KeyAtTheTerminal(read_key(Path(named)), asks=not getattr(arguments, "no_prompt", False))


def or_waits(act: Callable[[], object]) -> bool:
    """Carry an act out; False where it was signed and waits for a second operator, which is printed."""
    try:
        act()
    except WaitsForSecond as waits:
        print(escaped(str(waits)))
        return False
    return True
