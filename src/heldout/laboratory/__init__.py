"""Laboratory: runs the studies of `heldout.studies`, one file a claim, and shows what they found."""
