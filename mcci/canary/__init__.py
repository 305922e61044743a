"""Canaries: a new version takes over a service's traffic step by step, over every config cluster of a mesh.

What decides is pure and lies here: the state, the traffic, the plan, the guards. `clusters` reads and writes, `actions`
are what commands do with it, `judge` weighs the evidence, `report` shows what became of it.
"""
