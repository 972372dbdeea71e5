//! The crate held against hostile files, against Pillow, and against itself with other thread counts.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod bad_tables;
mod counts;
mod filters;
mod fixture;
mod images;
mod labels;
mod layouts;
mod loading;
mod nih_sample;
mod pillow;
mod properties;
mod sources;
mod splits;
mod tables;
