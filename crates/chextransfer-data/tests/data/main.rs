//! The crate held against hostile files, against Pillow, and against itself with other thread counts.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod bad;
mod cache;
#[cfg(feature = "dicom")]
mod dicom;
mod fixture;
mod images;
mod loading;
mod nih_sample;
mod pillow;
mod tables;
