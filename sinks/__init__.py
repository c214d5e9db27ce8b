"""Kafka into Elasticsearch, and reading it back."""
