//! The names that torchvision gives to the tensors of our networks.

use crate::{Family, NetworkSpec};

/// torchvision's name of the tensor at `path` of this network.
///
/// Truncation does not change a name: what is kept of `densenet121` is called the same in
/// `densenet121-minus2`. Returns `None` for a path that the network does not have.
pub fn torchvision_key(spec: &NetworkSpec, path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('.').collect();
    match spec.architecture().family() {
        Family::ResNet => resnet(&segments),
        Family::DenseNet => densenet(&segments),
        Family::MobileNetV2 => mobilenet_v2(spec, &segments),
    }
}

fn resnet(path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "conv", "conv", tensor] => format!("conv1.{tensor}"),
        ["stem", "conv", "norm_act", "norm", tensor] => format!("bn1.{tensor}"),
        [
            "blocks",
            stage,
            "units",
            unit,
            "convolutions",
            conv,
            ref part @ ..,
        ] => {
            let (stage, conv) = (next(stage)?, next(conv)?);
            match *part {
                ["conv", tensor] => format!("layer{stage}.{unit}.conv{conv}.{tensor}"),
                ["norm_act", "norm", tensor] => format!("layer{stage}.{unit}.bn{conv}.{tensor}"),
                _ => return None,
            }
        }
        ["blocks", stage, "units", unit, "downsample", ref part @ ..] => {
            let stage = next(stage)?;
            match *part {
                ["conv", tensor] => format!("layer{stage}.{unit}.downsample.0.{tensor}"),
                ["norm_act", "norm", tensor] => {
                    format!("layer{stage}.{unit}.downsample.1.{tensor}")
                }
                _ => return None,
            }
        }
        ["head", "linear", tensor] => format!("fc.{tensor}"),
        _ => return None,
    })
}

fn densenet(path: &[&str]) -> Option<String> {
    Some(match *path {
        ["stem", "conv", "conv", tensor] => format!("features.conv0.{tensor}"),
        ["stem", "conv", "norm_act", "norm", tensor] => format!("features.norm0.{tensor}"),
        // torchvision counts a transition with the dense block before it.
        ["blocks", stage, "transition", "norm_act", "norm", tensor] => {
            format!("features.transition{stage}.norm.{tensor}")
        }
        ["blocks", stage, "transition", "conv", "conv", tensor] => {
            format!("features.transition{stage}.conv.{tensor}")
        }
        ["blocks", stage, "layers", layer, ref part @ ..] => {
            let (part, tensor) = match *part {
                ["norm_act", "norm", tensor] => ("norm1", tensor),
                ["bottleneck", "conv", tensor] => ("conv1", tensor),
                ["bottleneck", "norm_act", "norm", tensor] => ("norm2", tensor),
                ["growth", "conv", tensor] => ("conv2", tensor),
                _ => return None,
            };
            let (stage, layer) = (next(stage)?, next(layer)?);
            format!("features.denseblock{stage}.denselayer{layer}.{part}.{tensor}")
        }
        ["neck", "norm", tensor] => format!("features.norm5.{tensor}"),
        ["head", "linear", tensor] => format!("classifier.{tensor}"),
        _ => return None,
    })
}

/// torchvision numbers all units through (`features.1` to `features.17`) and the layers of a unit
/// from 0, so the place of a unit and whether it widens are asked of the spec.
fn mobilenet_v2(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    use crate::BlockLayout::InvertedResidual;
    let units = |block: &crate::BlockSpec| match &block.layout {
        InvertedResidual(stage) => stage.units.len(),
        _ => 0,
    };
    Some(match *path {
        ["stem", "conv", ref part @ ..] => {
            let (layer, tensor) = conv_then_norm(part, 0)?;
            format!("features.0.{layer}.{tensor}")
        }
        ["blocks", stage, "units", unit, conv, ref part @ ..] => {
            let (stage, unit) = (stage.parse::<usize>().ok()?, unit.parse::<usize>().ok()?);
            let InvertedResidual(layout) = &spec.blocks().get(stage)?.layout else {
                return None;
            };
            let depthwise = usize::from(layout.units.get(unit)?.expand.is_some());
            let before: usize = spec.blocks()[..stage].iter().map(units).sum();
            let layer = match conv {
                "expand" => nested(0, part)?,
                "depthwise" => nested(depthwise, part)?,
                "project" => {
                    let (layer, tensor) = conv_then_norm(part, depthwise + 1)?;
                    format!("{layer}.{tensor}")
                }
                _ => return None,
            };
            format!("features.{}.conv.{layer}", 1 + before + unit)
        }
        ["neck", ref part @ ..] => {
            let last = 1 + spec.blocks().iter().map(units).sum::<usize>();
            let (layer, tensor) = conv_then_norm(part, 0)?;
            format!("features.{last}.{layer}.{tensor}")
        }
        ["head", "linear", tensor] => format!("classifier.1.{tensor}"),
        _ => return None,
    })
}

/// The place of a convolution or of the normalisation behind it in a sequence that starts at `first`.
fn conv_then_norm<'a>(part: &[&'a str], first: usize) -> Option<(usize, &'a str)> {
    match *part {
        ["conv", tensor] => Some((first, tensor)),
        ["norm_act", "norm", tensor] => Some((first + 1, tensor)),
        _ => None,
    }
}

/// A convolution with its normalisation as a sequence of its own, at a place of the unit's sequence.
fn nested(place: usize, part: &[&str]) -> Option<String> {
    let (layer, tensor) = conv_then_norm(part, 0)?;
    Some(format!("{place}.{layer}.{tensor}"))
}

/// The index after this one: we count from 0, torchvision's attribute names from 1.
fn next(index: &str) -> Option<usize> {
    Some(index.parse::<usize>().ok()? + 1)
}
