//! The operations on Burn's CPU backend.

use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Bytes, DType, Device, Shape, Tensor};

use crate::adam;
use crate::batch_norm::{self, Maps};
use crate::channels;
use crate::convolution::{self, ConvShape, Epilogue};
use crate::elementwise;
use crate::pooling::{self, PoolShape};
use crate::{Activation, AdamStep, Affine, BatchNormalized, ConvOptions, PoolOptions};

/// Whether a tensor lies where these operations work.
pub(crate) fn is_fast<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device() == Device::flex()
}

/// The sizes of a convolution, if it is one of ours.
pub(crate) fn conv_shape(
    input: &Tensor<4>,
    weight: &Tensor<4>,
    options: ConvOptions,
) -> Option<ConvShape> {
    let [batch, input_channels, height, width] = input.dims();
    let [output_channels, _, rows, columns] = weight.dims();
    let shape = ConvShape {
        batch,
        input_channels,
        output_channels,
        input: [height, width],
        kernel: [rows, columns],
        stride: options.stride,
        padding: options.padding,
        depthwise: options.groups > 1,
    };
    let groups = options.groups == 1
        || (options.groups == input_channels && output_channels == input_channels);
    let fits = (0..2).all(|axis| {
        let padded = shape.input[axis] + 2 * shape.padding[axis];
        shape.padding[axis] < shape.kernel[axis] && shape.kernel[axis] <= padded
    });
    (is_fast(input) && is_fast(weight) && groups && fits && batch > 0).then_some(shape)
}

pub(crate) fn conv2d(input: Tensor<4>, weight: Tensor<4>, shape: ConvShape) -> Tensor<4> {
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Kernels>::convolve(input, weight, shape))
}

/// Whether what happens before a convolution can happen while its input is packed: each value is seen once, and no border.
pub(crate) fn packs_affine(shape: &ConvShape, before: &Affine) -> bool {
    !shape.depthwise
        && shape.taps() == 1
        && shape.padding == [0, 0]
        && Epilogue::is_clamp(before.activation)
}

/// Which parts a convolution has before and behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    before: Option<Part>,
    behind: Option<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    has_factor: bool,
    activation: Activation,
}

impl Part {
    fn epilogue<'a>(&self, factor: &'a FlexTensor, summand: &'a FlexTensor) -> Epilogue<'a> {
        Epilogue {
            factor: self.has_factor.then(|| values(factor)),
            summand: Some(values(summand)),
            activation: self.activation,
        }
    }
}

pub(crate) fn conv2d_affine(
    input: Tensor<4>,
    before: Option<Affine>,
    weight: Tensor<4>,
    behind: Option<Affine>,
    shape: ConvShape,
) -> Tensor<4> {
    let nothing = Tensor::empty([0], &input.device());
    let split = |affine: Option<Affine>| match affine {
        Some(affine) => {
            let part = Part {
                has_factor: affine.factor.is_some(),
                activation: affine.activation,
            };
            let factor = affine.factor.unwrap_or_else(|| nothing.clone());
            (Some(part), [factor, affine.summand])
        }
        None => (None, [nothing.clone(), nothing.clone()]),
    };
    let ((before, of_inputs), (behind, of_outputs)) = (split(before), split(behind));
    let [before_factor, before_summand] = of_inputs.map(Tensor::into_dispatch);
    let [factor, summand] = of_outputs.map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Kernels>::convolve_affine(
        input.into_dispatch(),
        before_factor,
        before_summand,
        weight.into_dispatch(),
        factor,
        summand,
        Around { before, behind },
        shape,
    ))
}

pub(crate) fn batch_norm_train(
    input: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> BatchNormalized {
    let normalized = <Dispatch as Kernels>::normalize(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        epsilon as f32,
        activation,
    );
    BatchNormalized {
        output: Tensor::from_dispatch(normalized.output),
        mean: Tensor::from_dispatch(normalized.mean),
        variance: Tensor::from_dispatch(normalized.variance),
    }
}

/// With a factor and a summand for each channel, or for each channel of each image.
pub(crate) fn affine(
    input: Tensor<4>,
    factor: Tensor<1>,
    summand: Tensor<1>,
    activation: Activation,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Kernels>::affine(
        input.into_dispatch(),
        factor.into_dispatch(),
        summand.into_dispatch(),
        activation,
    ))
}

