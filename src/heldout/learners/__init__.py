"""Learners: ways of moving a population.

Training by a `Recipe` is one composed piece, so its files import each other, in one direction only:
`training` (what callers use) -> `paths`, `memory`, `crew` -> `stepping`, `looped`, `probe` -> `stacked`, `vmapped`,
`optimizers`, `orders`, `plan` -> `population`.

Search without gradients has one interface and one accounting, `black_box`; a searcher is a file that imports no other.
"""
