//! The door, and the three wires.

mod door;
mod hostile;
mod order;
mod wires;
