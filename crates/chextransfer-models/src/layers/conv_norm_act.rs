//! Convolution, normalisation and activation.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Tensor;

use super::{Activation, BatchNorm2d, NormAct};
use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::{TensorKind, TensorSpec};

/// A convolution without bias, optionally followed by normalisation and activation: plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvSpec {
    /// Channels of the map that enters.
    pub input: usize,
    /// Channels of the map that leaves.
    pub output: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Step in rows and columns.
    pub stride: [usize; 2],
    /// Zeros added on either side of the rows and of the columns.
    pub padding: [usize; 2],
    /// Independent groups of channels; as many as input channels in a depthwise convolution.
    pub groups: usize,
    /// The activation behind the batch normalisation; `None` for a convolution alone.
    pub norm: Option<Activation>,
    /// How the weights start.
    pub initialization: ConvInitialization,
}

/// Normal initialisation of He et al. 2015 with the gain of a rectifier, as `torch.nn.init.kaiming_normal_` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvInitialization {
    /// Variance `2 / (input channels per group x kernel area)`.
    KaimingFanIn,
    /// Variance `2 / (output channels x kernel area)`: PyTorch does not divide by the groups.
    KaimingFanOut,
}

impl ConvSpec {
    /// A square kernel with stride 1, padded to keep the map's size, normalised and activated.
    pub(crate) fn new(input: usize, output: usize, kernel: usize, activation: Activation) -> Self {
        Self {
            input,
            output,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [kernel / 2; 2],
            groups: 1,
            norm: Some(activation),
            initialization: ConvInitialization::KaimingFanOut,
        }
    }

    pub(crate) fn stride(self, stride: usize) -> Self {
        Self {
            stride: [stride; 2],
            ..self
        }
    }

    pub(crate) fn depthwise(self) -> Self {
        Self {
            groups: self.input,
            ..self
        }
    }

    pub(crate) fn without_norm(self) -> Self {
        Self { norm: None, ..self }
    }

    pub(crate) fn initialization(self, initialization: ConvInitialization) -> Self {
        Self {
            initialization,
            ..self
        }
    }

    fn weight_shape(&self) -> [usize; 4] {
        let [height, width] = self.kernel;
        [self.output, self.input / self.groups, height, width]
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut Vec<TensorSpec>) {
        into.push(TensorSpec::new(
            &format!("{path}.conv"),
            "weight",
            self.weight_shape().to_vec(),
            TensorKind::Parameter,
        ));
        if self.norm.is_some() {
            BatchNorm2d::tensors(&format!("{path}.norm_act.norm"), self.output, into);
        }
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> ConvNormAct {
        let [output, input, height, width] = self.weight_shape();
        let channels = match self.initialization {
            ConvInitialization::KaimingFanIn => input,
            ConvInitialization::KaimingFanOut => output,
        };
        let deviation = (2.0 / (channels * height * width) as f64).sqrt();
        let [rows, columns] = self.padding;
        let mut conv = Conv2dConfig::new([self.input, self.output], self.kernel)
            .with_stride(self.stride)
            .with_padding(PaddingConfig2d::Explicit(rows, columns, rows, columns))
            .with_groups(self.groups)
            .with_bias(false)
            .init(initialization.device);
        conv.weight =
            initialization.parameter(self.weight_shape(), Distribution::Normal(deviation));
        ConvNormAct {
            conv,
            norm_act: self
                .norm
                .map(|activation| NormAct::new(self.output, activation, initialization)),
        }
    }
}

/// The one path of convolution, normalisation and activation; described by [`ConvSpec`].
#[derive(Module, Debug)]
pub struct ConvNormAct {
    conv: Conv2d,
    norm_act: Option<NormAct>,
}

impl ConvNormAct {
    /// Convolves, and normalises and activates where the spec says so.
    ///
    /// # Shapes
    /// `[batch, input, height, width]` to `[batch, output, height / stride, width / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = self.conv.forward(input);
        match &self.norm_act {
            Some(norm_act) => norm_act.forward(output),
            None => output,
        }
    }
}
