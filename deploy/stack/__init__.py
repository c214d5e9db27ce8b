"""The local stack: a real single-node Kafka and a real Elasticsearch, fetched, started and watched without Docker.

    cache ─► artifacts ─► java ─► kafka, elasticsearch ─► supervisor (through tether) ─► local_stack

Each file has one job; `local_stack.LocalStack` puts them together. What runs *on* the servers (topics, index templates,
services) is not known here.
"""
