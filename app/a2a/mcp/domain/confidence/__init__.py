"""What we know of how sure to be: evidence, factors, doubts, pooled beliefs, and whether past confidence was honest."""
