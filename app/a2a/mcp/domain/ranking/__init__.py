"""What we know of putting documents in order: words, links, vectors, time, and merging several orders."""
