"""Mail to users: its words, its links, and its delivery."""
