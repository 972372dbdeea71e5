//! The same networks through the graphics API, against the CPU.
