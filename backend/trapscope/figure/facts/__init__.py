"""What a figure shows, as plain values read from the state at the moment: no coordinates, no colours."""
