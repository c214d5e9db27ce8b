"""The one error that people see: what is wrong, and what to do next.

    UserError        wrong input, setting or machine: one sentence, no traceback, exit code 2
      StackError     a local server could not be fetched, started or stopped: exit code 3
      ServerAbsent   a server that a command needs does not answer: exit code 4

Anything else that reaches the command line is our own fault and keeps its traceback.
"""


class UserError(Exception):
    """Something that the person at the keyboard can put right.

    Args:
        problem: what is wrong, as a clause without a final stop ("port 9092 is taken by another program").
        advice: what to do next, as an imperative clause ("choose another with --kafka-port").
    """

    exit_code = 2

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}.")
        self.problem = problem
        self.advice = advice


class StackError(UserError):
    """A local server could not be fetched, started or stopped."""

    exit_code = 3


class ServerAbsent(UserError):
    """A server that this command cannot do without does not answer."""

    exit_code = 4
