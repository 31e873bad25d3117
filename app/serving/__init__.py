"""How requests are read and answers are sent: gunicorn's workers, in which a slow client holds no thread."""
