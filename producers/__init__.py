"""The web into Kafka: poll feeds, fetch and extract pages, publish articles."""
