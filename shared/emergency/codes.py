"""One-time codes (RFC 6238): what an operator shows who can't sign. Each counts once, and wrong ones slow codes down.

Library `pyotp` is imported when a code is checked for the first time.
"""

import hmac
import re
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

STEP: Final = timedelta(seconds=30)
_STEPS_AROUND: Final = (-1, 0, 1)
_CODE: Final = re.compile(r"[0-9]{6}")
_SECRET: Final = re.compile(r"(?:[A-Z2-7]{8}){4,16}")
"""At least 160 bits in base32, as RFC 4226 recommends."""

_LONGEST_WAIT: Final = timedelta(minutes=15)


class CodeResult(StrEnum):
    """What a code is."""

    RIGHT = "right"
    WRONG = "wrong"
    USED = "used"
    SLOWED = "slowed"
    UNKNOWN = "unknown"
    """No secret is known of the operator, so nothing can be said of the code."""


class CodeAnswer(Struct, frozen=True, kw_only=True):
    """What a code is, and its step; `wait` is how long codes of the operator are refused yet."""

    result: CodeResult
    step: int = 0
    wait: timedelta = timedelta()


class Secrets(Struct, frozen=True, kw_only=True):
    """The secrets of operators' codes in base32, by the operators' ids. `missing` says why there are none, if so."""

    by_operator: Mapping[str, str] = {}
    missing: str = ""


def secrets_in(text: str) -> Secrets:
    """Read the app setting: a JSON object of secrets by operators' ids."""
    if not text.strip():
        return Secrets(missing="EMERGENCY_CODES isn't set")
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeError):
        return Secrets(missing="EMERGENCY_CODES can't be read: it should be a JSON object of secrets by operator")
    usable = {name: secret for name, secret in found.items() if _SECRET.fullmatch(secret)}
    return Secrets(by_operator=usable, missing="" if usable else "EMERGENCY_CODES has no secret that can be used")


class _Pace(Struct, kw_only=True):
    """How codes of one operator went: wrong ones in a row, until when the next is refused, the last step used."""

    wrong: int = 0
    until: datetime | None = None
    last: int = -1


class OneTimeCodes:
    """Checks codes, for a process."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._lock = threading.Lock()
        self._paces: dict[str, _Pace] = {}

    @property
    def missing(self) -> str:
        """Why no code can be checked, "" where codes can."""
        return self._secrets.missing

    def check(self, operator: str, code: str, *, now: datetime) -> CodeAnswer:
        """Check a code of an operator, and use it up. One at a time: guesses side by side are slowed down too."""
        secret = self._secrets.by_operator.get(operator)
        if secret is None:
            return CodeAnswer(result=CodeResult.UNKNOWN)
        with self._lock:
            pace = self._paces.setdefault(operator, _Pace())
            if pace.until is not None and now < pace.until:
                return CodeAnswer(result=CodeResult.SLOWED, wait=pace.until - now)
            step = _step_of(secret, code, now)
            if step is None:
                pace.wrong += 1
                pace.until = now + min(timedelta(seconds=2 ** min(pace.wrong, 12)), _LONGEST_WAIT)
                return CodeAnswer(result=CodeResult.WRONG, wait=pace.until - now)
            if step <= pace.last:
                return CodeAnswer(result=CodeResult.USED, step=step)
            self._paces[operator] = _Pace(last=step)
            return CodeAnswer(result=CodeResult.RIGHT, step=step)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Give the step that a code is of: the present one, the one before, or the next; None for none of them."""
    from pyotp.totp import TOTP  # noqa: PLC0415 - imported on first use

    if _CODE.fullmatch(code) is None:
        return None
    made = TOTP(secret, interval=int(STEP.total_seconds()))
    present = made.timecode(now)
    # Each is compared, so that the time says nothing of which fits.
    fits = [step for step in (present + one for one in _STEPS_AROUND) if _is_same(made.generate_otp(step), code)]
    return max(fits, default=None)


def _is_same(wanted: str, shown: str) -> bool:
    return hmac.compare_digest(wanted.encode(), shown.encode())
