"""The vocabulary of commands that work without a tenant: of the settings, only those that it is made of are read."""

import os
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.errors import SettingsError
from shared.vocabulary import BadVocabulary, Vocabulary, vocabulary_from

_SEPARATORS: Final = re.compile(r"[,\s]+")


def own_vocabulary(environment: Mapping[str, str] = os.environ) -> Vocabulary:
    """Read the vocabulary of this environment; where nothing is set, any tenant may hold consumer accounts.

    Raises:
        SettingsError: setting `VOCABULARY` is wrong.
    """
    try:
        read = vocabulary_from(environment.get("VOCABULARY", ""))
    except BadVocabulary as bad:
        raise SettingsError(bad.problems) from None
    tenants = _ids(environment.get("B2C_TENANT_ID", ""))
    return msgspec.structs.replace(
        read,
        consumer_tenants=tenants or None,
        emergency_accounts=_ids(environment.get("EMERGENCY_ACCOUNT_IDS", "")),
        own_site=environment.get("WEBSITE_SITE_NAME", ""),
    )


def _ids(setting: str) -> frozenset[str]:
    return frozenset(part.lower() for part in _SEPARATORS.split(setting) if part)
