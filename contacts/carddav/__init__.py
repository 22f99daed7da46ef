"""CardDAV (RFC 6352, 6578, 6764, 5397) over the contacts that the REST API shows: one RFC or concern a file.

docs/carddav.md lists every method, header, property, report and precondition: supported, refused or left out.
"""
