"""Benchmarks: each prints a measured figure with a peer beside it in the same process, its n and the machine."""
