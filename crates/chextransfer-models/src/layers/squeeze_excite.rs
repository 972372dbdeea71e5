//! Squeeze-and-excitation: Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{DType, Tensor};
use chextransfer_kernels::{global_average, scale_channels};

use super::Activation;
use crate::initialization::{Distribution, Initialization};
use crate::tensor_spec::TensorList;

/// Global average pooling, two 1x1 convolutions with bias, and a gate on every channel: plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqueezeExciteSpec {
    /// Channels of the map.
    pub channels: usize,
    /// Channels between the two convolutions.
    pub squeezed: usize,
    /// The activation between them.
    pub activation: Activation,
    /// The function that makes a factor of the second one's output.
    pub gate: Activation,
}

impl SqueezeExciteSpec {
    /// Name, inputs and outputs of the two convolutions.
    fn convolutions(&self) -> [(&'static str, usize, usize); 2] {
        [
            ("reduce", self.channels, self.squeezed),
            ("expand", self.squeezed, self.channels),
        ]
    }

    pub(crate) fn tensors(&self, path: &str, into: &mut TensorList) {
        for (name, inputs, outputs) in self.convolutions() {
            let path = format!("{path}.{name}");
            into.parameter(&path, "weight", &[outputs, inputs, 1, 1]);
            into.parameter(&path, "bias", &[outputs]);
        }
    }

    /// Multiply-accumulates for one image.
    pub(crate) fn macs(&self) -> u64 {
        (2 * self.channels * self.squeezed) as u64
    }

    pub(crate) fn init(&self, initialization: &mut Initialization) -> SqueezeExcite {
        // torchvision: kaiming_normal_(fan_out), biases zero, as for every other convolution.
        let [reduce, expand] = self.convolutions().map(|(_, inputs, outputs)| {
            let deviation = (2.0 / outputs as f64).sqrt();
            let mut conv = Conv2dConfig::new([inputs, outputs], [1, 1]).init(initialization.device);
            conv.weight =
                initialization.parameter([outputs, inputs, 1, 1], Distribution::Normal(deviation));
            conv.bias = Some(initialization.parameter([outputs], Distribution::Constant(0.0)));
            conv
        });
        SqueezeExcite {
            reduce,
            expand,
            activation: self.activation,
            gate: self.gate,
        }
    }
}

/// A gate on every channel; described by [`SqueezeExciteSpec`].
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    reduce: Conv2d,
    expand: Conv2d,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    gate: Activation,
}

impl SqueezeExcite {
    /// Scales every channel by a factor that all channels' means decide.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]`, unchanged.
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let dtype = map.dtype();
        // A sum over a whole map needs more digits than half precision has.
        let means = global_average(map.clone().cast(DType::F32)).cast(dtype);
        let [batch, channels] = means.dims();
        let squeezed = self.reduce.forward(means.reshape([batch, channels, 1, 1]));
        let gates = self.expand.forward(self.activation.forward(squeezed));
        scale_channels(map, self.gate.forward(gates.reshape([batch, channels])))
    }
}
