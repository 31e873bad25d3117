"""The peers of the site, each in its recommended set-up and in a separate interpreter."""
