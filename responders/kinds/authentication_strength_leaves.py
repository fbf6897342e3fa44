"""Authentication strengths as leaves: how they are split, compared, and written again as JSON.

The combinations of methods that satisfy a strength are a set. A configuration says which keys or whose certificates a
combination takes; it is a leaf by the combinations that it applies to, for one that is made again has another id.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from responders.kinds.json_leaves import GUID, Shape, is_empty, member, without_annotations
from shared.model.kinds import Image, Json
from shared.model.objects import EXISTS, Leaves, list_of

COMBINATIONS: Final = "allowedCombinations"
CONFIGURATIONS: Final = "combinationConfigurations"
APPLIES_TO: Final = "appliesToCombinations"
TEXTS: Final = frozenset({"displayName", "description"})

_TYPE: Final = "@odata.type"
_OF_KEYS: Final = "#microsoft.graph.fido2CombinationConfiguration"
_OF_CERTIFICATES: Final = "#microsoft.graph.x509CertificateCombinationConfiguration"
_KEY_MODELS: Final = "allowedAAGUIDs"

_LEFT_OUT: Final = frozenset(
    {"id", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied", COMBINATIONS, CONFIGURATIONS}
)
"""What nobody writes, `requirementsSatisfied` among it, which follows from the combinations; and what is split here."""

SHAPE: Final = Shape(left_out=_LEFT_OUT)
KNOWN: Final = TEXTS | _LEFT_OUT
"""Names at the top of a strength."""

_METHODS: Final = {
    each.lower(): each
    for each in (
        *("password", "voice", "sms", "email", "fido2", "windowsHelloForBusiness", "qrCodePin"),
        *("hardwareOath", "softwareOath", "microsoftAuthenticatorPush", "deviceBasedPush"),
        *("temporaryAccessPassOneTime", "temporaryAccessPassMultiUse"),
        *("x509CertificateSingleFactor", "x509CertificateMultiFactor"),
        *("federatedSingleFactor", "federatedMultiFactor"),
    )
}
_PLACES: Final = {"password": 0, "federatedSingleFactor": 2}
"""Graph writes the password first and the federated factor last."""


def leaves(strength: Image) -> dict[str, Json]:
    """Split a strength."""
    listed = strength.get(COMBINATIONS)
    combinations = [_combination(str(each)) for each in cast("list[Any]", listed)] if isinstance(listed, list) else []
    return (
        SHAPE.split(strength)
        | {member(COMBINATIONS, each): each for each in combinations}
        | {leaf: _content(each) for leaf, each in configurations(strength).items()}
    )


def configurations(strength: Image) -> dict[str, Image]:
    """Give the configurations, as they are printed, by their leaves."""
    listed = strength.get(CONFIGURATIONS)
    found: dict[str, Image] = {}
    for each in sorted(cast("list[Image]", listed) if isinstance(listed, list) else [], key=_order):
        name = "+".join(_applies_to(each))
        twins = sum(1 for leaf in found if leaf.partition(" ")[0] == f"{CONFIGURATIONS}.{name}")
        found[f"{CONFIGURATIONS}.{name}" + (f" {twins + 1}" if twins else "")] = each
    return found


def _order(configuration: Image) -> bytes:
    return msgspec.json.encode(_content(configuration), order="sorted")


def _applies_to(configuration: Image) -> list[str]:
    return sorted(_combination(str(each)) for each in configuration.get(APPLIES_TO) or ())


def _content(configuration: Image) -> Image:
    """Give what a configuration says, without its id and type: the type follows from it, and records leave it out."""
    plain = cast("Image", without_annotations(configuration))
    said = {name: value for name, value in plain.items() if name not in {"id", _TYPE} and not is_empty(value)}
    content = {
        name: _set(cast("list[Any]", value)) if isinstance(value, list) else value for name, value in said.items()
    }
    return content | {APPLIES_TO: _applies_to(configuration)}


def _set(values: list[Any]) -> list[Any]:
    texts = (each.lower() if isinstance(each, str) and GUID.fullmatch(each) else each for each in values)
    return sorted(texts, key=lambda each: msgspec.json.encode(each, order="sorted"))


def _combination(text: str) -> str:
    """Spell a combination as Graph does, in whatever order and case its methods are named."""
    methods = [_METHODS.get(each.strip().lower(), each.strip()) for each in text.split(",") if each.strip()]
    return ",".join(sorted(methods, key=lambda each: (_PLACES.get(each, 1), each)))


def is_whole(strength: Image) -> bool:
    """Say whether an object in a record is a strength with everything that can be written to one."""
    return COMBINATIONS in strength and CONFIGURATIONS in strength


def of_record(image: Image) -> dict[str, Json]:
    """Split an object in a record: it may be a configuration alone, which isn't a strength."""
    return leaves(image) if COMBINATIONS in image else {}


# Writing.


def combinations_of(values: Leaves) -> list[Json]:
    """Give the combinations as Graph lists them."""
    return [value for leaf, value in sorted(values.items()) if list_of(leaf) == COMBINATIONS]


def configurations_of(values: Leaves) -> Mapping[str, Image]:
    """Give the bodies of the configurations, by their leaves."""
    return dict(_bodies(values))


def _bodies(values: Leaves) -> Iterator[tuple[str, Image]]:
    for leaf, value in values.items():
        if leaf.startswith(f"{CONFIGURATIONS}.") and isinstance(value, dict):
            yield leaf, {_TYPE: _OF_KEYS if _KEY_MODELS in value else _OF_CERTIFICATES, **value}


def as_image(object_id: str, values: Leaves) -> Image:
    """Give a strength as Graph will give it, as far as it decides about sign-ins."""
    return {
        "id": object_id,
        COMBINATIONS: combinations_of(values),
        CONFIGURATIONS: [*configurations_of(values).values()],
    }


def new_body(values: Leaves) -> Image:
    """Write the body that makes a strength; its configurations are made one by one when it is there."""
    texts = {name: values[name] for name in sorted(TEXTS) if name in values}
    return {**texts, COMBINATIONS: combinations_of(values)}


def is_joint(leaf: str) -> bool:
    """Whether a leaf is of existence."""
    return leaf == EXISTS
