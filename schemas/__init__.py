"""The contract: what every room and every subscriber agrees on. Imports nothing of ours and no library but msgspec."""
