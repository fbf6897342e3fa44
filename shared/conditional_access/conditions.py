"""Conditions that are lists of words: platforms, client apps, risks, authentication flows.

Source: Conditional Access: Conditions.
"""

from typing import Final

from msgspec import Struct

from shared.conditional_access.sections import UNNAMED, Unread
from shared.conditional_access.truth import NO, YES, Answer, by_lists, some, unknown, yes_if

_ALL: Final = "all"

PLATFORMS: Final = ("android", "ios", "windows", "windowsphone", "macos", "linux", "unknown")
"""What a client may claim to run on; "unknown" is all else, such as ChromeOS, and no list can name it."""

NO_PLATFORM: Final = "none"
"""Of legacy clients, which claim none."""

RISKS: Final = ("none", "low", "medium", "high")
INSIDER_RISKS: Final = ("none", "minor", "moderate", "elevated")
_RISK_WORDS: Final = frozenset({*RISKS, *INSIDER_RISKS, "hidden"})
_PLATFORM_WORDS: Final = frozenset(PLATFORMS[:-1]) | {_ALL}
_CLIENT_WORDS: Final = frozenset(
    {_ALL, "browser", "mobileappsanddesktopclients", "exchangeactivesync", "eassupported", "other"}
)
LEGACY_CLIENTS: Final = frozenset({"exchangeactivesync", "eassupported", "other"})
"""Clients without modern authentication."""

_NO_FLOW: Final = "none"
_FLOW_WORDS: Final = frozenset({_NO_FLOW, "devicecodeflow", "authenticationtransfer"})


class Platforms(Struct, frozen=True, rename="camel"):
    """Platforms in lower case."""

    include_platforms: frozenset[str] = frozenset()
    exclude_platforms: frozenset[str] = frozenset()


type Words = frozenset[str] | Unread
"""A list condition; empty means any."""


def platform_meant(platforms: Platforms | Unread | None, platform: str | None) -> Answer:
    """Answer whether the condition on platforms applies to one of `PLATFORMS` or `NO_PLATFORM`; None isn't known."""
    if platforms is None:
        return YES
    if isinstance(platforms, Unread):
        return unknown(platforms.because)
    return by_lists(
        platforms.include_platforms,
        platforms.exclude_platforms,
        lambda listed, whole: _platform_listed(listed, platform, whole=whole),
        what="platforms",
        everything="all platforms",
    )


def _platform_listed(listed: frozenset[str], platform: str | None, *, whole: Answer) -> Answer:
    named = listed & _PLATFORM_WORDS
    return some(
        (
            whole if _ALL in listed else NO,
            _one_of(named - {_ALL}, platform, "the platform"),
            unknown("a platform that isn't known") if listed - _PLATFORM_WORDS else NO,
        )
    )


def client_meant(clients: Words, client: str | None) -> Answer:
    """Answer whether the condition on client apps applies."""
    return _in_words(clients, client, "the client app", known=_CLIENT_WORDS, whole=_ALL)


def risk_meant(levels: Words, level: str | None, what: str) -> Answer:
    """Answer whether a condition on a risk applies. The levels are a list, not a threshold."""
    return _in_words(levels, level, what, known=_RISK_WORDS)


def any_risk(levels: Words) -> Answer:
    """Answer whether some level, of those that are enumerated and the hidden ones, meets a condition on a risk."""
    if isinstance(levels, Unread):
        return unknown(levels.because)
    if not levels or levels & _RISK_WORDS:
        return YES
    return unknown("a level of risk that isn't known")


def flow_meant(flows: Words, flow: str | None) -> Answer:
    """Answer whether the condition on authentication flows applies; "none" in it means any, as its absence does."""
    if isinstance(flows, Unread):
        return unknown(flows.because)
    return _in_words(flows, flow, "the authentication flow", known=_FLOW_WORDS, whole=_NO_FLOW)


def _in_words(words: Words, word: str | None, what: str, *, known: frozenset[str], whole: str | None = None) -> Answer:
    if isinstance(words, Unread):
        return unknown(words.because)
    if not words or whole in words:
        return YES
    stranger = unknown(f"a word for {what} that isn't known") if UNNAMED in words or words - known else NO
    return some((_one_of(words, word, what), stranger))


def _one_of(words: frozenset[str], word: str | None, what: str) -> Answer:
    if not words:
        return NO
    return unknown(what) if word is None else yes_if(word in words)
