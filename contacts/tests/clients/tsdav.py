"""tsdav, on which web programs are built."""

import json
from pathlib import Path
from typing import Any

from contacts.tests.clients import CLIENTS, Device, new_card, program

SCRIPT = Path(__file__).with_suffix(".mjs")


class Tsdav(Device):
    agent = ""  # that of fetch

    def do(self, *steps: dict[str, Any]) -> list[str]:
        assert (CLIENTS / "node" / "node_modules" / "tsdav").exists(), "tsdav is not installed: run scripts/dav_clients"
        asked = {**self.login._asdict(), "state": str(self.folder / "state.json"), "steps": steps}
        return json.loads(self.run(program("node"), str(SCRIPT), given=json.dumps(asked), CLIENTS=str(CLIENTS)))

    def names(self) -> list[str]:
        return self.do()

    def create(self, *names: str) -> None:
        cards = [(*new_card(name),) for name in names]
        self.do(*[{"action": "create", "uid": uid, "card": card} for uid, card in cards])

    def rename(self, old: str, new: str) -> None:
        self.do({"action": "rename", "name": old, "to": new})

    def delete(self, name: str) -> None:
        self.do({"action": "delete", "name": name})
