#![doc = include_str!("../README.md")]
//!
//! # The crates
//!
//! This package re-exports them and holds the examples.

pub use chextransfer_data as data;
pub use chextransfer_explain as explain;
pub use chextransfer_metrics as metrics;
pub use chextransfer_models as models;
pub use chextransfer_study as study;
pub use chextransfer_train as train;
