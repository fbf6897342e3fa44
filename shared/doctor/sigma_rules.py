"""The operator's Sigma rules: how many run as detections, which can't, and which of them get no records."""

from collections.abc import Iterator
from typing import Final

from shared.checks.check import Check, Finding, ok, warning
from shared.detect.conditions import required
from shared.detect.fields import Resource
from shared.doctor.context import DoctorContext, settings_of
from shared.model.detections import AnyDetection
from shared.model.events import Log


def _loaded(context: DoctorContext) -> list[Finding]:
    folder = context.settings.sigma_rules
    if not folder:
        return [ok("SIGMA_RULES isn't set: there are none")]
    rules = context.content.rules
    loaded = f"rules of {folder} that run as detections: {len(rules.detections)}"
    problems = (warning(str(problem)) for problem in rules.problems)
    never = (warning(f"it never matches: {problem}", cure=_NEVER) for problem in rules.never_matching)
    return [ok(loaded) if rules.detections else warning(loaded), *problems, *never, *_without_records(context)]


def _without_records(context: DoctorContext) -> Iterator[Finding]:
    """Name the rules on records that never come in."""
    rules = context.content.rules.detections
    own = [each for each in context.content.detections if each not in rules]
    delivered = frozenset[str]().union(*(_operations(each) or () for each in own))
    for rule in rules:
        by_stream = bool(context.settings.audit_stream_hub)
        if rule.log is Log.SIGN_IN and not context.settings.polls_sign_ins and not by_stream:
            yield warning(f"{rule.id} is about sign-ins, but SIGN_INS is off", cure="Set SIGN_INS to poll.")
        asked = _operations(rule)
        if rule.log is Log.RESOURCE and (asked is None or asked - delivered):
            named = "whole kinds of operation" if asked is None else ", ".join(sorted(asked - delivered))
            yield warning(f"{rule.id} is about {named}, which Event Grid doesn't send", cure=_ASK)


def _operations(detection: AnyDetection) -> frozenset[str] | None:
    return required(detection.when, Resource.operation) if detection.log is Log.RESOURCE else frozenset()


_NEVER: Final = "Ask in the rule for what records have, or take it out of the folder: nothing is found by it."
_ASK: Final = (
    "Add the operations to those of infra/modules/events.bicep, and deploy; until then the rule runs on exports only."
)

CHECKS: Final = (
    Check(
        id="sigma-rules-loaded",
        title="The Sigma rules run as detections",
        cure="Correct the rule, or take it out of the folder; `responder sigma FOLDER` tries it. Then deploy again.",
        reads=(settings_of,),
        run=_loaded,
    ),
)
