"""Is everything there, and once? The topics and the index compared, article by article (`kiosque audit`).

facts.py         what is known of an article, 48 bytes a fact                    pure
records.py       Kafka records and documents -> facts                            pure
history.py       all facts of one article; how far back the topics tell          pure
dedupe_rules.py, chain_rules.py, index_rules.py   what is wrong, hop by hop      pure
verdicts.py      the facts of one article -> its one outcome, or what is wrong   pure
problems.py      the slugs of what can be wrong, and the next step               pure
text.py          the result as a table, as JSON                                  pure
spill.py         facts on disk in buckets, given back article by article         files
topics.py        reads the topics once, up to ends noted at the start            Kafka
operation.py     the order of things
"""
