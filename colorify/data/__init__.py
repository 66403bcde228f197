"""Pictures to learn from: manifest, cache of decoded pixels, batches."""
