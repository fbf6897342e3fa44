"""From an event to the detections that it meets."""
