"""The errors that a user of streamproc can meet; each message says what to do about it."""


class StreamprocError(Exception):
    """Base of every error that streamproc raises on purpose.

    Catch it to tell "streamproc refused this, and said why" from a fault of the program.
    """


class ConfigError(StreamprocError):
    """The configuration, or something that it refers to, cannot be used.

    Nothing has been started or touched when it is raised. Correct what the message names and
    start again; ``streamproc check CONFIG`` shows the same message without starting anything.

    Parameters
    ----------
    *problems : str
        One line for each thing that is wrong, naming file, line and field where they are known.

    Examples
    --------
    >>> print(ConfigError("a.yaml:1: group: too long", "a.yaml:2: broker: not a URL"))
    a.yaml:1: group: too long
    a.yaml:2: broker: not a URL
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every problem, one line each, in the order of the file."""
        return self.args

    def __str__(self) -> str:
        return "\n".join(self.problems)
