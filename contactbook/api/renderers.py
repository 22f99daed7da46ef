"""The JSON renderer."""

import json
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

encode_other_types = JSONEncoder().default  # dates, UUIDs and so on, as DRF does


def as_json(data: Any) -> bytes:
    """Encode as DRF does; U+2028 and U+2029 are escaped, as older JavaScript needs."""
    try:
        text = orjson.dumps(data, default=encode_other_types, option=orjson.OPT_UTC_Z)
    except TypeError:  # an integer of more than 64 bits, or nesting too deep for orjson
        text = json.dumps(data, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
    return text.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")


class JSONRenderer(BaseRenderer):
    media_type, format, charset = "application/json", "json", None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else as_json(data)
