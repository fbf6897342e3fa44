"""The operator's Sigma rules: how many run as detections, and which don't."""

from typing import Final

from shared.doctor.findings import Check, Finding, ok, warning
from shared.doctor.ground import Ground


def _loaded(ground: Ground) -> list[Finding]:
    folder = ground.settings.sigma_rules
    if not folder:
        return [ok("SIGMA_RULES isn't set: there are none")]
    rules = ground.content.rules
    loaded = f"rules of {folder} that run as detections: {len(rules.detections)}"
    return [ok(loaded) if rules.detections else warning(loaded), *(warning(str(each)) for each in rules.problems)]


CHECKS: Final = (
    Check(
        id="sigma-rules-loaded",
        title="The Sigma rules run as detections",
        cure="Put the rule right, or take it out of the folder; `responder sigma FOLDER` tries it. Then deploy again.",
        run=_loaded,
    ),
)
