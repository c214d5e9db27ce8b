"""The dead letters as an operator sees them: found, shown, tried again, dropped (`kiosque dead`).

letters.py   which records are letters, which of them are open, which are wanted     pure
resending.py where a letter goes back to, with which headers                         pure
text.py      tables, lines of JSON, advice                                           pure
topic.py     reads articles.dead                                                     Kafka
sender.py    sends letters back and writes what became of them                       Kafka
"""
