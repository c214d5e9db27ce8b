"""Labelling the archive anew (`kiosque replay`): articles.enriched -> articles.reenrich, at a bounded pace.

selection.py     which articles are meant                                              pure
runs.py          one run: what it selects, how far it is                               pure
portions.py      records of articles.enriched -> records of articles.reenrich          pure
pace.py          so many a second                                                      pure
text.py          runs and progress in words, as a table, as JSON                       pure
enriched_log.py  reads articles.enriched                                               Kafka
backlog.py       what the worker `reenrich` has not done yet                           Kafka
run_log.py       the topic `replays`, and the right to write to it                     Kafka
replay.py        one run: read, wait, write, portion by portion

A portion's articles and the run's progress are written in one transaction. So a run that was killed, wherever it was,
goes on behind the last article that it wrote: each is written once in a run. The worker's results are told apart from
news by their version (revision << 20 | run), and cluster drops those whose article was corrected in the meantime.
"""
