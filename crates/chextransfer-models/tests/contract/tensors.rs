//! The tensors of a network: which there are, and their bits.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use burn::module::{Module, ModuleVisitor};
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use chextransfer_models::weights::sha256_hex;
use chextransfer_models::{Architecture, Network, NetworkSpec, TensorKind};

use crate::subject::{SEED, cpu};

/// A tensor that a network holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// As PyTorch stores it.
    pub(crate) shape: Vec<usize>,
    /// Of its bytes.
    pub(crate) sha256: String,
    /// Burn's identity of the parameter.
    pub(crate) id: Option<u64>,
}

/// The tensors by their paths.
pub(crate) fn held(network: &Network) -> BTreeMap<String, Held> {
    let tensors = network.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let held = tensors.into_iter().map(|tensor| {
        let (path, shape, id) = (tensor.name.clone(), tensor.shape.to_vec(), tensor.param_id);
        let sha256 = sha256_hex(&tensor.into_bytes().unwrap());
        (path, Held { shape, sha256, id })
    });
    held.collect()
}

/// The digests by their paths.
pub(crate) fn digests(network: &Network) -> BTreeMap<String, String> {
    let held = held(network).into_iter();
    held.map(|(path, tensor)| (path, tensor.sha256)).collect()
}

/// The digests of the whole architecture with ImageNet's classes, as [`SEED`] starts it.
pub(crate) fn whole(architecture: Architecture) -> &'static BTreeMap<String, String> {
    static WHOLE: [OnceLock<BTreeMap<String, String>>; Architecture::ALL.len()] =
        [const { OnceLock::new() }; Architecture::ALL.len()];
    WHOLE[architecture as usize].get_or_init(|| digests(&architecture.spec().init(SEED, &cpu())))
}

/// A network holds exactly the tensors that its spec lists, in those shapes.
pub(crate) fn assert_are_those_listed(network: &Network) {
    let spec = network.spec();
    let listed = spec.tensors();
    let shapes: BTreeMap<_, _> = listed.iter().map(|t| (t.path.as_str(), &t.shape)).collect();
    assert_eq!(shapes.len(), listed.len(), "a path is listed twice");
    let held = held(network);
    for (path, shape) in &shapes {
        let found = held.get(*path).map(|tensor| &tensor.shape);
        assert_eq!(found, Some(*shape), "{path}, held against listed");
    }
    let unlisted: Vec<_> = held
        .keys()
        .filter(|path| !shapes.contains_key(path.as_str()))
        .collect();
    assert!(unlisted.is_empty(), "held but not listed: {unlisted:?}");
    let parameters = listed
        .iter()
        .filter(|tensor| tensor.kind == TensorKind::Parameter);
    let elements: usize = parameters
        .map(|tensor| tensor.shape.iter().product::<usize>())
        .sum();
    assert_eq!(spec.parameters(), elements);
}

/// What does not depend on the classes has the bits of the whole architecture of the same seed.
pub(crate) fn assert_body_is_the_whole_ones(network: &Network) {
    let whole = whole(network.spec().architecture());
    let found = digests(network);
    let body = network.spec().body_tensors();
    for tensor in &body {
        let path = tensor.path.as_str();
        assert_eq!(
            found.get(path),
            whole.get(path),
            "{path}, kept against whole"
        );
    }
    // All but the weight and bias of the last linear layer.
    assert_eq!(
        body.len() + 2,
        found.len(),
        "tensors of the body and of the head"
    );
}

/// A cut holds what the one before holds, but for its head.
pub(crate) fn assert_nests(cut: &NetworkSpec, before: &NetworkSpec) {
    assert_eq!(
        before.clone().minus(1).unwrap(),
        *cut,
        "one more block dropped"
    );
    let kept = cut.blocks().len();
    assert_eq!(kept + 1, before.blocks().len());
    assert_eq!(before.blocks()[..kept], *cut.blocks());
    assert_eq!(before.stem(), cut.stem());
    let before = before.tensors();
    for tensor in cut.body_tensors() {
        assert!(
            before.contains(&tensor),
            "{} is not in the cut before",
            tensor.path
        );
    }
}

/// How many batch normalisations there are in the module.
pub(crate) fn batch_norms(network: &Network) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn enter_module(&mut self, _: &str, kind: &str) {
            // The parameters of a layer are entered like modules of the layer's type.
            self.0 += usize::from(kind == "Struct:BatchNorm2d");
        }
    }
    let mut count = Count(0);
    network.visit(&mut count);
    count.0
}
