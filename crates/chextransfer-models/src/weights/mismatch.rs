//! How a checkpoint differs from the network that it was meant for.

use std::fmt;

/// Every tensor in which a checkpoint and a network disagree, by the checkpoint's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors of the network that the checkpoint lacks.
    pub missing: Vec<String>,
    /// Tensors of the checkpoint that the whole architecture has no place for.
    pub unexpected: Vec<String>,
    /// Tensors of another shape.
    pub misshapen: Vec<Misshapen>,
    /// Tensors whose values are no floating-point numbers, with their type.
    pub mistyped: Vec<(String, String)>,
}

/// A tensor of another shape than the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// The checkpoint's name of the tensor.
    pub name: String,
    /// Its shape in the checkpoint.
    pub found: Vec<usize>,
    /// Its shape in the network.
    pub expected: Vec<usize>,
}

impl Mismatch {
    /// Names printed per kind before the message says how many more there are.
    const SHOWN: usize = 3;

    /// Whether checkpoint and network agree.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let misshapen = self.misshapen.iter().map(|tensor| {
            let Misshapen {
                name,
                found,
                expected,
            } = tensor;
            format!("{name} is {found:?} instead of {expected:?}")
        });
        let mistyped = self.mistyped.iter();
        let kinds: [(&str, Vec<String>); 4] = [
            ("missing", self.missing.clone()),
            ("unexpected", self.unexpected.clone()),
            ("misshapen", misshapen.collect()),
            (
                "not floating-point",
                mistyped
                    .map(|(name, kind)| format!("{name} is {kind}"))
                    .collect(),
            ),
        ];
        let mut separator = "";
        for (kind, tensors) in kinds.iter().filter(|(_, tensors)| !tensors.is_empty()) {
            let shown = tensors[..tensors.len().min(Self::SHOWN)].join(", ");
            write!(f, "{separator}{} tensors {kind} ({shown}", tensors.len())?;
            if tensors.len() > Self::SHOWN {
                write!(f, ", and {} more", tensors.len() - Self::SHOWN)?;
            }
            f.write_str(")")?;
            separator = ", ";
        }
        Ok(())
    }
}
