//! Backward passes.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};

use crate::convolution::ConvShape;
use crate::flex::{Around, Kernels, MOST_MAPS, Normalized};
use crate::pooling::PoolShape;
use crate::{Activation, AdamStep, PoolKind, recomputation};

/// Adds gradients to those of the parents that want one. A macro, since the type of a parent has no public name.
macro_rules! register {
    ($backend:ty, $grads:expr, $parents:expr, $gradients:expr) => {
        for (parent, gradient) in $parents.into_iter().zip($gradients) {
            if let Some(node) = parent {
                $grads.register::<$backend>(node.id, gradient);
            }
        }
    };
}

/// The tensor of the inner backend.
pub(crate) type Inner<B> = <B as burn::backend::BackendTypes>::FloatTensorPrimitive;

impl<B: Backend + Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Convolve;

        impl<B: Backend + Kernels> Backward<B, 2> for Convolve {
            type State = (NodeId, NodeId, ConvShape);

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [of_input, of_weight] = ops.parents;
                let (input, weight, shape) = ops.state;
                let gradient = grads.consume::<B>(&ops.node);
                let input: Inner<B> = checkpointer.retrieve_node_output(input);
                let weight: Inner<B> = checkpointer.retrieve_node_output(weight);
                if let Some(node) = of_weight {
                    let gradient = B::weight_gradient(input, gradient.clone(), shape);
                    grads.register::<B>(node.id, gradient);
                }
                if let Some(node) = of_input {
                    let gradient = B::input_gradient(gradient, weight, shape);
                    grads.register::<B>(node.id, gradient);
                }
            }
        }

        let nodes = [input.node(), weight.node()];
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), prep.checkpoint(&weight), shape);
                let output = B::convolve(input.into_primitive(), weight.into_primitive(), shape);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(
                input.into_primitive(),
                weight.into_primitive(),
                shape,
            )),
        }
    }

    fn convolve_affine(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Around,
        _: ConvShape,
    ) -> FloatTensor<Self> {
        unreachable!("only called where nothing is differentiated")
    }

    fn input_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: ConvShape,
    ) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }
    fn weight_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: ConvShape,
    ) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }

    fn normalize(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        activation: Activation,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct Normalize;

        impl<B: Backend + Kernels> Backward<B, 3> for Normalize {
            type State = ([NodeId; 3], [Inner<B>; 2], f32, Activation);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let (nodes, [mean, variance], epsilon, activation) = ops.state;
                let gradient = grads.consume::<B>(&ops.node);
                let [input, weight, bias] =
                    nodes.map(|node| checkpointer.retrieve_node_output::<Inner<B>>(node));
                let (of_input, of_weight, of_bias) = B::normalize_gradients(
                    input, gradient, mean, variance, weight, bias, epsilon, activation,
                );
                register!(B, grads, ops.parents, [of_input, of_weight, of_bias]);
            }
        }

        let [x, w, b] = [&input, &weight, &bias].map(|tensor| tensor.clone().into_primitive());
        let normalized = B::normalize(x, w, b, epsilon, activation);
        let again = {
            let (factor, summand) = (normalized.factor.clone(), normalized.summand.clone());
            move |[input, _, _]: [_; 3]| {
                B::affine(input, factor.clone(), summand.clone(), activation)
            }
        };
        let parents = [&input, &weight, &bias];
        let output = match recomputation::prepare(Normalize, parents, again) {
            OpsKind::Tracked(mut prep) => {
                let nodes = parents.map(|tensor| prep.checkpoint(tensor));
                let statistics = [normalized.mean.clone(), normalized.variance.clone()];
                prep.finish((nodes, statistics, epsilon, activation), normalized.output)
            }
            OpsKind::UnTracked(prep) => prep.finish(normalized.output),
        };
        let constant = FloatTensor::<Self>::new;
        Normalized {
            output,
            mean: constant(normalized.mean),
            variance: constant(normalized.variance),
            factor: constant(normalized.factor),
            summand: constant(normalized.summand),
        }
    }

    fn normalize_gradients(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: f32,
        _: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("gradients are not differentiated")
    }

    fn affine(
        input: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        summand: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Affine;

        impl<B: Backend + Kernels> Backward<B, 3> for Affine {
            type State = ([NodeId; 3], Activation);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let (nodes, activation) = ops.state;
                let gradient = grads.consume::<B>(&ops.node);
                let [input, factor, summand] =
                    nodes.map(|node| checkpointer.retrieve_node_output::<Inner<B>>(node));
                let (of_input, of_factor, of_summand) =
                    B::affine_gradients(input, gradient, factor, summand, activation);
                register!(B, grads, ops.parents, [of_input, of_factor, of_summand]);
            }
        }

        let parents = [&input, &factor, &summand];
        let again =
            move |[input, factor, summand]: [_; 3]| B::affine(input, factor, summand, activation);
        match recomputation::prepare(Affine, parents, again) {
            OpsKind::Tracked(mut prep) => {
                let nodes = parents.map(|tensor| prep.checkpoint(tensor));
                let [input, factor, summand] =
                    [input, factor, summand].map(|tensor| tensor.into_primitive());
                let output = B::affine(input, factor, summand, activation);
                prep.finish((nodes, activation), output)
            }
            OpsKind::UnTracked(prep) => {
                let [input, factor, summand] =
                    [input, factor, summand].map(|tensor| tensor.into_primitive());
                prep.finish(B::affine(input, factor, summand, activation))
            }
        }
    }

    fn affine_gradients(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("gradients are not differentiated")
    }

    fn activate(input: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Activate;

        impl<B: Backend + Kernels> Backward<B, 1> for Activate {
            type State = (NodeId, Activation);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let (input, activation) = ops.state;
                let gradient = grads.consume::<B>(&ops.node);
                let input = checkpointer.retrieve_node_output::<Inner<B>>(input);
                let gradient = B::activation_gradient(input, gradient, activation);
                register!(B, grads, ops.parents, [gradient]);
            }
        }

        let again = move |[input]: [_; 1]| B::activate(input, activation);
        match recomputation::prepare(Activate, [&input], again) {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), activation);
                let output = B::activate(input.into_primitive(), activation);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::activate(input.into_primitive(), activation))
            }
        }
    }

    fn activation_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Activation,
    ) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }

    fn add_relu(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct AddRelu;

        impl<B: Backend + Kernels> Backward<B, 2> for AddRelu {
            /// The output: where it is positive, so was the sum.
            type State = Inner<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = grads.consume::<B>(&ops.node);
                let gradient = B::activation_gradient(ops.state, gradient, Activation::Relu);
                register!(B, grads, ops.parents, [gradient.clone(), gradient]);
            }
        }

        let nodes = [a.node(), b.node()];
        let prepared = AddRelu.prepare::<C>(nodes).compute_bound().stateful();
        let output = B::add_relu(a.into_primitive(), b.into_primitive());
        match prepared {
            OpsKind::Tracked(prep) => prep.finish(output.clone(), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn concatenate(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        count: usize,
    ) -> FloatTensor<Self> {
        let maps = [a, b, c, d, e, f];
        match count {
            2 => concatenate::<B, C, 2>(maps),
            3 => concatenate::<B, C, 3>(maps),
            4 => concatenate::<B, C, 4>(maps),
            5 => concatenate::<B, C, 5>(maps),
            _ => concatenate::<B, C, MOST_MAPS>(maps),
        }
    }

    fn pool(input: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Pool;

        impl<B: Backend + Kernels> Backward<B, 1> for Pool {
            /// The input of a maximum; a mean needs none.
            type State = (Option<NodeId>, PoolShape);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let (input, shape) = ops.state;
                let gradient = grads.consume::<B>(&ops.node);
                let gradient = match input {
                    Some(input) => {
                        let input = checkpointer.retrieve_node_output::<Inner<B>>(input);
                        B::maximum_gradient(input, gradient, shape)
                    }
                    None => B::average_gradient(gradient, shape),
                };
                register!(B, grads, ops.parents, [gradient]);
            }
        }

        match Pool.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let node = (shape.kind == PoolKind::Max).then(|| prep.checkpoint(&input));
                prep.finish((node, shape), B::pool(input.into_primitive(), shape))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::pool(input.into_primitive(), shape)),
        }
    }

    fn maximum_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: PoolShape,
    ) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }

    fn average_gradient(_: FloatTensor<Self>, _: PoolShape) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }

    fn means(input: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Means;

        impl<B: Backend + Kernels> Backward<B, 1> for Means {
            type State = [usize; 2];

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = grads.consume::<B>(&ops.node);
                register!(
                    B,
                    grads,
                    ops.parents,
                    [B::means_gradient(gradient, ops.state)]
                );
            }
        }

        let shape = input.shape();
        let node = [input.node()];
        let output = B::means(input.into_primitive());
        match Means.prepare::<C>(node).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([shape[2], shape[3]], output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn means_gradient(_: FloatTensor<Self>, _: [usize; 2]) -> FloatTensor<Self> {
        unreachable!("gradients are not differentiated")
    }

    fn adam_step(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("only called where nothing is differentiated")
    }
}

