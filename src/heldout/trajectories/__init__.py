"""Trajectories: the checkpoints of one training run, measured along the way and kept as a run."""
