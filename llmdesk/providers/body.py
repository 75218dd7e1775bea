"""What goes out alike on every wire: bodies of JSON, images in them, and a word for what only an Ollama is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llmdesk.core.errors import RequestRejected
from llmdesk.core.text import storable
from llmdesk.providers.images import media_type

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmdesk.core.types import ChatRequest


def printed(name: str, fields: Mapping[str, object]) -> bytes:
    """Print the fields of a body; ``name`` is the provider, for the message.

    Raises:
        RequestRejected: a value is no JSON.
    """
    try:
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain)
    except (TypeError, ValueError, RecursionError):
        raise RequestRejected(f"{name}: a parameter of the request is no JSON value. Check params.") from None
    return storable(text).encode()


def plain(value: object) -> object:
    """Let JSON print any mapping.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def chats_only(name: str, request: ChatRequest) -> None:
    """Refuse what is no chat.

    Raises:
        RequestRejected: it is none.
    """
    if request.endpoint != "chat":
        raise RequestRejected(
            f"{name}: this provider only chats; {request.endpoint} is for kind ollama.", target_specific=True
        )


def encoded_image(name: str, image: bytes, taken: Collection[str], told: str) -> tuple[str, str]:
    """The media type of an image, and its bytes in base64.

    Args:
        name: the provider, for the message.
        image: the file.
        taken: the media types that the wire takes.
        told: their names, as in ``neither PNG nor JPEG``.

    Raises:
        RequestRejected: it is of another kind.
    """
    kind = media_type(image)
    if kind is None or kind not in taken:
        raise RequestRejected(f"{name}: an image is {told}. Convert it, then send it again.", target_specific=True)
    return kind, base64.b64encode(image).decode()
