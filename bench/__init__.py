"""How fast the product is, beside its peers: `scripts/bench`. No part of the product."""
