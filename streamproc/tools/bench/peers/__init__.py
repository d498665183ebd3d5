"""Peers: other stream processors as their users would write them, and the worker."""
