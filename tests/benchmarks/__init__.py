"""Figures that are promises: how fast the app starts and records are matched. `python -m tests.benchmarks.run`."""
