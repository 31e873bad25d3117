"""Limits that keep one visitor from delaying others: lines for costly work, a process beside each worker, rate
limits."""
