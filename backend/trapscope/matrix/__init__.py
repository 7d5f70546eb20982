"""What every scenario must do under every design and variant, typed by hand, and the machinery that looks."""
