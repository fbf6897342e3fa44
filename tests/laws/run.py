"""Plays stories by the thousand and prints what came of them: `python -m tests.laws.run --stories 10000`.

`--seed N` plays the story of one seed and says what it breaks, `--story '{...}'` plays one that was printed.
"""

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.fakes.matchers import matchers_made_once
from tests.laws.firings import ELSEWHERE, FEWEST, IN_STORIES
from tests.laws.oracle import judge, must_write
from tests.laws.orders import Maker, order_matters
from tests.laws.play import Story, play
from tests.laws.product import product
from tests.laws.stories import described, random_story, shrink

EACH_FIFTH: Final = 5
"""Law 7 is judged for each story whose seed is a multiple of this."""


@dataclass(slots=True)
class Counts:
    """What came of many stories. `broken` are the seeds by law, `most_pages` the most of a story."""

    totals: Counter[str] = field(default_factory=Counter[str])
    firings: Counter[str] = field(default_factory=Counter[str])
    broken: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    unwritten: list[int] = field(default_factory=list[int])
    most_pages: int = 0

    def add(self, other: "Counts") -> None:
        self.totals += other.totals
        self.firings += other.firings
        for law, seeds in other.broken.items():
            self.broken.setdefault(law, []).extend(seeds)
        self.unwritten += other.unwritten
        self.most_pages = max(self.most_pages, other.most_pages)


def count(seeds: Sequence[int], make: Maker = product) -> Counts:
    """Play and judge the stories of some seeds."""
    with matchers_made_once():
        return _counted(seeds, make)


def _counted(seeds: Sequence[int], make: Maker) -> Counts:
    counts = Counts()
    for seed in seeds:
        story = random_story(seed)
        result = play(story, make)
        writes = [deed for deed in result.world.history if deed.actor == "us"]
        counts.totals += Counter(
            {
                "stories": 1,
                "changes": len(result.world.history) - len(writes),
                "writes": len(writes),
                "stories with writes": int(bool(writes)),
                "pages": len(result.seen.pages),
                "cases": len(result.seen.cases),
                "effects": result.effects,
                "deaths": result.counts["deaths"],
            }
        )
        counts.firings += Counter(result.seen.firings)
        counts.most_pages = max(counts.most_pages, len(result.seen.pages))
        if must_write(result):
            counts.totals["must write"] += 1
            if not writes:
                counts.unwritten.append(seed)
        laws = {each.law for each in judge(result)}
        if seed % EACH_FIFTH == 0 and order_matters(story, make, Random(seed)):  # noqa: S311 - a story, no secret
            laws.add("7")
        for law in laws:
            counts.broken.setdefault(law, []).append(seed)
    return counts


def _in_parallel(seeds: Sequence[int], processes: int) -> Counts:
    batches = [seeds[begin : begin + 50] for begin in range(0, len(seeds), 50)]
    counts = Counts()
    with multiprocessing.Pool(processes) as pool:
        for done in pool.imap(count, batches):
            counts.add(done)
    return counts


def is_broken(law: str, make: Maker = product) -> Callable[[Story], bool]:
    """Give whether a story breaks a law, as the shrinker asks."""

    def broken(story: Story) -> bool:
        if law == "7":
            return bool(order_matters(story, make, Random(story["seed"])))  # noqa: S311 - a story, no secret
        result = play(story, make)
        if law == "unwritten":
            return bool(must_write(result)) and not any(deed.actor == "us" for deed in result.world.history)
        return any(each.law == law for each in judge(result))

    return broken


def report(counts: Counts, *, shown: int) -> list[str]:
    """Write the counts, and for each law that is broken the shrunk stories of some seeds."""
    lines = [f"{name:22} {number}" for name, number in sorted(counts.totals.items())]
    lines += [f"{'most pages of a story':22} {counts.most_pages}", "", "objections of each guard:"]
    guards = {name: counts.firings[name] for name in IN_STORIES | (counts.firings.keys() & ELSEWHERE.keys())}
    lines += [f"  {name:40} {number}" for name, number in sorted(guards.items())]
    few = [name for name in IN_STORIES if guards[name] * 10_000 < FEWEST * counts.totals["stories"]]
    lines += [f"  too seldom: {', '.join(sorted(few))}"] if few else []
    lines += ["", "why leaves weren't put back else:"]
    verdicts = counts.firings.keys() - guards.keys()
    lines += [f"  {name:40} {counts.firings[name]}" for name in sorted(verdicts)]
    lines += ["", f"must write and wrote nothing: {len(counts.unwritten)} {sorted(counts.unwritten)}"]
    broken = {**counts.broken, **({"unwritten": counts.unwritten} if counts.unwritten else {})}
    for law, seeds in sorted(broken.items()):
        lines.append(f"law {law}: broken in {len(seeds)} stories, seeds {sorted(seeds)}")
        lines += [line for seed in sorted(seeds)[:shown] for line in _shrunk(law, seed)]
    return lines


def _shrunk(law: str, seed: int) -> list[str]:
    small = shrink(random_story(seed), is_broken(law))
    said = [f"      law {each.law}: {each.sentence}" for each in judge(play(small, product))]
    return [f"   seed {seed}: {described(small)}", *said]


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _say(story: Story) -> int:
    result = play(story, product)
    _print(described(story))
    for deed in result.world.history:
        _print(f"  {deed.at:9.1f} {deed.actor:7} {deed.op:7} {deed.name:4} heard {deed.heard:9.1f} {deed.diff}")
    for page in result.seen.pages:
        _print(f"  page {page.at:9.1f} {[each[-12:] for each in page.object_ids]} {page.text[:160]}")
    for object_id, pending in result.seen.pending.items():
        _print(f"  pending {object_id[-12:]} {pending}")
    for intent in result.seen.intents:
        _print(
            f"  intent {intent.at:9.1f} {intent.object_id[-12:]} {intent.op} done={intent.is_done} {dict(intent.steps)}"
        )
    found = judge(result)
    for each in found:
        _print(f"  law {each.law}: {each.sentence}")
    _print(f"  must write: {must_write(result)}")
    return int(bool(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; gives the exit code: 1 where a law is broken."""
    if os.environ.get("PYTHONHASHSEED") != "0" and arguments is None:
        # A set of texts is walked in an order that each process chooses for itself; a seed has to give the same story.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.laws.run", *sys.argv[1:]])  # noqa: S606 - this program
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="python -m tests.laws.run", description=__doc__)
    parser.add_argument("--stories", type=int, default=10_000)
    parser.add_argument("--from", dest="begin", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shown", type=int, default=2, help="how many shrunk stories are shown for each law")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--story")
    asked = parser.parse_args(arguments)
    if asked.story or asked.seed is not None:
        return _say(json.loads(asked.story) if asked.story else random_story(asked.seed))
    _print(f"seeds {asked.begin} to {asked.begin + asked.stories - 1}")
    begun = time.monotonic()
    counts = _in_parallel(range(asked.begin, asked.begin + asked.stories), asked.processes)
    _print("\n".join(report(counts, shown=asked.shown)))
    _print(f"{time.monotonic() - begun:.0f} s")
    return int(bool(counts.broken or counts.unwritten))


if __name__ == "__main__":
    sys.exit(main())
