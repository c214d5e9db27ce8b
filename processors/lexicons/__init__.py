"""Data the labels rest on: word lists, gazetteer, weights. README.md names the source and licence of each."""
