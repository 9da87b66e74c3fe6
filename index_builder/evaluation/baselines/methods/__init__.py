"""The methods: each module fits one kind of scorer on the training baskets.

`measuring.scorer.top` ranks by its scores.
"""
