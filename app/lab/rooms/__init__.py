"""The workshop: rooms of teachers, who comes in, and the board."""
