"""Sampling the posterior around a trained point: shared pieces of `llc` and `volume`."""
