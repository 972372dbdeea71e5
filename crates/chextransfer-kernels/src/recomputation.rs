//! Results that are cheaper to compute again in the backward pass than to keep.

use std::fmt;
use std::marker::PhantomData;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use burn::backend::autodiff::checkpoint::strategy::BalancedCheckpointing;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use crate::autodiff::Inner;

/// Prepares an operation whose result no other operation keeps for its backward pass: whatever the strategy of the graph, it
/// is computed again of its parents, which must be kept.
pub(crate) fn prepare<O, B, const N: usize>(
    operation: O,
    parents: [&FloatTensor<Autodiff<B>>; N],
    compute: impl Fn([Inner<B>; N]) -> Inner<B> + Send + 'static,
) -> OpsKind<O, B, O::State, BalancedCheckpointing, N>
where
    O: Backward<B, N>,
    B: Backend,
{
    let nodes = parents.map(|parent| parent.node());
    let mut tracked: Vec<_> = parents
        .into_iter()
        .filter(|parent| parent.is_tracked())
        .collect();
    if tracked.is_empty() {
        // Burn finds no way back to such an operation; seeing parents it can not track, it keeps the result.
        tracked = parents.to_vec();
    }
    let recomputation = Recomputation {
        parents: parents.map(|parent| match parent.is_tracked() {
            true => Parent::Kept(parent.node().id()),
            false => Parent::Constant(parent.clone().into_primitive()),
        }),
        compute,
        backend: PhantomData::<B>,
    };
    operation
        .prepare::<BalancedCheckpointing>(nodes)
        .memory_bound()
        .retro_forward(recomputation)
        .parents(tracked)
        .stateful()
}

/// Where the backward pass finds an operand.
#[derive(Debug)]
enum Parent<T> {
    /// Among what the graph keeps.
    Kept(NodeId),
    /// Here: the graph keeps nothing that no gradient flows to.
    Constant(T),
}

struct Recomputation<B: Backend, F, const N: usize> {
    parents: [Parent<Inner<B>>; N],
    compute: F,
    backend: PhantomData<B>,
}

impl<B: Backend, F, const N: usize> fmt::Debug for Recomputation<B, F, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Recomputation");
        debug
            .field("parents", &self.parents)
            .finish_non_exhaustive()
    }
}

impl<B, F, const N: usize> RetroForward for Recomputation<B, F, N>
where
    B: Backend,
    F: Fn([Inner<B>; N]) -> Inner<B> + Send + 'static,
{
    fn forward(&self, states: &mut BackwardStates, out_node: NodeId) {
        let parents = self.parents.each_ref().map(|parent| match parent {
            Parent::Kept(node) => states.get_state::<Inner<B>>(node),
            Parent::Constant(tensor) => tensor.clone(),
        });
        states.save(out_node, (self.compute)(parents));
    }
}
