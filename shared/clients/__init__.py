"""The edges: everything that talks to something outside the process, passed in and never made at import time."""
