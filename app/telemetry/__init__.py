"""For the operator: metrics and the security log."""
