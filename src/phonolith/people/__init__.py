"""What is private about people: accounts, keys, playlists, listening."""