pub(crate) fn activate<const D: usize>(input: Tensor<D>, activation: Activation) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Kernels>::activate(
        input.into_dispatch(),
        activation,
    ))
}

pub(crate) fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Kernels>::add_relu(
        a.into_dispatch(),
        b.into_dispatch(),
    ))
}

/// Maps that are concatenated at once.
pub(crate) const MOST_MAPS: usize = 6;

/// Whether a concatenation is one of ours.
pub(crate) fn concatenates(maps: &[Tensor<4>]) -> bool {
    let sizes = |map: &Tensor<4>| {
        let [batch, _, rows, columns] = map.dims();
        [batch, rows, columns]
    };
    (2..=MOST_MAPS).contains(&maps.len())
        && maps
            .iter()
            .all(|map| is_fast(map) && sizes(map) == sizes(&maps[0]))
}

pub(crate) fn concatenate(maps: Vec<Tensor<4>>) -> Tensor<4> {
    let first = maps[0].clone();
    let count = maps.len();
    let mut maps = maps.into_iter();
    let mut next = || maps.next().unwrap_or_else(|| first.clone()).into_dispatch();
    Tensor::from_dispatch(<Dispatch as Kernels>::concatenate(
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        count,
    ))
}

/// The sizes of a pooling, if it is one of ours.
pub(crate) fn pool_shape(input: &Tensor<4>, options: PoolOptions) -> Option<PoolShape> {
    let [batch, channels, height, width] = input.dims();
    let shape = PoolShape {
        input: [height, width],
        kernel: options.kernel,
        stride: options.stride,
        padding: options.padding,
        kind: options.kind,
    };
    let fits = (0..2).all(|axis| {
        let padded = shape.input[axis] + 2 * shape.padding[axis];
        2 * shape.padding[axis] <= shape.kernel[axis] && shape.kernel[axis] <= padded
    });
    (is_fast(input) && fits && batch * channels > 0).then_some(shape)
}

pub(crate) fn pool2d(input: Tensor<4>, shape: PoolShape) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Kernels>::pool(input.into_dispatch(), shape))
}

pub(crate) fn global_average(input: Tensor<4>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Kernels>::means(input.into_dispatch()))
}

pub(crate) fn adam_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    step: AdamStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let (weight, first, second) = <Dispatch as Kernels>::adam_step(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        step,
    );
    let moments = [first, second].map(Tensor::from_dispatch);
    (Tensor::from_dispatch(weight), moments)
}

/// What normalisation by the statistics of the batch gives.
#[derive(ExtensionType)]
pub(crate) struct Normalized<B: Backend> {
    pub(crate) output: FloatTensor<B>,
    pub(crate) mean: FloatTensor<B>,
    pub(crate) variance: FloatTensor<B>,
    /// What normalised each channel, with the next.
    pub(crate) factor: FloatTensor<B>,
    pub(crate) summand: FloatTensor<B>,
}

