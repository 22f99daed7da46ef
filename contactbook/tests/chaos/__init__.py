"""The product under load while its processes and services are killed: `scripts/chaos`, and a short run in the suite.

`actors` are the programs that use it and write down what they were told; `books` compares that with what is there
afterwards; `stacks` are the servers; `kills`, `outages` and `rolling` break them; `report` is the table.
"""
