"""The operator's own detections: the Sigma rules of the folder that the setting `SIGMA_RULES` names."""

from collections.abc import Mapping
from pathlib import Path

from responders.catalogue import CATALOGUE
from shared.detect.sigma.loaded import Loaded
from shared.model.detections import AnyDetection


def rules_in(folder: str) -> Loaded:
    """Read the rules of a folder; there are none where no folder is set."""
    if not folder:
        return Loaded()
    from shared.detect.sigma.load import load  # noqa: PLC0415 - pySigma is imported where there are rules

    return load(Path(folder))


def catalogue_of(environment: Mapping[str, str]) -> tuple[AnyDetection, ...]:
    """Give the product's detections and then those of the rules that `environment` names."""
    return (*CATALOGUE, *rules_in(environment.get("SIGMA_RULES", "").strip()).detections)
