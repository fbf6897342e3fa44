"""From a parsed rule to a condition, by the tree that pySigma makes of its detections."""

from collections.abc import Iterator
from typing import Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.modifiers import reverse_modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import SigmaBool, SigmaExists, SigmaNull, SigmaNumber, SigmaString, SpecialChars

from shared.detect.sigma.fields import answer_for
from shared.detect.sigma.patterns import Answer, Inexpressible, Pattern, pattern_of
from shared.detect.sigma.reading import Parsed
from shared.model.conditions import All, AnyOf, Condition, Is, Not, OneOf, Text
from shared.model.events import Log

_SAID: Final = frozenset({"contains", "startswith", "endswith", "all", "exists", "neq"})
_UNSAID: Final = {
    "re": "regular expressions can't be said",
    "cidr": "networks can't be said",
    "cased": "case isn't told apart here",
    "fieldref": "two fields can't be compared",
    "expand": "it has placeholders, which only its authors' tools fill",
}

_NO_WORD: Final = "this modifier can't be said"


def condition_of(parsed: Parsed, log: Log, *, service: str = "") -> Condition[Any]:
    """Say what a rule asks of the records of a log; `service` is as in `answer_for`.

    Raises:
        Inexpressible: part of it can't be said; the text names every such part.
    """
    modified = dict.fromkeys(_unsaid_modifiers(parsed.rule))
    if modified:
        raise Inexpressible("; ".join(modified))
    translation = _Translation(log, service)
    conditions = [translation.of(tree) for tree in parsed.trees]
    if translation.reasons:
        raise Inexpressible("; ".join(translation.reasons))
    return _some(conditions)


def _unsaid_modifiers(rule: SigmaRule) -> Iterator[str]:
    for item in _items(list(rule.detection.detections.values())):
        for modifier in item.modifiers:
            name = reverse_modifier_mapping[modifier.__name__]
            if name not in _SAID:
                yield f"{item.field or ''}|{name}: {_UNSAID.get(name, _NO_WORD)}"


def _items(detections: list[SigmaDetection | SigmaDetectionItem]) -> Iterator[SigmaDetectionItem]:
    for detection in detections:
        if isinstance(detection, SigmaDetection):
            yield from _items(detection.detection_items)
        else:
            yield detection


class _Translation:
    """Translates one rule's tree. What can't be said is gathered, so that all of it is named at once."""

    def __init__(self, log: Log, service: str) -> None:
        self._log = log
        self._service = service
        self._reasons: dict[str, None] = {}

    @property
    def reasons(self) -> list[str]:
        """Each thing that couldn't be said, once."""
        return list(self._reasons)

    def of(self, node: object) -> Condition[Any]:
        """Translate a node of the tree; one that can't be said becomes a condition that nothing meets."""
        try:
            return self._of(node)
        except Inexpressible as because:
            self._reasons[str(because)] = None
            return AnyOf(())

    def _of(self, node: object) -> Condition[Any]:
        match node:
            case ConditionAND():
                return _every([self.of(term) for term in node.args])
            case ConditionOR():
                return _some([self.of(term) for term in node.args])
            case ConditionNOT():
                return _opposite(self.of(node.args[0]))
            case ConditionFieldEqualsValueExpression():
                return self._compared(node.field, node.value)
            case ConditionValueExpression():
                raise Inexpressible("it looks for words anywhere in a record: name the field, like operationName")
            case _:
                raise Inexpressible("its condition asks nothing")

    def _compared(self, name: str, value: object) -> Condition[Any]:
        answer = answer_for(self._log, name, service=self._service)
        try:
            return _asked(answer, value)
        except Inexpressible as because:
            raise Inexpressible(f"{name}: {because}") from None


def _asked(answer: Answer, value: object) -> Condition[Any]:
    """Ask a field for one value. A text that is empty, null, and a field that isn't there are one and the same."""
    match value:
        case SigmaNull():
            return _opposite(answer.is_there())
        case SigmaExists():
            return answer.is_there() if value.exists else _opposite(answer.is_there())
        case SigmaBool():
            return answer.meets(Pattern(text=str(value.boolean).lower()))
        case SigmaNumber():
            return answer.meets(Pattern(text=str(value.number)))
        case SigmaString():
            return _text_asked(answer, value)
        case _:
            raise Inexpressible(f"a value of kind {type(value).__name__} can't be said")


def _text_asked(answer: Answer, value: SigmaString) -> Condition[Any]:
    parts = list(value.s)
    open_start = bool(parts) and parts[0] is SpecialChars.WILDCARD_MULTI
    open_end = bool(parts) and parts[-1] is SpecialChars.WILDCARD_MULTI
    inner = [part for part in parts if part is not SpecialChars.WILDCARD_MULTI]
    if not inner:
        return answer.is_there() if parts else _opposite(answer.is_there())
    if len(inner) > 1 or not isinstance(inner[0], str):
        raise Inexpressible(f"{str(value)!r} has a wildcard that isn't a * at its beginning or end")
    pattern = pattern_of(inner[0], open_start=open_start, open_end=open_end)
    if pattern.is_whole and not pattern.text:
        return _opposite(answer.is_there())
    return answer.meets(pattern)


def _opposite(condition: Condition[Any]) -> Condition[Any]:
    return condition.term if isinstance(condition, Not) else Not(condition)


def _every(terms: list[Condition[Any]]) -> Condition[Any]:
    """Join terms without nesting what is alike, so that the index of `match` and Kusto see one flat list."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, All) else (term,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def _some(terms: list[Condition[Any]]) -> Condition[Any]:
    """Join alternatives in the same way, equalities with one field as one."""
    flat = _equalities_first([part for term in terms for part in (term.terms if isinstance(term, AnyOf) else (term,))])
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _equalities_first(terms: list[Condition[Any]]) -> list[Condition[Any]]:
    """Put equalities with one field together."""
    values: dict[Text[Any], frozenset[str]] = {}
    others: list[Condition[Any]] = []
    for term in terms:
        match term:
            case Is(field, value):
                values[field] = values.get(field, frozenset()) | {value}
            case OneOf(field, several):
                values[field] = values.get(field, frozenset()) | several
            case _:
                others.append(term)
    together: list[Condition[Any]] = [
        Is(field, *found) if len(found) == 1 else OneOf(field, found) for field, found in values.items()
    ]
    return [*together, *others]
