//! Fetching, finding and verifying checkpoint files, against a server on loopback.
#![allow(clippy::unwrap_used)]

mod cache;
mod network;
mod resume;
mod server;
mod setting;
mod system;

/// Tests that need a second process start this program again for this one test.
#[test]
fn what_a_child_process_does() {
    setting::child_task();
}
