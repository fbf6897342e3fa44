"""What the detections would have done with recorded logs."""
