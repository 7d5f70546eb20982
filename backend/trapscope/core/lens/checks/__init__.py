"""What must hold. Each file judges one property, or a few of one moment, on plain values, and says why not."""
