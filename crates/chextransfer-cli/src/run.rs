//! What all long commands share.

use anyhow::anyhow;

/// The error of a command that was interrupted.
pub(crate) fn interrupted(how_to_go_on: &str) -> anyhow::Error {
    anyhow!("interrupted; {how_to_go_on}")
}
