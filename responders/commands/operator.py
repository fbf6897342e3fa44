"""`responder operator`: who may act in an emergency, by statements that operators sign with keys of their own."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from responders.commands.connection import CommandError, add_settings_option, environment_from, person, storage_from
from responders.commands.tables import Format, add_output_option, escaped, print_beside, print_list
from shared.authority.operator_keys import PublicKey, fingerprint
from shared.authority.operator_store import (
    keep_statement,
    read_operators,
    read_statements,
    setting_of,
    statements_in_setting,
)
from shared.authority.operators import (
    SIGNERS,
    Add,
    AddPasskey,
    Genesis,
    Operator,
    Operators,
    SignedStatement,
    Statement,
    Suspend,
    operators_of,
    statement_in,
    statement_text,
)
from shared.model.clock import utc_now
from shared.model.errors import EdgeError

if TYPE_CHECKING:
    from responders.commands import Subparsers
    from shared.emergency.signing import OperatorKey

_HELP: Final = """\
The list of operators says who may act in an emergency. It is made of statements that operators sign; the app checks
them and can sign none. What is signed is the text that is shown, nothing else: compare the fingerprints in it with
those that the other person reads to you, by telephone or face to face.

To found the list, on one laptop each:
  responder operator key KEY1 KEY2 --id alice --name "Alice Alvarez" --object-id ID --card alice.json
then together:
  responder operator genesis alice.json carol.json dave.json --to genesis.json
  responder operator sign genesis.json --key KEY1      each of them
  responder operator keep genesis.json                 prints what the app's settings should be
