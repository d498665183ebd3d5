"""The warm-up of a worker."""

import subprocess
import sys

CODE = """
from detectors import binned_kernel, change_points_kernel, embedding_kernel, shares_kernel
from streamproc import Monitor
from streamproc.transport.warm import warm_up

warm_up()
kernels = binned_kernel, change_points_kernel, embedding_kernel, shares_kernel
before = [len(kernel.scan.signatures) for kernel in kernels]
Monitor().process(
    {"model_id": "m", "features": {"n": row / 7, "t": str(row % 40), "e": [row / 3] * 70}}
    for row in range(3000)
)
print(before, [len(kernel.scan.signatures) for kernel in kernels])
"""


def test_after_the_warm_up_nothing_is_compiled() -> None:
    """Numbers, texts and embeddings are watched with the loops that the warm-up compiled."""
    said = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True
    )
    assert said.stdout == "[1, 1, 1, 1] [1, 1, 1, 1]\n"
