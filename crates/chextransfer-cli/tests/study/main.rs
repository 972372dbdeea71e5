//! Studies as a user runs them.
#![allow(clippy::unwrap_used)]

mod common;
mod interruptions;
mod results;
mod schedulers;
mod settings;
