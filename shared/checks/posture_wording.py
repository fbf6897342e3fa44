"""What a posture is called in the language of a page, and what is counted of it, for every page that shows one."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.checks import posture_texts as texts
from shared.checks.check import Status
from shared.checks.posture import Posture, PostureLine
from shared.checks.posture_store import Day
from shared.checks.posture_texts import Korean
from shared.model.bilingual import KOREAN, KeptTexts, Value, Words, filled


class PostureWording(Struct, frozen=True, kw_only=True):
    """The language of a page, and what checks and items are called in it.

    `korean` has titles and what to do, by the ids of checks and items, `findings` what was found; what isn't there
    stays in English.
    """

    language: str
    korean: Mapping[str, Korean]
    findings: KeptTexts

    def say(self, words: Words, **values: Value) -> str:
        """Give a text in the page's language."""
        return filled(words, **values).in_language(self.language) if values else words.in_language(self.language)

    def found_in_korean(self, text: str) -> str:
        """Give what was found in Korean; "" on an English page, and where there is no Korean."""
        return self.findings.in_korean(text) if self.language == KOREAN else ""

    def title(self, line: PostureLine) -> str:
        """Give what a check or an item is called."""
        known = self._korean(line)
        return known.title if known else line.title

    def todo(self, line: PostureLine) -> str:
        """Say what to do, "" where nothing is to be done; commands stand between backticks."""
        known = self._korean(line)
        if known is None or not line.cure:
            return line.cure
        return self.say(texts.UNREAD) if line.status is Status.UNKNOWN else known.todo

    def command(self, line: PostureLine) -> tuple[Words, str] | None:
        """Give the command by which a person confirms an item or takes a risk, and what it is for; None for neither."""
        if line.accepted or line.status is not Status.FAILED:
            return None
        what, verb = (texts.TO_CONFIRM, "confirm") if line.is_manual else (texts.TO_ACCEPT, "accept")
        return what, f"responder posture {verb} {line.id} --reason TEXT"

    def _korean(self, line: PostureLine) -> Korean | None:
        return self.korean.get(line.id) if self.language == KOREAN else None


class Counted(Struct, frozen=True, kw_only=True):
    """How many checks are in each state; `waiting` are the items that wait for a person. Together they are all."""

    passing: int
    failing: int
    accepted: int
    unknown: int
    to_look_at: int
    not_applicable: int
    waiting: int
    confirmed: int


def counted(lines: Sequence[PostureLine]) -> Counted:
    """Count lines; what fails and is accepted isn't counted as failing."""
    checks = [line for line in lines if not line.is_manual]
    of = Counter(line.status for line in checks)
    accepted = sum(bool(line.accepted) for line in checks)
    waiting = sum(line.is_manual and line.needs_somebody for line in lines)
    return Counted(
        passing=of[Status.OK],
        failing=of[Status.FAILED] - accepted,
        accepted=accepted,
        unknown=of[Status.UNKNOWN],
        to_look_at=of[Status.WARNING],
        not_applicable=of[Status.NOT_APPLICABLE],
        waiting=waiting,
        confirmed=len(lines) - len(checks) - waiting,
    )


class Trend(Struct, frozen=True, kw_only=True):
    """What changed since a day: how many began to pass, and how many no longer do."""

    day: str
    better: int
    worse: int


def trend_of(posture: Posture, days: Sequence[Day]) -> Trend | None:
    """Compare with the oldest of the earlier days; None where there is none."""
    earlier = [day for day in days if day.day < posture.at.date().isoformat()]
    if not earlier:
        return None
    oldest = earlier[0]
    passed = {line.id for line in posture.lines if line.status is Status.OK}
    before = {check for check, status in oldest.statuses.items() if status is Status.OK}
    return Trend(day=oldest.day, better=len(passed - before), worse=len(before - passed))
