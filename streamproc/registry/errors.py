"""The errors of a schema registry."""

from streamproc.errors import StreamprocError


class RegistryUnavailableError(StreamprocError):
    """A registry does not answer, or refuses to; what needs a schema has to wait.

    Nothing is lost. Correct `registry:` in the configuration, or start the registry.
    """
