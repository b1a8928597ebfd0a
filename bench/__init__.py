"""Benchmarks: Rollcall beside its peers and limits, on the same servers, with the same rows; `python -m bench`."""