To add somebody: `add CARD`, signed by two others and by the new one, then `keep`. To add a passkey that the console's
page "Your passkey" made, which gives its public half: `passkey ID FILE`, signed likewise. To suspend somebody at once:
  responder operator suspend ID --reason WHY --key KEY1"""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command with its own."""
    parser = subparsers.add_parser(
        "operator",
        help="say who may act in an emergency: keys, founding, adding, suspending",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_key(commands)
    _add_statements(commands)
    listing = _command(commands, "list", _list, "list who is an operator, with the keys' fingerprints")
    add_output_option(listing)
    listing.add_argument("--setting", action="store_true", help="write what app setting EMERGENCY_OPERATORS should be")
    _command(commands, "emergency-key", _emergency_key, "make an emergency key, and the hash that the app gets of it")
    code = _command(commands, "code", _code, "make the secret of an operator's one-time codes")
    code.add_argument("operator", metavar="ID")


def _command(
    commands: "Subparsers", name: str, run: Callable[[argparse.Namespace], int], help_: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_)
    if name in {"add", "passkey", "suspend", "keep", "list"}:
        parser.add_argument(
            "--genesis",
            default="",
            metavar="DIGEST",
            help="the founding statement that counts, as on paper (default: EMERGENCY_GENESIS)",
        )
        add_settings_option(parser)
    parser.set_defaults(run=run)
    return parser


def _add_key(commands: "Subparsers") -> None:
    key = _command(commands, "key", _key, "make an operator's keys, and a card with the public halves")
    key.add_argument("keys", nargs="+", type=Path, metavar="KEY", help="a file for each key; one that is there is used")
    key.add_argument("--id", required=True, help="a short name of lower-case letters, digits and dashes")
    key.add_argument("--name", required=True)
    key.add_argument("--object-id", required=True, metavar="ID", help="the person's in Entra ID")
    key.add_argument(
        "--passkey", action="append", default=[], type=Path, metavar="FILE", help="a passkey's public half, as JSON"
    )
    key.add_argument("--card", required=True, type=Path, metavar="FILE", help="the file that others get")


def _add_statements(commands: "Subparsers") -> None:
    genesis = _command(commands, "genesis", _genesis, "write the statement that founds the list, to be signed by all")
    genesis.add_argument("cards", nargs="+", type=Path, metavar="CARD")
    genesis.add_argument(
        "--signers", type=int, default=SIGNERS, help=f"how many others sign for a new operator (default: {SIGNERS})"
    )
    genesis.add_argument("--to", required=True, type=Path, metavar="FILE")
    add = _command(commands, "add", _add, "write the statement that adds an operator, to be signed by others and them")
    add.add_argument("card", type=Path, metavar="CARD")
    add.add_argument("--reason", required=True)
    add.add_argument("--to", required=True, type=Path, metavar="FILE")
    passkey = _command(commands, "passkey", _passkey, "write the statement that adds a passkey to an operator's keys")
    passkey.add_argument("operator", metavar="ID")
    passkey.add_argument("passkey", type=Path, metavar="FILE", help="its public half, as the console gives it")
    passkey.add_argument("--reason", required=True)
    passkey.add_argument("--to", required=True, type=Path, metavar="FILE")
    suspend = _command(commands, "suspend", _suspend, "suspend an operator, at once and for good")
    suspend.add_argument("operator", metavar="ID")
    suspend.add_argument("--reason", required=True)
    _add_signing(suspend)
    sign = _command(commands, "sign", _sign, "show a statement, and sign it")
    sign.add_argument("statement", type=Path, metavar="FILE")
    _add_signing(sign)
    keep = _command(commands, "keep", _keep, "have a statement count that everybody signed who has to")
    keep.add_argument("statement", type=Path, metavar="FILE")


def _add_signing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", required=True, type=Path, metavar="KEY", help="the file of your own key")
    parser.add_argument("--yes", action="store_true", help="sign without asking: you have read the text elsewhere")


# ---- keys ------------------------------------------------------------------------------------------------------------


def _key(arguments: argparse.Namespace) -> int:
    from shared.emergency.signing import make_key, read_key  # noqa: PLC0415 - only where it is needed

    made = [read_key(path) if path.exists() else make_key(path) for path in arguments.keys]
    passkeys = [_read(path, PublicKey, "a passkey's public half") for path in arguments.passkey]
    operator = Operator(
        id=arguments.id,
        name=arguments.name,
        object_id=arguments.object_id.lower(),
        keys=(*(key.public for key in made), *passkeys),
    )
    if problem := _problem_with(operator):
        raise CommandError(f"the keys are there, the card isn't: {problem}")
    _write(arguments.card, msgspec.json.format(msgspec.json.encode(operator), indent=2))
    print(f"{arguments.card} can be given to the others. Read them these fingerprints yourself:")
    print("\n".join(_prints(operator)))
    return 0


def _problem_with(operator: Operator) -> str:
    """Say why somebody can't be an operator, "" where nothing is wrong: as a statement about them would be read."""
    digest = "0" * 64
    adding = Add(at=utc_now(), genesis=digest, after=(digest,), operator=operator, reason="a look")
    read = statement_in(statement_text(adding))
    return read if isinstance(read, str) else ""


def _emergency_key(arguments: argparse.Namespace) -> int:
    from hashlib import sha256  # noqa: PLC0415 - only where it is needed

    del arguments
    key = secrets.token_urlsafe(32)
    print(f"emergency key (keep it with the sealed credential, nowhere else): {key}")
    print(f"EMERGENCY_KEY_HASH={sha256(key.encode()).hexdigest()}")
    return 0


def _code(arguments: argparse.Namespace) -> int:
    from pyotp import random_base32  # noqa: PLC0415 - only where it is needed
    from pyotp.totp import TOTP  # noqa: PLC0415

    secret = random_base32(32)
    address = TOTP(secret).provisioning_uri(name=arguments.operator, issuer_name="Entra Responder")
    print(f"for {arguments.operator}'s authenticator app, and nobody else: {address}")
    entry = msgspec.json.encode({arguments.operator: secret}).decode()
    print(f"for secret emergency-codes in the vault, beside those of others: {entry}")
    return 0


# ---- statements ------------------------------------------------------------------------------------------------------


def _genesis(arguments: argparse.Namespace) -> int:
    operators = tuple(_read(path, Operator, "a card") for path in arguments.cards)
    statement = Genesis(at=_now(), operators=operators, signers=arguments.signers)
    return _begin(statement, arguments.to, "each of them signs it")


def _add(arguments: argparse.Namespace) -> int:
    known = _known(arguments)
    operator = _read(arguments.card, Operator, "a card")
    statement = Add(at=_now(), genesis=known.genesis, after=known.heads, operator=operator, reason=arguments.reason)
    return _begin(statement, arguments.to, f"{known.signers} others and {operator.id} sign it")


def _passkey(arguments: argparse.Namespace) -> int:
    known = _known(arguments)
    if known.named(arguments.operator) is None:
        raise CommandError(f"{escaped(arguments.operator)} is no operator; `responder operator list` lists who is")
    statement = AddPasskey(
        at=_now(),
        genesis=known.genesis,
        after=known.heads,
        operator=arguments.operator,
        passkey=_read(arguments.passkey, PublicKey, "a passkey's public half"),
        reason=arguments.reason,
    )
    return _begin(statement, arguments.to, f"{arguments.operator} and {known.signers} others sign it")


def _begin(statement: Statement, path: Path, who: str) -> int:
    text = statement_text(statement)
    read = statement_in(text)
    if isinstance(read, str):
        raise CommandError(f"nothing was written: {read}")
    _write(path, msgspec.json.encode(SignedStatement(text=text, signatures={})))
    _show(SignedStatement(text=text, signatures={}))
    print(f"{path} was written; {who}: responder operator sign {path} --key KEY")
    return 0


def _suspend(arguments: argparse.Namespace) -> int:
    known = _known(arguments)
    if known.named(arguments.operator) is None:
        raise CommandError(f"{escaped(arguments.operator)} is no operator; `responder operator list` lists who is")
    statement = Suspend(
        at=_now(),
        genesis=known.genesis,
        after=known.heads,
        operator=arguments.operator,
        reason=arguments.reason,
    )
    text = statement_text(statement)
    if isinstance(read := statement_in(text), str):
        raise CommandError(f"nothing was signed: {read}")
    return _have_count(arguments, _signed(SignedStatement(text=text, signatures={}), arguments))


def _sign(arguments: argparse.Namespace) -> int:
    signed = _signed(_read(arguments.statement, SignedStatement, "a statement"), arguments)
    _write(arguments.statement, msgspec.json.encode(signed), over=True)
    print(f"{arguments.statement} has {len(signed.signatures)} signatures now")
    return 0


def _signed(signed: SignedStatement, arguments: argparse.Namespace) -> SignedStatement:
    """Show a statement and sign exactly what was shown."""
    from shared.emergency.signing import read_key, sign_statement  # noqa: PLC0415 - only where it is needed

    key: OperatorKey = read_key(arguments.key)
    _show(signed)
    print(f"your key: {fingerprint(key.public)}")
    if not arguments.yes and input("Sign exactly this text? Type yes: ").strip().lower() != "yes":
        raise CommandError("nothing was signed")
    return sign_statement(signed, key)


def _show(signed: SignedStatement) -> None:
    """Show the very text that is signed, and what people compare."""
    statement = statement_in(signed.text)
    if isinstance(statement, str):
        raise CommandError(f"this can't be signed: {statement}")
    # Its only line breaks are those between its parts: a statement whose texts have others isn't read.
    print("\n".join(escaped(line) for line in signed.text.splitlines()))
    print(f"digest: {signed.digest}")
    match statement:
        case Genesis(operators=operators):
            print("\n".join(line for operator in operators for line in _prints(operator)))
        case Add(operator=operator):
            print("\n".join(_prints(operator)))
        case AddPasskey(operator=operator_id, passkey=passkey):
            print(escaped(f"  {operator_id} passkey for {passkey.host}: {fingerprint(passkey)}"))
        case Suspend():
            pass


def _keep(arguments: argparse.Namespace) -> int:
    return _have_count(arguments, _read(arguments.statement, SignedStatement, "a statement"))


def _have_count(arguments: argparse.Namespace, signed: SignedStatement) -> int:
    """Write a statement into the table, if it would count beside what is there; print the app's settings."""
    held, stored, unread = _there(arguments)
    statements = list({_whole(one): one for one in (*held, *stored, signed)}.values())
    statement = statement_in(signed.text)
    pinned = _pinned(arguments)
    founding = {pinned} if pinned else {one.digest for one in held}
    if isinstance(statement, Genesis) and not founding:
        founding = {signed.digest}
    found = operators_of(statements, founding=founding, read_at=utc_now())
    if problem := _problem_in(found, signed, statement):
        raise CommandError(f"the statement would not count: {problem}")
    if unread:
        print(f"! table Operators can't be read, so only the setting below has the statement: {escaped(unread)}")
    else:
        keep_statement(storage_from(arguments), signed, by=_signers(signed, found) or person(), now=utc_now())
        print("table Operators has the statement")
    _print_settings(found, statements)
    return 0


def _there(arguments: argparse.Namespace) -> tuple[Sequence[SignedStatement], Sequence[SignedStatement], str]:
    """Give the statements of the setting and of the table, and why the table couldn't be read, if so."""
    held = statements_in_setting(environment_from(arguments).get("EMERGENCY_OPERATORS", "")).statements
    try:
        return held, read_statements(storage_from(arguments)).statements, ""
    except EdgeError as error:
        return held, (), str(error)


def _pinned(arguments: argparse.Namespace) -> str:
    return arguments.genesis or environment_from(arguments).get("EMERGENCY_GENESIS", "")


def _signers(signed: SignedStatement, found: Operators) -> str:
    """Name whose keys signed a statement, for the journal."""
    keys = (found.with_key(key) for key in signed.signatures)
    return ", ".join(sorted({known[0].operator.name for known in keys if known}))


def _whole(signed: SignedStatement) -> bytes:
    return msgspec.json.encode(signed, order="sorted")


def _problem_in(found: Operators, signed: SignedStatement, statement: Statement | str) -> str:
    """Say why a statement doesn't count among others, "" where it does."""
    about = [problem for problem in found.problems if signed.digest[:12] in problem]
    match statement:
        case str():
            return statement
        case Genesis():
            counts = found.genesis == signed.digest
        case Add(operator=operator):
            known = found.named(operator.id)
            counts = known is not None and known.statement == signed.digest
        case AddPasskey(passkey=passkey):
            counts = not about and found.with_key(passkey.id) is not None
        case Suspend(operator=operator):
            known = found.named(operator)
            counts = not about and known is not None and known.suspended_at is not None
    return "" if counts else "; ".join(about or found.problems) or "it isn't of this list"


# ---- who is an operator ----------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    found = _operators(arguments)
    if arguments.setting:
        held, stored, _ = _there(arguments)
        _print_settings(found, list({_whole(one): one for one in (*held, *stored)}.values()))
        return 0
    now = utc_now()
    rows = [
        (
            one.operator.id,
            one.operator.name,
            one.operator.object_id,
            key.kind,
            fingerprint(key),
            _since(one.acts_at(now), one.suspended_at),
        )
        for _, one in sorted(found.enrolled.items())
        for key in one.operator.keys
    ]
    print_list(arguments, ("id", "name", "object id", "key", "fingerprint", ""), rows, none="nobody is an operator")
    print_beside(arguments, f"founded by: {found.genesis or 'nothing that counts'}")
    return _print_doubts(found, to=sys.stdout if arguments.output == Format.TABLE else sys.stderr)


def _since(acts: bool, suspended_at: datetime | None) -> str:  # noqa: FBT001 - what was just read
    if suspended_at is not None:
        return f"suspended {suspended_at:%Y-%m-%d %H:%M} UTC"
    return "" if acts else "not yet"


def _print_doubts(found: Operators, *, to: TextIO | None = None) -> int:
    for problem in (*found.problems, *([found.unread] if found.unread else [])):
        print(f"! {escaped(problem)}", file=to)
    return 1 if found.problems or found.unread else 0


def _print_settings(found: Operators, statements: Sequence[SignedStatement]) -> None:
    ours = [one for one in statements if _is_of(one, found.genesis)]
    print(f"EMERGENCY_GENESIS={found.genesis}")
    print(f"EMERGENCY_OPERATORS={setting_of(ours)}")


def _is_of(signed: SignedStatement, genesis: str) -> bool:
    statement = statement_in(signed.text)
    if isinstance(statement, str):
        return False
    return signed.digest == genesis if isinstance(statement, Genesis) else statement.genesis == genesis


def _operators(arguments: argparse.Namespace) -> Operators:
    environment = environment_from(arguments)
    return read_operators(
        storage_from(arguments),
        setting=environment.get("EMERGENCY_OPERATORS", ""),
        pinned=_pinned(arguments),
        now=utc_now(),
    )


def _known(arguments: argparse.Namespace) -> Operators:
    found = _operators(arguments)
    if not found.genesis:
        raise CommandError(
            "no list of operators counts here: name its founding statement with --genesis DIGEST, as it stands on paper"
        )
    _print_doubts(found)
    return found


def _prints(operator: Operator) -> list[str]:
    return [escaped(f"  {operator.id} ({operator.name}) {key.kind}: {fingerprint(key)}") for key in operator.keys]


# ---- files -----------------------------------------------------------------------------------------------------------


def _now() -> datetime:
    return utc_now().replace(microsecond=0)


def _read[T](path: Path, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise CommandError(f"{path} isn't {what}: {error}") from error


def _write(path: Path, content: bytes, *, over: bool = False) -> None:
    """Write a file whole or not at all; one that is there is replaced only where that is meant."""
    if path.exists() and not over:
        raise CommandError(f"{path} is there already: name another file")
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(content + b"\n")
        os.replace(beside, path)  # noqa: PTH105 - a Path replaces in the same way
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
