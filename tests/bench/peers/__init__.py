"""What the site is measured against, each in its recommended set-up and in an interpreter of its own."""
