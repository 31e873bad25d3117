"""Mail to the people of this site: letters, the links in them, and their way out."""
