"""Kafka into Kafka: drop duplicates, label, find stories."""
