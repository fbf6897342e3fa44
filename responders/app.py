"""The settings, checked when the app starts, and the runtime, made of them and the product's content on first use."""

import copy
import logging
import os
from datetime import datetime
from functools import cache
from typing import Final

from responders.catalogue import CATALOGUE
from responders.content import CONTENT
from responders.runbooks.break_glass import BREAK_GLASS
from responders.sigma_rules import rules_in
from shared.detect.aggregation.thresholds import threshold_problems
from shared.emergency.asking import says_what_was_signed
from shared.emergency.engine import Engine, WriteReport
from shared.emergency.entries import Caller, Entry, Evidence
from shared.emergency.proofs import Door, door_of, signer_of
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from shared.model.errors import EdgeError, SettingsError
from shared.model.notices import SystemNotice
from shared.model.once import Once
from shared.model.settings import Settings, settings_from
from shared.runtime import Runtime, build_runtime

_log = logging.getLogger("responder.app")


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, which stops the app from starting."""
    read = settings_from()
    if problems := threshold_problems(read.profile, CATALOGUE):
        raise SettingsError(problems)
    return read


@Once
def runtime() -> Runtime:
    """The runtime of this process. Its tables, containers and queues were deployed: one that is gone is an error.

    Made anew it would be empty, and an empty table of approvals or controls says something else than one that is gone.
    The worker calls functions from several threads, all of them at once after a cold start.
    """
    rules = rules_in(settings().sigma_rules)
    for problem in rules.problems:
        _log.warning("a Sigma rule isn't loaded: %s", problem)
    content = copy.replace(CONTENT, detections=(*CATALOGUE, *rules.detections))
    made = build_runtime(settings(), content, announced=_announced)
    _notify_of_unresolved(made)
    return made


def _announced(account: str, at: datetime) -> str:
    return emergencies().announced(account, at)


@Once
def front_door() -> Door:
    """The door of this process. There is one, since it keeps what was used already; it reads nothing until asked."""
    return door_of(settings(), os.environ, runtime().storage, clock=runtime().clock)


@Once
def emergencies() -> Engine:
    """What runs emergencies in this process. There is one, since it remembers what couldn't be stored yet."""
    made = runtime()
    store = Emergencies(made.storage, clock=made.clock, is_signed=_is_signed)
    return Engine(runtime=made, store=store, steps=BREAK_GLASS, write_report=_report_writer(made, store))


def _report_writer(made: Runtime, store: Emergencies) -> WriteReport:
    def write(emergency: Emergency) -> tuple[Evidence, ...]:
        from shared.emergency.presenting import report_writer  # noqa: PLC0415 - needed where one is closed

        return report_writer(made, BREAK_GLASS, former=lambda: _former_drills(store))(emergency)

    return write


def _former_drills(store: Emergencies) -> list[Emergency]:
    listed = (one.id for one in store.newest() if one.drill)
    return [found for one in listed if (found := store.read(one)) is not None and found.closed is not None]


def _is_signed(entry: Entry) -> bool:
    """Whether an operator signed a request that makes just this entry."""
    if entry.signed is None or not says_what_was_signed(entry):
        return False
    signer = signer_of(entry.signed, front_door(), at=entry.at, now=runtime().clock())
    return isinstance(signer, Caller) and (signer.operator, signer.name, signer.proof) == (
        entry.by,
        entry.name,
        entry.proof,
    )


def _notify_of_unresolved(made: Runtime) -> None:
    """Notify people, once a day, of secrets that the app does without; nobody reads the log alone.

    This runs with the first function: the Functions host drops what an app logs while it is loaded.
    """
    if not made.settings.has_channel:
        _log.error("nobody can be paged: no channel is left; pages wait until one is there and the app starts again")
    for one in made.settings.unresolved:
        _log.warning("%s; the app does without it. %s", one.message, one.cure)
        system_notice = SystemNotice(
            key=f"unresolved {one.setting} {made.clock():%Y%m%d}",
            title="A secret can't be read",
            text=f"{one.message}, so the app does without it: {_WITHOUT[one.setting]}.",
            what_to_do=one.cure,
        )
        try:
            made.notifier.publish(system_notice)
        except EdgeError as error:
            _log.warning("people could not be notified that %s: %s", one.message, error)


_WITHOUT: Final = {
    "TEAMS_WEBHOOK_URL": "Teams gets no page",
    "PAGERDUTY_ROUTING_KEY": "PagerDuty gets no page",
    "EMERGENCY_CODES": "operators' one-time codes are refused in an emergency; their signatures work",
    "PAGERDUTY_WEBHOOK_SECRETS": "what people acknowledge in PagerDuty isn't heard",
    "B2C_CERTIFICATE": "nothing is looked at or put back in Azure AD B2C",
}
