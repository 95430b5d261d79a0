"""Studies: one file a claim, with its rule. `heldout.laboratory` runs them; `kept/` holds the rows of full runs."""
