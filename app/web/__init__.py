"""The client and its pages: the only package that reads or sets the sign-in cookies."""
