"""`kiosque bench`: how fast a stage is on real servers, beside what only copies, in one run on one machine.

load.py      messages recombined from the newsstand's texts, by a seed
process.py   one process from its start to its end: messages a second, CPU seconds, memory
copying.py   the comparison: a plain consumer and producer that decides nothing
stages.py    the benchmarks of dedupe and cluster
summary.py   repetitions -> median and spread, as a table or as JSON
"""
