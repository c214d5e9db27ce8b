"""Bytes <-> messages. The only place that knows the wire format."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from schemas.messages import EnrichedArticle, FetchedArticle, TaggedArticle, Trace, UniqueArticle, Withdrawal
from schemas.withdrawals import WithdrawalOrder

FetchedMessage = FetchedArticle | Withdrawal
UniqueMessage = UniqueArticle | Withdrawal
TaggedMessage = TaggedArticle | Withdrawal
Message = FetchedMessage | UniqueMessage | TaggedMessage | EnrichedArticle | Trace | WithdrawalOrder


class InvalidMessage(ValueError):
    """Bytes that are not a message of the expected type; the text says where and why."""


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def encode(message: Message) -> bytes:
    """The message as JSON: equal messages give equal bytes."""
    return _ENCODER.encode(message)


class _NoMessage(msgspec.Struct, tag_field="type", tag=""):
    """Makes msgspec insist on the field `type`: in a decoder of one type alone a message may leave it out."""


def _decoding(expected: Any) -> Callable[[bytes], Any]:
    decoder = msgspec.json.Decoder(expected | _NoMessage)

    def decode(value: bytes) -> Any:
        try:
            message = decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidMessage(str(error)) from error
        if isinstance(message, _NoMessage):
            raise InvalidMessage("Invalid value '' - at `$.type`")
        return message

    return decode


decode_fetched: Callable[[bytes], FetchedMessage] = _decoding(FetchedMessage)
decode_unique: Callable[[bytes], UniqueMessage] = _decoding(UniqueMessage)
decode_tagged: Callable[[bytes], TaggedMessage] = _decoding(TaggedMessage)
decode_enriched: Callable[[bytes], EnrichedArticle] = _decoding(EnrichedArticle)
decode_trace: Callable[[bytes], Trace] = _decoding(Trace)
decode_withdrawal_order: Callable[[bytes], WithdrawalOrder] = _decoding(WithdrawalOrder)
