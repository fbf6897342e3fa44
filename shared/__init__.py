"""The stages that every change in a tenant passes through. It knows nothing about any one detection."""
