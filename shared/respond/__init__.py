"""Answers cases: from an opened case to its decision, its remediation and its pages."""
