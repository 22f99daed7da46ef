from drf_spectacular.openapi import AutoSchema as DefaultAutoSchema


class AutoSchema(DefaultAutoSchema):
    pass
