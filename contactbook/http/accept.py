"""The Accept header (RFC 9110 §12.5.1): how much a client prefers one version of a media type."""


def quality_of(accept: str, media_type: str, version: str) -> float:
    """Return the highest `q` of the entries that name this media type and version; 0 for none."""
    return max(
        (quality for name, named, quality in map(entry, accept.split(",")) if (name, named) == (media_type, version)),
        default=0.0,
    )


def entry(text: str) -> tuple[str, str, float]:
    """Return an entry's media type, version and quality; an unreadable quality is 1."""
    name, *parameters = (part.strip() for part in text.lower().split(";"))
    values = {key.strip(): value.strip(' "') for key, _, value in (each.partition("=") for each in parameters)}
    try:
        quality = float(values.get("q", "1"))
    except ValueError:
        quality = 1.0
    return name, values.get("version", ""), quality
