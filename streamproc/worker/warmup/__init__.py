"""Compile or load the jitted code of detectors, decoder and models before it is needed."""

from streamproc.worker.warmup.jit_cache import CompileError, warm_up, warm_up_learning

__all__ = ["CompileError", "warm_up", "warm_up_learning"]
