"""Detections of many records together: thresholds and sequences."""
