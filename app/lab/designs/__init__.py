"""The designs, one file each: what the issuer issues, what a sign-out writes, how the verifier hears of it and decides."""
