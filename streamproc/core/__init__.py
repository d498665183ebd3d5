"""The pure heart of the pipeline: bytes of one partition in, alerts and dead letters out.

Nothing here reads a clock, draws a random number or talks to anyone, so the worker, the
backtest, the notebook and the tests run the same code and get the same alerts.
"""
