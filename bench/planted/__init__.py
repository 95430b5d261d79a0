"""Planted subjects: trained models whose truth is known by construction. `families.py` lists and splits them."""
