"""Compiles, and ends: ``python -m streamproc.transport.warm.process < config.json``."""

import sys

from streamproc.contract.config import Config
from streamproc.transport.warm.course import everything

if __name__ == "__main__":
    try:
        everything(Config.model_validate_json(sys.stdin.buffer.read()))
    except KeyboardInterrupt:  # its parent was told, too
        sys.exit(130)
