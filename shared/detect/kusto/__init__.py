"""Detections written as Kusto queries."""
