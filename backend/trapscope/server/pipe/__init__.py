"""What the server and its engine processes say to each other: messages, and what is in them."""
