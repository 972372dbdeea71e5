//! The names of every tensor against complete lists from the pinned Python packages, both ways.
//!
//! `reference/keys` is written by hand with `tests/reference/key_lists.py` of the workspace.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chextransfer_models::weights::Dialect;
use chextransfer_models::{Architecture, NetworkSpec};

type Shapes = BTreeMap<String, Vec<usize>>;

/// Names and shapes by architecture; counters of batches apart.
fn reference(text: &str) -> BTreeMap<String, Shapes> {
    let mut all = BTreeMap::new();
    let mut current = String::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[') {
            current = name.trim_end_matches(']').to_owned();
            continue;
        }
        let (layer, tensors) = line.split_once(' ').unwrap();
        let shapes: &mut Shapes = all.entry(current.clone()).or_default();
        for tensor in tensors.split(' ') {
            let (name, shape) = tensor.split_once('=').unwrap();
            let shape: Vec<usize> = shape.split('x').map(|side| side.parse().unwrap()).collect();
            let names: &[&str] = match name {
                "bn" => &["weight", "bias", "running_mean", "running_var"],
                _ => &[name],
            };
            for name in names {
                shapes.insert(format!("{layer}.{name}"), shape.clone());
            }
        }
    }
    all
}

fn ours(spec: &NetworkSpec, dialect: Dialect) -> Shapes {
    let tensors = spec.tensors();
    let count = tensors.len();
    let named: Shapes = tensors
        .into_iter()
        .map(|tensor| (dialect.key(spec, &tensor.path).unwrap(), tensor.shape))
        .collect();
    assert_eq!(named.len(), count, "{}: a name stands twice", spec.name());
    named
}

/// Every name of ours is theirs, with its shape, and every name of theirs is ours.
fn agrees(dialect: Dialect, text: &str, without: &[Architecture]) {
    let reference = reference(text);
    let have: BTreeSet<&str> = reference.keys().map(String::as_str).collect();
    let want = Architecture::ALL
        .into_iter()
        .filter(|a| !without.contains(a));
    assert_eq!(have, want.map(Architecture::name).collect());
    for (name, mut expected) in reference {
        let architecture: Architecture = name.parse().unwrap();
        let mut spec = architecture.spec();
        if !expected.keys().any(|name| name.starts_with("AuxLogits")) {
            spec = spec.without_auxiliary();
        }
        // timm's linear layer behind the pooling is a 1x1 convolution.
        if let Some(shape) = expected
            .get_mut("conv_head.weight")
            .filter(|_| spec.head().hidden.is_some())
        {
            assert_eq!(shape.split_off(2), [1, 1]);
        }
        assert_eq!(ours(&spec, dialect), expected, "{dialect} {name}");
    }
}

#[test]
fn every_tensor_has_torchvisions_name_and_shape() {
    let text = include_str!("reference/keys/torchvision.txt");
    agrees(Dialect::Torchvision, text, &[Architecture::InceptionV4]);
}

#[test]
fn every_tensor_has_timms_name_and_shape() {
    agrees(Dialect::Timm, include_str!("reference/keys/timm.txt"), &[]);
}

#[test]
fn truncation_changes_no_name_of_what_is_kept() {
    for architecture in Architecture::ALL {
        let dialect = Dialect::reference(architecture);
        let whole = ours(&architecture.spec(), dialect);
        for k in 1..architecture.spec().blocks().len() {
            let cut = architecture.minus(k).unwrap();
            let head = |path: &str| path.starts_with("head.");
            for tensor in cut
                .tensors()
                .into_iter()
                .filter(|tensor| !head(&tensor.path))
            {
                let name = dialect.key(&cut, &tensor.path).unwrap();
                assert_eq!(
                    whole.get(&name),
                    Some(&tensor.shape),
                    "{} {name}",
                    cut.name()
                );
            }
        }
    }
}

#[test]
fn an_unknown_dialect_lists_the_known_ones() {
    let message = "keras".parse::<Dialect>().unwrap_err().to_string();
    assert_eq!(message, "unknown dialect `keras`; known: torchvision, timm");
    assert_eq!("timm".parse::<Dialect>().unwrap(), Dialect::Timm);
}
