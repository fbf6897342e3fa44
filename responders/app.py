"""The app: settings, checked when it starts, and the machine with this product's content, made on first use."""

from functools import cache

from responders.catalogue import CATALOGUE
from responders.inventories import INVENTORIES
from responders.rosters import ROSTERS
from shared.machine import Machine, machine_from
from shared.settings import Settings, settings_from


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError, which stops the app from starting."""
    return settings_from()


@cache
def machine() -> Machine:
    """The machine of this process; its tables, containers and queue are made here when they aren't there yet."""
    made = machine_from(settings(), CATALOGUE, INVENTORIES, ROSTERS)
    made.storage.create_all()
    return made
