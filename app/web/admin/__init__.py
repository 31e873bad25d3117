"""Administration: people found, seen as they see themselves, and ended or shut out where that is needed."""
