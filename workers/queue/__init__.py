"""The queue's interface: deliveries, the messages that carry them, and the brokers.

The receiver imports nothing else of the workers.
"""
