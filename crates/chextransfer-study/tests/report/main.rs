//! The report: its numbers where they are known, its structure, and its page in a browser.
#![allow(clippy::unwrap_used, clippy::panic)]

mod numbers;
mod page;
mod paper;
mod structure;
mod synthetic;
