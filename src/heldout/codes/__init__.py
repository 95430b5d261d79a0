"""Prefix codes and code lengths: whole numbers, symbols, subsets; lengths in bits, with the decoders that prove them."""
