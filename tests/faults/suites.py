"""Rows that the tests of the project hold already."""

import asyncio
import re
import sys
from pathlib import Path

from faults.matrix import Failed

ROOT = Path(__file__).parents[2]


async def passed(*paths: str) -> str:
    """Run some tests and say how many there were; all have to pass, and none may be left out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-rs", *paths),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    text = out.decode()
    if process.returncode != 0 or "SKIPPED" in text:
        raise Failed(text[-500:])
    count = sum(map(len, re.findall(r"^([.]+)\s+\[", text, re.MULTILINE)))
    return f"{count} tests passed: {', '.join(f'`{path}`' for path in paths)}"
