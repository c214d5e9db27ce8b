"""Forgetting: articles that must go from every place we keep them in, and must stay away (`kiosque forget`).

targets.py    what is to be forgotten -> orders; which sightings of articles they concern        pure
remains.py    where text remains, and until when                                                  pure
sightings.py  what the topics say of articles: id, addresses, publisher                           Kafka
writer.py     writes orders and withdrawals, acknowledged                                         Kafka
operation.py  the order of things; killed anywhere and run again, it completes
"""
