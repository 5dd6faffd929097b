"""How dates are written, by language; English, which many nations read, has the order that none can misread."""
