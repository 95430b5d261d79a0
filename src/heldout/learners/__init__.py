"""Learners: ways of moving a population.

Training by a `Recipe` is one composed piece, whose files import each other in one direction only:
`training -> {paths, crew, memory, grouping} -> {stepping, looped} -> {stacked, vmapped, optimizers, orders} -> population`.
"""
