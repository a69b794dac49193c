"""What we know about texts: words, likeness, meaning, clusters, keyphrases and a lexicon."""
