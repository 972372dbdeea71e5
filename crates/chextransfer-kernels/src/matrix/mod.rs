//! Matrix products on packed operands.
//!
//! Both kernels hold a tile of the product in registers, in the shape that the number of registers allows, and read operands
//! that were packed for them. What is packed is the caller's: rows of a matrix, or the windows of a convolution. Where channels are to
//! lie side by side, maps are turned here.

mod dot;
mod outer;
mod transpose;

pub(crate) use dot::{DotProducts, Lines};
pub(crate) use outer::{OuterProducts, Packed, PackedRows, Product, Rows, Stacked, Unpacked};
pub(crate) use transpose::{Matrices, Runs, SIDE, deinterleave};
