"""Other ways of watching a stream, as their users would write them, and the worker itself."""
