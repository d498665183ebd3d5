"""Fetch schemas of a schema registry, and make decoders of them. Needs the extra `registry`."""
