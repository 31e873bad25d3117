"""What every design needs at home: a world to stand on, its sessions, and a harness to serve it."""
