//! The tensors of a network, by path and shape.

/// What a tensor of a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorKind {
    /// Trained by gradients; counted as parameters.
    Parameter,
    /// A running statistic of batch normalisation; no parameter.
    Statistic,
}

/// A tensor that a network holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// Its path in [`Network`](crate::Network), for example `blocks.0.units.1.convolutions.0.conv.weight`.
    pub path: String,
    /// Its shape, as checkpoints store it: linear weights are `[outputs, inputs]`.
    pub shape: Vec<usize>,
    /// Whether it is a parameter.
    pub kind: TensorKind,
}

impl TensorSpec {
    pub(crate) fn new(layer: &str, name: &str, shape: Vec<usize>, kind: TensorKind) -> Self {
        Self {
            path: format!("{layer}.{name}"),
            shape,
            kind,
        }
    }
}

/// Elements of the tensors that are trained.
pub(crate) fn count_parameters(tensors: &[TensorSpec]) -> usize {
    tensors
        .iter()
        .filter(|tensor| tensor.kind == TensorKind::Parameter)
        .map(|tensor| tensor.shape.iter().product::<usize>())
        .sum()
}
