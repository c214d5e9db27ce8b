"""The bytes of a state record: a format byte, then MessagePack.

A reader that does not know the format must stop, not guess: what it misread would be written back.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec

FORMAT: Final = b"\x01"

S = TypeVar("S")


class StateFormatError(RuntimeError):
    """A state record that this release cannot read."""


class StateFormat(Generic[S]):
    """Records of one type on one state topic. Fields added at the end with a default keep old records readable."""

    def __init__(self, kafka_topic: str, record: type[S]) -> None:
        self._kafka_topic = kafka_topic
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: Any = msgspec.msgpack.Decoder(record)

    def encode(self, record: S) -> bytes:
        """The record's bytes."""
        return FORMAT + self._encoder.encode(record)

    def decode(self, value: bytes) -> S:
        """The record.

        Raises:
            StateFormatError: another format, or damaged.
        """
        try:
            if value[:1] == FORMAT:
                return self._decoder.decode(value[1:])  # type: ignore[no-any-return]  # as constructed
            why = f"its format is {value[:1]!r}, this release knows {FORMAT!r}"
        except msgspec.MsgspecError as error:
            why = str(error)
        raise StateFormatError(
            f"a record on {self._kafka_topic} cannot be read ({why}): go back to the release that wrote it, or run "
            "`kiosque doctor --rebuild-state`"
        )
