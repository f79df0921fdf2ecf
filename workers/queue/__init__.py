"""The queue's contract: what a delivery is, how a group of them travels, and where the queue is.

This is all that the receiver knows of the workers.
"""
