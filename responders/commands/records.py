"""What the commands that read records from files say of them."""

from collections import Counter


def not_judged_in_words(counts: Counter[str]) -> str:
    """Say how many records were of categories that no detection judges, to follow other figures; "" for none."""
    listed = ", ".join(f"{category} {number}" for category, number in sorted(counts.items()))
    return f", of categories that nothing judges: {listed}" if listed else ""
