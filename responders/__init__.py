"""What the product knows: detections, remediations and the bindings that start them."""
