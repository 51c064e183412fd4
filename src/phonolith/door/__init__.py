"""The artist's door: who proves control of a page that a record links to says what is theirs, and takes it back."""
