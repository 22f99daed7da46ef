"""JSON out."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

from contactbook.compiled import AT_ONCE

default = JSONEncoder().default  # what is no JSON by itself, as REST framework shows it


def as_json(data: Any) -> bytes:
    """As REST framework writes it, U+2028 and U+2029 too, which JavaScript once took for the ends of lines."""
    try:
        text = orjson.dumps(data, default=default, option=orjson.OPT_UTC_Z)
    except TypeError:  # a number of more than 64 bits, or deeper nesting than orjson takes
        text = json.dumps(data, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
    return text.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")


def json_list(items: Iterable[Any]) -> bytearray:
    """Of what is shown only its JSON is kept."""
    content, rest = bytearray(b"["), iter(items)
    while piece := list(islice(rest, AT_ONCE)):
        content += b"," * (len(content) > 1) + as_json(piece)[1:-1]
    content += b"]"
    return content


class Renderer(BaseRenderer):
    media_type, format, charset = "application/json", "json", None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else as_json(data)
