"""Doors from other frameworks into a `Subject`: scikit-learn and Hugging Face. Nothing here is imported until used."""
