ALL: list[list[str]] = []
