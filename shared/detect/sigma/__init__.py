"""Sigma rules as detections. pySigma reads them; what they ask is said here as the product's own conditions.

A rule either means exactly what its authors wrote, or it isn't loaded and it is said why. Only `load` imports pySigma,
so that an app without rules starts without it.
"""
