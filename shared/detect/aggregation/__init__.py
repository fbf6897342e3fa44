"""Detections of many records at once: thresholds, and sequences of two steps."""
