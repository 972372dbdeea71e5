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

/// Tensors in the order of their layers, while they are listed.
#[derive(Debug, Default)]
pub(crate) struct TensorList {
    pub(crate) tensors: Vec<TensorSpec>,
    /// Whether batch normalisation has been folded into what is before it.
    pub(crate) folded: bool,
}

impl TensorList {
    pub(crate) fn parameter(&mut self, layer: &str, name: &str, shape: &[usize]) {
        self.push(layer, name, shape, TensorKind::Parameter);
    }

    pub(crate) fn statistic(&mut self, layer: &str, name: &str, shape: &[usize]) {
        self.push(layer, name, shape, TensorKind::Statistic);
    }

    fn push(&mut self, layer: &str, name: &str, shape: &[usize], kind: TensorKind) {
        self.tensors.push(TensorSpec {
            path: format!("{layer}.{name}"),
            shape: shape.to_vec(),
            kind,
        });
    }

    /// Elements of the tensors that are trained.
    pub(crate) fn parameters(&self) -> usize {
        self.tensors
            .iter()
            .filter(|tensor| tensor.kind == TensorKind::Parameter)
            .map(|tensor| tensor.shape.iter().product::<usize>())
            .sum()
    }
}
