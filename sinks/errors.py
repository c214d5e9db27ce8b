"""What can go wrong between Kafka and Elasticsearch, and who reacts.

    SinkError                 wrong setting or wrong index: somebody must act; the command line shows both sentences
    Unavailable               a server does not do its work now: wait, keep polling, try again, commit nothing
      StoreUnavailable        ... Elasticsearch
      SourceUnavailable       ... Kafka, as the consumer sees it
      DeadLettersUnavailable  ... Kafka, as the producer of dead letters sees it

What is wrong with one message is no exception: it is a verdict (outcomes.py) and ends as a dead letter.
"""


class SinkError(Exception):
    """Something that a person must put right before the sink can work.

    Args:
        problem: what is wrong, as a clause without a final stop.
        advice: what to do next, as an imperative clause.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}.")
        self.problem = problem
        self.advice = advice


class Unavailable(Exception):
    """A server does not do its work now; the same call may succeed later."""


class StoreUnavailable(Unavailable):
    """Elasticsearch does not answer, or answers that it cannot write now."""


class SourceUnavailable(Unavailable):
    """The Kafka consumer failed; it goes on by itself once the broker is back."""


class DeadLettersUnavailable(Unavailable):
    """Dead letters were not acknowledged."""
