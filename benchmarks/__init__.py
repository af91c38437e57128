"""Work done by us and by the official daemons in turn, compared: ``python -m benchmarks``."""
