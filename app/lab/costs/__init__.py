"""What each design costs, on a simulated day and by the clock of this machine."""
