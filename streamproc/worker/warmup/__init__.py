"""The loops of detectors, reader and learners, compiled before anybody waits for them."""

from streamproc.worker.warmup.jit_cache import CompileError, warm_up, warm_up_learning

__all__ = ["CompileError", "warm_up", "warm_up_learning"]
