"""Reading files of cards, matching them with the address book, and writing and undoing what they say, step by step."""
