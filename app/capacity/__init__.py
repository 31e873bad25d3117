"""What keeps one visitor from holding up another: lines for costly work, a process beside, and rate limits."""
