"""The lab: sign out, replay the old token under every design, and see why. Reads everything; nothing reads it."""
