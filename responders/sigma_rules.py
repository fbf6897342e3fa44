"""The operator's own detections: the Sigma rules of the folder that the setting `SIGMA_RULES` names."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from responders.catalogue import CATALOGUE
from shared.detect.conditions import required
from shared.detect.fields import Audit
from shared.detect.sigma.loaded import Loaded
from shared.model.detections import AnyDetection


def rules_in(folder: str) -> Loaded:
    """Read the rules of a folder; there are none where no folder is set."""
    if not folder:
        return Loaded()
    from shared.detect.sigma.load import load  # noqa: PLC0415 - pySigma is imported where there are rules

    return load(Path(folder), also_known=activities_of(CATALOGUE))


def activities_of(detections: Iterable[AnyDetection]) -> frozenset[str]:
    """Give the names of activities that detections look for; records have had each of them."""
    steps = [step for one in detections for step in (one.when, *([one.after.step_a] if one.after else []))]
    return frozenset[str]().union(*(required(step, Audit.activity) or () for step in steps))


def catalogue_of(environment: Mapping[str, str]) -> tuple[AnyDetection, ...]:
    """Give the product's detections and then those of the rules that `environment` names."""
    return (*CATALOGUE, *rules_in(environment.get("SIGMA_RULES", "").strip()).detections)
