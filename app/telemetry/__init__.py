"""What the operator sees: metrics and the security log."""
