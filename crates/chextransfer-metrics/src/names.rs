//! Choices by their names, as a command line or a file gives them.

use crate::{Error, Result};

/// The choice called `text`.
pub(crate) fn choice<T: Copy>(
    names: &[(T, &str)],
    text: &str,
    setting: &'static str,
    expected: &'static str,
) -> Result<T> {
    let known = names.iter().find(|(_, name)| *name == text);
    known
        .map(|(choice, _)| *choice)
        .ok_or_else(|| Error::Setting {
            setting,
            found: text.to_owned(),
            expected,
        })
}
