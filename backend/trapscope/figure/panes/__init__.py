"""The parts of the drawing: each lays its facts out on a canvas, from a place, within a width."""
