"""Read any image as its dataset does, name its picture, draw predictions on it."""
