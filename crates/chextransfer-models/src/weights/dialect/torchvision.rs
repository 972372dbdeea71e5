//! torchvision's names.

use super::{branch_name, conv_bn, part};
use crate::block::InvertedResidualSpec;
use crate::{BlockLayout, Family, NetworkSpec};

pub(super) fn key(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    match spec.architecture().family() {
        Family::ResNet => resnet(path),
        Family::DenseNet => densenet(path),
        Family::InceptionV3 => inception_v3(spec, path),
        Family::InceptionV4 => None,
        Family::MnasNet => mnasnet(spec, path),
        Family::EfficientNet => efficientnet(spec, path),
        Family::MobileNetV2 => mobilenet_v2(spec, path),
        Family::MobileNetV3 => mobilenet_v3(spec, path),
    }
}

fn resnet(path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => {
            let (norm, tensor) = part(rest)?;
            format!("{}1.{tensor}", if norm { "bn" } else { "conv" })
        }
        [
            "blocks",
            stage,
            "units",
            unit,
            "convolutions",
            conv,
            ref rest @ ..,
        ] => {
            let (stage, conv) = (next(stage)?, next(conv)?);
            let (norm, tensor) = part(rest)?;
            let layer = if norm { "bn" } else { "conv" };
            format!("layer{stage}.{unit}.{layer}{conv}.{tensor}")
        }
        ["blocks", stage, "units", unit, "downsample", ref rest @ ..] => {
            let stage = next(stage)?;
            format!("layer{stage}.{unit}.downsample.{}", sequence(0, rest)?)
        }
        ["head", "linear", tensor] => format!("fc.{tensor}"),
        _ => return None,
    })
}

fn densenet(path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => {
            let (norm, tensor) = part(rest)?;
            format!("features.{}0.{tensor}", if norm { "norm" } else { "conv" })
        }
        // torchvision counts a transition with the dense block before it.
        ["blocks", stage, "transition", "norm_act", "norm", tensor] => {
            format!("features.transition{stage}.norm.{tensor}")
        }
        ["blocks", stage, "transition", "conv", "conv", tensor] => {
            format!("features.transition{stage}.conv.{tensor}")
        }
        ["blocks", stage, "layers", layer, ref rest @ ..] => {
            let (name, tensor) = match *rest {
                ["norm_act", "norm", tensor] => ("norm1", tensor),
                ["bottleneck", "conv", tensor] => ("conv1", tensor),
                ["bottleneck", "norm", tensor] => ("norm2", tensor),
                ["growth", "conv", tensor] => ("conv2", tensor),
                _ => return None,
            };
            let (stage, layer) = (next(stage)?, next(layer)?);
            format!("features.denseblock{stage}.denselayer{layer}.{name}.{tensor}")
        }
        ["neck", "norm", tensor] => format!("features.norm5.{tensor}"),
        ["head", "linear", tensor] => format!("classifier.{tensor}"),
        _ => return None,
    })
}

fn inception_v3(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    match *path {
        ["stem", "layers", index, ref rest @ ..] => {
            let name = match index {
                "0" => "Conv2d_1a_3x3",
                "1" => "Conv2d_2a_3x3",
                "2" => "Conv2d_2b_3x3",
                "4" => "Conv2d_3b_1x1",
                "5" => "Conv2d_4a_3x3",
                _ => return None,
            };
            conv_bn(name, rest)
        }
        ["blocks", index, "branches", ref branch @ .., part, tensor] => {
            let block = spec.blocks().get(index.parse::<usize>().ok()?)?;
            let BlockLayout::Inception(module) = &block.layout else {
                return None;
            };
            let name = branch_name(module, branch)?;
            conv_bn(&format!("{}.{name}", block.name), &[part, tensor])
        }
        ["auxiliary", "convolutions", index, ref rest @ ..] => {
            conv_bn(&format!("AuxLogits.conv{index}"), rest)
        }
        ["auxiliary", "head", "linear", tensor] => Some(format!("AuxLogits.fc.{tensor}")),
        ["head", "linear", tensor] => Some(format!("fc.{tensor}")),
        _ => None,
    }
}

/// torchvision lays stem and separable convolution flat into one sequence, `layers.0` to `layers.7`,
/// then stacks, then the last convolution.
fn mnasnet(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    const SEPARABLE: usize = 3;
    const STACKS: usize = 8;
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => format!("layers.{}", sequence(0, rest)?),
        ["blocks", "0", "units", "0", conv, ref rest @ ..] => {
            let place = triple(unit(spec, "0", "0")?, conv)?;
            format!("layers.{}", sequence(SEPARABLE + place, rest)?)
        }
        ["blocks", stage, "units", index, conv, ref rest @ ..] => {
            let stack = STACKS + stage.parse::<usize>().ok()? - 1;
            let place = triple(unit(spec, stage, index)?, conv)?;
            format!("layers.{stack}.{index}.layers.{}", sequence(place, rest)?)
        }
        ["neck", ref rest @ ..] => {
            let last = STACKS + spec.blocks().len() - 1;
            format!("layers.{}", sequence(last, rest)?)
        }
        ["head", "linear", tensor] => format!("classifier.1.{tensor}"),
        _ => return None,
    })
}

