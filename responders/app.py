"""The settings, checked when the app starts, and the runtime, made of them and the product's content on first use."""

import copy
import logging
import os
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from shared.model.errors import EdgeError, SettingsError
from shared.model.notices import SystemNotice
from shared.model.once import Once
from shared.model.settings import Settings, settings_from

if TYPE_CHECKING:
    from shared.emergency.engine import Engine
    from shared.emergency.proofs import Door
    from shared.respond.components import Runtime

_log = logging.getLogger("responder.app")


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, which stops the app from starting."""
    read = settings_from()
    if read.profile.thresholds and (problems := _threshold_problems(read)):
        raise SettingsError(problems)
    return read


def _threshold_problems(read: Settings) -> list[str]:
    from responders.catalogue import CATALOGUE  # noqa: PLC0415 - few set a threshold, start-up is a feature
    from shared.detect.aggregation.thresholds import threshold_problems  # noqa: PLC0415 - the same

    return threshold_problems(read.profile, CATALOGUE)


@Once
def runtime() -> "Runtime":
    """The runtime of this process. Its tables, containers and queues were deployed: one that is gone is an error.

    Made anew it would be empty, and an empty table of approvals or controls says something else than one that is gone.
    The worker calls functions from several threads, all of them at once after a cold start.
    """
    # To load what the app is built of takes as long as all else that it loads; the first function needs it.
    from responders.content import CONTENT  # noqa: PLC0415 - start-up is a feature
    from responders.sigma_rules import rules_in  # noqa: PLC0415 - the same
    from shared.runtime import build_runtime  # noqa: PLC0415 - the same

    rules = rules_in(settings().sigma_rules)
    for problem in rules.problems:
        _log.warning("a Sigma rule isn't loaded: %s", problem)
    content = copy.replace(CONTENT, detections=(*CONTENT.detections, *rules.detections))
    made = build_runtime(settings(), content, announced=_announced)
    _notify_of_unresolved(made)
    return made


def _announced(account: str, at: datetime) -> str:
    return emergencies().announced(account, at)


@Once
def front_door() -> "Door":
    """The door of this process. There is one, since it keeps what was used already; it reads nothing until asked."""
    from shared.authority.signed_acts import SignedActs  # noqa: PLC0415 - most processes never see an emergency
    from shared.emergency.proofs import door_of  # noqa: PLC0415 - the same

    acts = runtime().acts
    return door_of(
        settings(),
        os.environ,
        runtime().storage,
        clock=runtime().clock,
        operators=acts.operators if isinstance(acts, SignedActs) else None,
    )


@Once
def emergencies() -> "Engine":
    """What runs emergencies in this process. There is one, since it remembers what couldn't be stored yet."""
    from responders.runbooks.engine import engine_of  # noqa: PLC0415 - the same

    return engine_of(runtime(), front_door)


def _notify_of_unresolved(made: "Runtime") -> None:
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
    "STATE_KEYS": "nothing is decided about guarded objects until the app has its key, and what comes waits",
    "B2C_CERTIFICATE": "nothing is looked at or put back in Azure AD B2C",
}
