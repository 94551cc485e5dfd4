"""The bounded load generator: `python -m bench` measures a stack of its own, `python -m
bench.compare` sets it beside peers."""
