//! Convolution, normalisation and activation.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{DType, Tensor};
use chextransfer_kernels::{Affine, ConvOptions, conv2d_affine};

use super::{Activation, BatchNorm2d};
use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::TensorList;

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

/// Initial weights of a convolution.
///
/// Kaiming is He et al. 2015 with the gain of a rectifier, as `torch.nn.init.kaiming_normal_` has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConvInitialization {
    /// Normal with variance `2 / (input channels per group x kernel area)`.
    KaimingFanIn,
    /// Normal with variance `2 / (output channels x kernel area)`: PyTorch does not divide by the groups.
    KaimingFanOut,
    /// Normal with this standard deviation, within -2..2.
    TruncatedNormal(f64),
    /// `torch.nn.Conv2d`'s default: uniform within `1 / sqrt(input channels per group x kernel area)`.
    Uniform,
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

    /// A kernel that may have two sides, without padding.
    pub(crate) fn unpadded(self) -> Self {
        Self {
            padding: [0; 2],
            ..self
        }
    }

    pub(crate) fn kernel(self, kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            padding: kernel.map(|side| side / 2),
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

    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        let conv = format!("{path}.conv");
        into.parameter(&conv, "weight", &self.weight_shape());
        match self.norm {
            Some(_) if into.folded => into.parameter(&conv, "bias", &[self.output]),
            Some(_) => BatchNorm2d::tensors(&format!("{path}.norm"), self.output, into),
            None => {}
        }
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> ConvNormAct {
        let [output, input, height, width] = self.weight_shape();
        let fan = |channels: usize| (channels * height * width) as f64;
        let distribution = match self.initialization {
            ConvInitialization::KaimingFanIn => Distribution::Normal((2.0 / fan(input)).sqrt()),
            ConvInitialization::KaimingFanOut => Distribution::Normal((2.0 / fan(output)).sqrt()),
            ConvInitialization::TruncatedNormal(deviation) => {
                Distribution::TruncatedNormal(deviation)
            }
            ConvInitialization::Uniform => Distribution::Uniform(1.0 / fan(input).sqrt()),
        };
        let [rows, columns] = self.padding;
        let mut conv = Conv2dConfig::new([self.input, self.output], self.kernel)
            .with_stride(self.stride)
            .with_padding(PaddingConfig2d::Explicit(rows, columns, rows, columns))
            .with_groups(self.groups)
            .with_bias(false)
            .init(initialization.device);
        conv.weight = initialization.parameter(self.weight_shape(), distribution);
        let mut norm = None;
        if self.norm.is_some() {
            norm = BatchNorm2d::new(self.output, initialization);
            if norm.is_none() {
                let zero = Distribution::Constant(0.0);
                conv.bias = Some(initialization.parameter([self.output], zero));
            }
        }
        ConvNormAct {
            conv,
            norm,
            options: ConvOptions {
                stride: self.stride,
                padding: self.padding,
                groups: self.groups,
            },
            activation: self.norm.unwrap_or(Activation::Identity),
        }
    }
}

/// The one path of convolution, normalisation and activation; described by [`ConvSpec`].
#[derive(Module, Debug)]
pub struct ConvNormAct {
    conv: Conv2d,
    norm: Option<BatchNorm2d>,
    #[module(skip)]
    options: ConvOptions,
    #[module(skip)]
    activation: Activation,
}

impl ConvNormAct {
    /// Convolves, and normalises and activates where the spec says so.
    ///
    /// # Shapes
    /// `[batch, input, height, width]` to `[batch, output, height / stride, width / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.forward_behind(None, input)
    }

    /// The same behind what stands before the convolution, in one pass where it can be.
    pub(crate) fn forward_behind(&self, before: Option<Affine>, input: Tensor<4>) -> Tensor<4> {
        let weight = self.conv.weight.val();
        let bias = self.conv.bias.as_ref().map(Param::val);
        let (options, activation) = (self.options, self.activation);
        let behind = |factor, summand| Affine {
            factor,
            summand,
            activation,
        };
        match (&self.norm, bias) {
            (Some(norm), _) if norm.trains_on(&input) || input.dtype() != DType::F32 => {
                let map = conv2d_affine(input, before, weight, None, options);
                norm.forward(map, activation)
            }
            (Some(norm), _) => {
                let (factor, summand) = norm.affine();
                let behind = behind(Some(factor), summand);
                conv2d_affine(input, before, weight, Some(behind), options)
            }
            (None, Some(bias)) => {
                conv2d_affine(input, before, weight, Some(behind(None, bias)), options)
            }
            (None, None) => activation.forward(conv2d_affine(input, before, weight, None, options)),
        }
    }

    /// The same for inference, with the normalisation inside the convolution's weight and bias.
    pub(crate) fn fold_batch_norm(mut self) -> Self {
        if let Some(norm) = self.norm.take() {
            let (factor, summand) = norm.affine();
            let [output] = factor.dims();
            let weight = self.conv.weight.val() * factor.reshape([output, 1, 1, 1]);
            self.conv.weight = Param::from_tensor(weight);
            self.conv.bias = Some(Param::from_tensor(summand));
        }
        self
    }

    /// The same for maps whose input channels are all equal, given once.
    pub(crate) fn sum_input_channels(mut self) -> Self {
        // Detached, so that on an autodiff device the sum is a parameter and not a result.
        let summed = self.conv.weight.val().sum_dim(1).detach();
        self.conv.weight = Param::from_tensor(summed);
        self
    }
}
