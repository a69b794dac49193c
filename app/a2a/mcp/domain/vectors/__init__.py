"""Vectors: comparing them, ranking lists of them, and keeping collections that every instance can search."""
