"""``streamproc compile``."""

import asyncio
from pathlib import Path
from typing import Any

from streamproc.config.load import load
from streamproc.worker.warmup import warm_up, warm_up_learning


def test_compile_says_when_there_is_nothing_to_do(run: Any, tmp_path: Path) -> None:
    """The command for images may be run again, with the configuration of the workers."""
    file = tmp_path / "a.yaml"
    file.write_text("models: [{id: m, watch: [{on: '*', detectors: [cusum]}]}]\n")
    asyncio.run(warm_up(load(file)))
    asyncio.run(warm_up_learning())
    result = run("compile", "--config", file)
    assert (result.exit_code, result.stdout) == (0, "all is compiled\n")