/// Concatenates the first `MAPS`, on whose number the type of the way back depends.
fn concatenate<B: Backend + Kernels, C: CheckpointStrategy, const MAPS: usize>(
    maps: [FloatTensor<Autodiff<B, C>>; MOST_MAPS],
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct Concatenate;

    impl<B: Backend + Kernels, const MAPS: usize> Backward<B, MAPS> for Concatenate {
        /// Channels of each map.
        type State = [usize; MAPS];

        fn backward(
            self,
            ops: Ops<Self::State, MAPS>,
            grads: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let gradient = grads.consume::<B>(&ops.node);
            let mut first = 0;
            for (parent, channels) in ops.parents.into_iter().zip(ops.state) {
                if let Some(node) = parent {
                    let mut part: Vec<_> = gradient
                        .shape()
                        .iter()
                        .map(|side| (0..*side).into())
                        .collect();
                    part[1] = (first..first + channels).into();
                    grads.register::<B>(node.id, B::float_slice(gradient.clone(), &part));
                }
                first += channels;
            }
        }
    }

    let nodes = std::array::from_fn::<_, MAPS, _>(|map| maps[map].node());
    let channels = std::array::from_fn::<_, MAPS, _>(|map| maps[map].shape()[1]);
    let prepared = Concatenate.prepare::<C>(nodes).compute_bound().stateful();
    let [a, b, c, d, e, f] = maps.map(|map| map.into_primitive());
    let output = B::concatenate(a, b, c, d, e, f, MAPS);
    match prepared {
        OpsKind::Tracked(prep) => prep.finish(channels, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
