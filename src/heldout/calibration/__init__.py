"""Calibration: every instrument against cases whose answers are known exactly. One file an instrument, each with `cases()`."""