/// The operations and their gradients, which `autodiff` makes differentiable.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self>;

    #[allow(clippy::too_many_arguments, reason = "two vectors on either side")]
    fn convolve_affine(
        input: FloatTensor<Self>,
        before_factor: FloatTensor<Self>,
        before_summand: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        summand: FloatTensor<Self>,
        around: Around,
        shape: ConvShape,
    ) -> FloatTensor<Self>;

    fn input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self>;

    fn weight_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self>;

    fn normalize(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        activation: Activation,
    ) -> Normalized<Self>;

    #[allow(
        clippy::too_many_arguments,
        reason = "what the forward pass had, and its results"
    )]
    fn normalize_gradients(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// As many factors and summands as there are channels, or channels of all images.
    fn affine(
        input: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        summand: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn affine_gradients(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        summand: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn activate(input: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    fn activation_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Concatenates the first `count`; an extension's operation takes no list.
    fn concatenate(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self>;

    fn pool(input: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self>;

    fn maximum_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        shape: PoolShape,
    ) -> FloatTensor<Self>;

    fn average_gradient(gradient: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self>;

    fn means(input: FloatTensor<Self>) -> FloatTensor<Self>;

    fn means_gradient(gradient: FloatTensor<Self>, sides: [usize; 2]) -> FloatTensor<Self>;

    /// The weight and its moments.
    fn adam_step(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Kernels for Flex {
    fn convolve(input: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        let (input, weight) = (contiguous(input), contiguous(weight));
        let nothing = Epilogue::default();
        convolved(&input, &nothing, &weight, &shape, &nothing)
    }

    fn convolve_affine(
        input: FlexTensor,
        before_factor: FlexTensor,
        before_summand: FlexTensor,
        weight: FlexTensor,
        factor: FlexTensor,
        summand: FlexTensor,
        around: Around,
        shape: ConvShape,
    ) -> FlexTensor {
        let [input, weight] = [input, weight].map(contiguous);
        let [before_factor, before_summand] = [before_factor, before_summand].map(contiguous);
        let [factor, summand] = [factor, summand].map(contiguous);
        let part = |part: Option<Part>, factor, summand| {
            part.map(|part| part.epilogue(factor, summand))
                .unwrap_or_default()
        };
        let before = part(around.before, &before_factor, &before_summand);
        let behind = part(around.behind, &factor, &summand);
        convolved(&input, &before, &weight, &shape, &behind)
    }

    fn input_gradient(gradient: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        let [gradient, weight] = [gradient, weight].map(contiguous);
        let compute = match shape.depthwise {
            true => convolution::depthwise_input_gradient,
            false => convolution::input_gradient,
        };
        let result = compute(&shape, values(&gradient), values(&weight));
        let [height, width] = shape.input;
        tensor(result, [shape.batch, shape.input_channels, height, width])
    }

    fn weight_gradient(input: FlexTensor, gradient: FlexTensor, shape: ConvShape) -> FlexTensor {
        let [input, gradient] = [input, gradient].map(contiguous);
        let compute = match shape.depthwise {
            true => convolution::depthwise_weight_gradient,
            false => convolution::weight_gradient,
        };
        let result = compute(&shape, values(&input), values(&gradient));
        let [rows, columns] = shape.kernel;
        let filters = if shape.depthwise {
            1
        } else {
            shape.input_channels
        };
        tensor(result, [shape.output_channels, filters, rows, columns])
    }

    fn normalize(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
        activation: Activation,
    ) -> Normalized<Self> {
        let [input, weight, bias] = [input, weight, bias].map(contiguous);
        let maps = maps(&input);
        let normalized = batch_norm::normalize(
            maps,
            values(&input),
            values(&weight),
            values(&bias),
            epsilon,
            activation,
        );
        let of_channels = |values| tensor(values, [maps.channels]);
        Normalized {
            output: tensor(normalized.output, input.shape()),
            mean: of_channels(normalized.mean),
            variance: of_channels(normalized.variance),
            factor: of_channels(normalized.factor),
            summand: of_channels(normalized.summand),
        }
    }

    fn normalize_gradients(
        input: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [input, mean, variance] = [input, mean, variance].map(contiguous);
        let [weight, bias] = [weight, bias].map(contiguous);
        let maps = maps(&input);
        let mut gradient = owned(gradient);
        let (of_weight, of_bias) = batch_norm::normalize_gradients(
            maps,
            values(&input),
            gradient.storage_mut(),
            values(&mean),
            values(&variance),
            values(&weight),
            values(&bias),
            epsilon,
            activation,
        );
        let channels = [maps.channels];
        (
            gradient,
            tensor(of_weight, channels),
            tensor(of_bias, channels),
        )
    }

    fn affine(
        input: FlexTensor,
        factor: FlexTensor,
        summand: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let [input, factor, summand] = [input, factor, summand].map(contiguous);
        let (factor, summand) = (values(&factor), values(&summand));
        let maps = maps(&input).with(factor.len());
        let output = batch_norm::affine(maps, values(&input), factor, summand, activation);
        tensor(output, input.shape())
    }

    fn affine_gradients(
        input: FlexTensor,
        gradient: FlexTensor,
        factor: FlexTensor,
        summand: FlexTensor,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [input, factor, summand] = [input, factor, summand].map(contiguous);
        let maps = maps(&input).with(values(&factor).len());
        let mut gradient = owned(gradient);
        let (of_factor, of_summand) = batch_norm::affine_gradients(
            maps,
            values(&input),
            gradient.storage_mut(),
            values(&factor),
            values(&summand),
            activation,
        );
        let channels = [maps.channels];
        (
            gradient,
            tensor(of_factor, channels),
            tensor(of_summand, channels),
        )
    }

    fn activate(input: FlexTensor, activation: Activation) -> FlexTensor {
        let mut output = owned(input);
        elementwise::activate(output.storage_mut(), activation);
        output
    }

    fn activation_gradient(
        input: FlexTensor,
        gradient: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let input = contiguous(input);
        let mut gradient = owned(gradient);
        elementwise::activation_gradient(values(&input), gradient.storage_mut(), activation);
        gradient
    }

    fn add_relu(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let (a, b) = if a.is_unique() { (a, b) } else { (b, a) };
        let mut output = owned(a);
        elementwise::add_relu(output.storage_mut(), values(&contiguous(b)));
        output
    }

    fn concatenate(
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
        f: FlexTensor,
        count: usize,
    ) -> FlexTensor {
        let maps = [a, b, c, d, e, f].into_iter().take(count);
        let maps: Vec<_> = maps.map(contiguous).collect();
        let mut shape = maps[0].shape();
        let (images, area) = (shape[0], shape[2] * shape[3]);
        let channels = maps.iter().map(|map| map.shape()[1]);
        shape[1] = channels.clone().sum();
        let maps: Vec<_> = (maps.iter().zip(channels))
            .map(|(map, channels)| (values(map), channels * area))
            .collect();
        tensor(channels::concatenate(images, &maps), shape)
    }

    fn pool(input: FlexTensor, shape: PoolShape) -> FlexTensor {
        let input = contiguous(input);
        let result = pooling::pool(&shape, values(&input));
        tensor(result, with_sides(&input, shape.output()))
    }

    fn maximum_gradient(input: FlexTensor, gradient: FlexTensor, shape: PoolShape) -> FlexTensor {
        let [input, gradient] = [input, gradient].map(contiguous);
        let result = pooling::maximum_gradient(&shape, values(&input), values(&gradient));
        tensor(result, input.shape())
    }

    fn average_gradient(gradient: FlexTensor, shape: PoolShape) -> FlexTensor {
        let gradient = contiguous(gradient);
        let result = pooling::average_gradient(&shape, values(&gradient));
        tensor(result, with_sides(&gradient, shape.input))
    }

    fn means(input: FlexTensor) -> FlexTensor {
        let input = contiguous(input);
        let shape = input.shape();
        let result = pooling::means(shape[2] * shape[3], values(&input));
        tensor(result, [shape[0], shape[1]])
    }

    fn means_gradient(gradient: FlexTensor, sides: [usize; 2]) -> FlexTensor {
        let gradient = contiguous(gradient);
        let result = pooling::means_gradient(sides[0] * sides[1], values(&gradient));
        tensor(result, with_sides(&gradient, sides))
    }

    fn adam_step(
        weight: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = contiguous(gradient);
        let [mut weight, mut first, mut second] = [weight, first, second].map(owned);
        let moments = [first.storage_mut(), second.storage_mut()];
        adam::step(weight.storage_mut(), values(&gradient), moments, step);
        (weight, first, second)
    }
}

fn convolved(
    input: &FlexTensor,
    before: &Epilogue<'_>,
    weight: &FlexTensor,
    shape: &ConvShape,
    behind: &Epilogue<'_>,
) -> FlexTensor {
    let (maps, filters) = (values(input), values(weight));
    let result = match shape.depthwise {
        true => convolution::depthwise(shape, maps, filters, behind),
        false => convolution::convolve(shape, maps, before, filters, behind),
    };
    let [height, width] = shape.output();
    tensor(result, [shape.batch, shape.output_channels, height, width])
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// A contiguous tensor that nobody else sees, to be written to.
fn owned(tensor: FlexTensor) -> FlexTensor {
    let copy = tensor.to_contiguous();
    drop(tensor);
    copy
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.storage()
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape.into()),
        DType::F32,
    )
}

/// The shape of maps with other sides.
fn with_sides(tensor: &FlexTensor, [height, width]: [usize; 2]) -> [usize; 4] {
    let shape = tensor.shape();
    [shape[0], shape[1], height, width]
}

fn maps(tensor: &FlexTensor) -> Maps {
    let shape = tensor.shape();
    Maps {
        channels: shape[1],
        area: shape[2] * shape[3],
    }
}
