"""The nouns of the field as frozen values; standard library only."""
