"""The app: settings, checked when it starts, and the machine with this product's content, made on first use."""

import logging
from functools import cache

from responders.catalogue import CATALOGUE
from responders.inventories import INVENTORIES
from responders.rosters import ROSTERS
from responders.rules import rules_in
from shared.errors import SettingsError
from shared.machine import Machine, machine_from
from shared.settings import Settings, settings_from
from shared.thresholds import threshold_problems

_log = logging.getLogger("responder.app")


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, which stops the app from starting."""
    read = settings_from()
    if problems := threshold_problems(read.vocabulary, CATALOGUE):
        raise SettingsError(problems)
    return read


@cache
def machine() -> Machine:
    """The machine of this process; its tables, containers and queue are made here when they aren't there yet."""
    rules = rules_in(settings().sigma_rules)
    for problem in rules.problems:
        _log.warning("a Sigma rule isn't loaded: %s", problem)
    made = machine_from(settings(), (*CATALOGUE, *rules.detections), INVENTORIES, ROSTERS)
    made.storage.create_all()
    return made
