"""What a glance at a record must show for it to meet any of some detections."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.model.events import fold
from shared.model.prefilters import DetailSeen, IdSeen, NameSeen, PartSeen, Sight, TextSeen, ValueSeen
from shared.normalize.glance import Glance, Look, value_name


class _OneOf(Struct, frozen=True):
    """Sights of which a record must show one; values stand among the names as `glance.value_name` writes them."""

    ids: frozenset[str]
    names: frozenset[str]
    parts: tuple[str, ...]
    texts: tuple[tuple[str, frozenset[str]], ...]

    @property
    def is_about_ids(self) -> bool:
        """Whether nothing but ids needs to be looked at."""
        return not (self.names or self.parts or self.texts)

    def is_seen(self, ids: Sequence[str], names: Sequence[str], glance: Glance) -> bool:
        """Say whether one is among these, or in a text of the record."""
        if not self.ids.isdisjoint(ids) or (names and self._is_named(names)):
            return True
        for key, texts in self.texts:  # noqa: SIM110 - a generator would cost as much as a text
            if (text := getattr(glance, key)) and fold(text) in texts:
                return True
        return False

    def _is_named(self, names: Sequence[str]) -> bool:
        return not self.names.isdisjoint(names) or any(part in name for part in self.parts for name in names)


class GlanceFilter(Struct, frozen=True):
    """What must be seen for one of several detections: one of `either`, or one of each in a `together`.

    Ids are looked at first: most records show none that is sought, and names take longer. `first_ids` are those that
    any of them looks for; None where names have to be looked at all the same.
    """

    either: _OneOf
    together: tuple[tuple[_OneOf, ...], ...]
    look: Look
    first_ids: frozenset[str] | None

    def admits(self, glance: Glance) -> bool:
        """Say whether a record could meet one; one of which a glance can't tell is admitted."""
        ids = glance.ids(self.look)
        if ids is None:
            return True
        if self.first_ids is not None and self.first_ids.isdisjoint(ids):
            return False
        if not self.either.ids.isdisjoint(ids):
            return True
        names = glance.names(self.look) if self.look.names else ()
        if names is None or self.either.is_seen(ids, names, glance):
            return True
        return bool(self.together) and any(
            all(one.is_seen(ids, names, glance) for one in each) for each in self.together
        )


def glance_filter(needs: Iterable[tuple[frozenset[Sight], ...]]) -> GlanceFilter | bool:
    """Make the filter of what each detection needs; True or False where it needn't look at any record."""
    possible = [each for each in needs if frozenset() not in each]
    if not possible or () in possible:
        return bool(possible)
    either = _one_of(frozenset[Sight]().union(*(each[0] for each in possible if len(each) == 1)))
    together = tuple(tuple(map(_one_of, each)) for each in dict.fromkeys(possible) if len(each) > 1)
    seen = frozenset[Sight]().union(*(one for each in possible for one in each))
    look = Look(
        nobody=IdSeen("") in seen,
        names=any(not isinstance(sight, IdSeen | TextSeen) for sight in seen),
        details=any(isinstance(sight, DetailSeen) for sight in seen),
        values=frozenset(sight.name for sight in seen if isinstance(sight, ValueSeen)),
    )
    return GlanceFilter(either, together, look, _first_ids(either, together))


def _first_ids(either: _OneOf, together: Iterable[tuple[_OneOf, ...]]) -> frozenset[str] | None:
    """Give ids of which a record must show one to be admitted; None where it may be admitted by names alone."""
    if not either.is_about_ids:
        return None
    by_id = [min((one.ids for one in each if one.is_about_ids), key=len, default=None) for each in together]
    known = [ids for ids in by_id if ids is not None]
    return either.ids.union(*known) if len(known) == len(by_id) else None


def _one_of(sights: frozenset[Sight]) -> _OneOf:
    ids, names, parts = set[str](), set[str](), set[str]()
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for sight in sights:
        match sight:
            case IdSeen(id):
                ids.add(id.lower())
            case NameSeen(name) | DetailSeen(name):
                names.add(name)
            case PartSeen(part):
                parts.add(part)
            case ValueSeen(name, value):
                names.add(value_name(name, value))
            case TextSeen(key, text):
                texts[key].add(text)
    at_keys = tuple((key, frozenset(of_key)) for key, of_key in texts.items())
    return _OneOf(frozenset(ids), frozenset(names), tuple(sorted(parts)), at_keys)
