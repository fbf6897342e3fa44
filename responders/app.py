"""The settings, checked when the app starts, and the runtime, made of them and the product's content on first use."""

import copy
import logging
from functools import cache
from typing import Final

from responders.catalogue import CATALOGUE
from responders.content import CONTENT
from responders.sigma_rules import rules_in
from shared.detect.aggregation.thresholds import threshold_problems
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
    made = build_runtime(settings(), copy.replace(CONTENT, detections=(*CATALOGUE, *rules.detections)))
    _notify_of_unresolved(made)
    return made


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
