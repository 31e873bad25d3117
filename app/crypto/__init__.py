"""What signs, and what seals: the keys of the site, in its database under `SECRET_KEY`."""
