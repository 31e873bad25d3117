"""The designs, one file each: what is issued, what a sign-out writes, how the verifier hears of it and decides."""
