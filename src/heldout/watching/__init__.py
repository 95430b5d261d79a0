"""Measuring a model while it trains. `heldout.watch` is `watching.watch.watch`."""
