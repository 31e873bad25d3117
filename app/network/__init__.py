"""Where a visitor comes from: addresses, and the countries they are in."""
