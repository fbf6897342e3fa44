"""What runs the responder: Bicep for Azure, and stand-ins for Azure on a laptop."""