fn efficientnet(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => format!("features.0.{}", sequence(0, rest)?),
        ["blocks", stage, "units", index, layer, ref rest @ ..] => {
            let inner = gated(unit(spec, stage, index)?, layer, rest)?;
            format!("features.{}.{index}.block.{inner}", next(stage)?)
        }
        ["neck", ref rest @ ..] => {
            let last = 1 + spec.blocks().len();
            format!("features.{last}.{}", sequence(0, rest)?)
        }
        ["head", "linear", tensor] => format!("classifier.1.{tensor}"),
        _ => return None,
    })
}

fn mobilenet_v2(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => format!("features.0.{}", sequence(0, rest)?),
        ["blocks", stage, "units", index, conv, ref rest @ ..] => {
            let place = place(unit(spec, stage, index)?, conv)?;
            // Only the last convolution is no sequence of its own.
            let inner = match conv {
                "project" => sequence(place, rest)?,
                _ => format!("{place}.{}", sequence(0, rest)?),
            };
            format!("features.{}.conv.{inner}", 1 + through(spec, stage, index)?)
        }
        ["neck", ref rest @ ..] => {
            format!("features.{}.{}", 1 + units(spec), sequence(0, rest)?)
        }
        ["head", "linear", tensor] => format!("classifier.1.{tensor}"),
        _ => return None,
    })
}

fn mobilenet_v3(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "layers", "0", ref rest @ ..] => format!("features.0.{}", sequence(0, rest)?),
        ["blocks", stage, "units", index, layer, ref rest @ ..] => {
            let inner = gated(unit(spec, stage, index)?, layer, rest)?;
            let place = 1 + through(spec, stage, index)?;
            format!("features.{place}.block.{inner}")
        }
        ["neck", ref rest @ ..] => {
            format!("features.{}.{}", 1 + units(spec), sequence(0, rest)?)
        }
        ["head", "hidden", tensor] => format!("classifier.0.{tensor}"),
        // A truncated network has nothing but a linear layer, but keeps the name of the last one.
        ["head", "linear", tensor] => format!("classifier.3.{tensor}"),
        _ => return None,
    })
}

/// The place of a convolution or of the normalisation behind it in a sequence that starts at `first`.
fn sequence(first: usize, rest: &[&str]) -> Option<String> {
    let (norm, tensor) = part(rest)?;
    Some(format!("{}.{tensor}", first + usize::from(norm)))
}

/// The index after this one: we count from 0, torchvision's attribute names from 1.
fn next(index: &str) -> Option<usize> {
    Some(index.parse::<usize>().ok()? + 1)
}

fn unit<'a>(spec: &'a NetworkSpec, stage: &str, index: &str) -> Option<&'a InvertedResidualSpec> {
    match &spec.blocks().get(stage.parse::<usize>().ok()?)?.layout {
        BlockLayout::InvertedResidual(stage) => stage.units.get(index.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The place of a unit among all units of the network.
fn through(spec: &NetworkSpec, stage: &str, index: &str) -> Option<usize> {
    let stage = spec.blocks().get(..stage.parse::<usize>().ok()?)?;
    Some(stage.iter().map(count).sum::<usize>() + index.parse::<usize>().ok()?)
}

fn units(spec: &NetworkSpec) -> usize {
    spec.blocks().iter().map(count).sum()
}

fn count(block: &crate::BlockSpec) -> usize {
    match &block.layout {
        BlockLayout::InvertedResidual(stage) => stage.units.len(),
        _ => 0,
    }
}

/// The place of a layer in its unit: widening and gate may be missing.
fn place(unit: &InvertedResidualSpec, layer: &str) -> Option<usize> {
    let (expand, gate) = (
        usize::from(unit.expand.is_some()),
        usize::from(unit.squeeze_excite.is_some()),
    );
    match layer {
        "expand" => Some(0),
        "depthwise" => Some(expand),
        "squeeze_excite" => Some(expand + 1),
        "project" => Some(expand + 1 + gate),
        _ => None,
    }
}

/// The same where convolution, normalisation and activation are layers of the unit's own sequence.
fn triple(unit: &InvertedResidualSpec, layer: &str) -> Option<usize> {
    Some(3 * place(unit, layer)?)
}

/// The name of a tensor inside a unit that may have a gate.
fn gated(unit: &InvertedResidualSpec, layer: &str, rest: &[&str]) -> Option<String> {
    let place = place(unit, layer)?;
    Some(match (layer, rest) {
        ("squeeze_excite", ["reduce", tensor]) => format!("{place}.fc1.{tensor}"),
        ("squeeze_excite", ["expand", tensor]) => format!("{place}.fc2.{tensor}"),
        ("squeeze_excite", _) => return None,
        _ => format!("{place}.{}", sequence(0, rest)?),
    })
}
