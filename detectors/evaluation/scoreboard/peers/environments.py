"""Where the peers are installed, and how to install them."""

import os
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streamproc.detectors.evaluation.scoreboard.peers.catalogue import LIBRARIES, REQUIREMENTS
from streamproc.detectors.evaluation.scoreboard.peers.process import SIDE, Peer, PeerError


def folder(given: Path | None) -> Path:
    """Directory with one environment a peer: as given, or in the user's cache."""
    return given or Path.home() / ".cache" / "detectors" / "peers"


def interpreter(directory: Path, peer: str) -> Path:
    """Python of a peer's environment."""
    inside = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
    return directory / peer / inside


@dataclass(frozen=True, slots=True)
class Peers:
    """Who takes part, and who does not.

    Attributes
    ----------
    here
        Peers that are installed.
    absent
        Other peer, as printed → why nothing of it is measured.
    """

    here: Sequence[Peer] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """End their processes."""
        for peer in self.here:
            peer.close()


NOBODY = Peers()
"""No peer is asked."""


def installed(directory: Path) -> Peers:
    """Find the peers that are there."""
    here, absent = [], {}
    for peer in REQUIREMENTS:
        python = interpreter(directory, peer)
        if python.is_file():
            here.append(Peer(peer, [str(python), str(SIDE), peer]))
        else:
            absent[LIBRARIES[peer]] = (
                f"not installed: there is no {python}; "
                "`python -m streamproc.detectors.evaluation.scoreboard --install-peers` makes it"
            )
    return Peers(here, absent)


def install(
    directory: Path, notify: Callable[[str], None], run: Callable[[Sequence[str]], None]
) -> dict[str, str]:
    """Make each peer's environment, and see that it starts.

    Parameters
    ----------
    directory
        In which one environment a peer is made; one that is there is completed.
    notify
        Called with the name of each peer before it is installed.
    run
        Runs a command, see `process.run`.

    Returns
    -------
    dict
        Peer → why it could not be installed.
    """
    failed = {}
    for peer, requirement in REQUIREMENTS.items():
        notify(f"installing {requirement}")
        python = interpreter(directory, peer)
        try:
            if not python.is_file():
                venv.create(directory / peer, with_pip=True)
            run([str(python), "-m", "pip", "install", "--quiet", requirement])
            with Peer(peer, [str(python), str(SIDE), peer]) as one:
                one.start()
        except (OSError, PeerError) as error:
            failed[peer] = str(error)
    return failed
