//! timm's names.

use super::{branch_name, conv_bn, part, torchvision};
use crate::block::InvertedResidualSpec;
use crate::{BlockLayout, Family, NetworkSpec, StemLayerSpec};

pub(super) fn key(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    match spec.architecture().family() {
        // timm keeps torchvision's names here.
        Family::DenseNet | Family::ResNet | Family::InceptionV3 => torchvision::key(spec, path),
        Family::InceptionV4 => inception_v4(spec, path),
        Family::MnasNet | Family::EfficientNet | Family::MobileNetV2 => {
            inverted_residuals(spec, path).or_else(|| conv_head(path))
        }
        Family::MobileNetV3 => inverted_residuals(spec, path).or_else(|| pooled_conv_head(path)),
    }
}

/// timm numbers stem and modules through: `features.0` to `features.21`.
fn inception_v4(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    match *path {
        ["stem", "layers", index, ref rest @ ..] => {
            match (spec.stem().layers.get(index.parse::<usize>().ok()?)?, rest) {
                (StemLayerSpec::Branches(module), ["branches", branch @ .., part, tensor]) => {
                    let name = branch_name(module, branch)?;
                    conv_bn(&format!("features.{index}.{name}"), &[part, tensor])
                }
                (StemLayerSpec::Conv(_), rest) => conv_bn(&format!("features.{index}"), rest),
                _ => None,
            }
        }
        ["blocks", index, "branches", ref branch @ .., part, tensor] => {
            let index = index.parse::<usize>().ok()?;
            let BlockLayout::Inception(module) = &spec.blocks().get(index)?.layout else {
                return None;
            };
            let name = branch_name(module, branch)?;
            let place = spec.stem().layers.len() + index;
            conv_bn(&format!("features.{place}.{name}"), &[part, tensor])
        }
        ["head", "linear", tensor] => Some(format!("last_linear.{tensor}")),
        _ => None,
    }
}

/// Stem, stages and classifier, which all families of inverted residuals share.
fn inverted_residuals(spec: &NetworkSpec, path: &[&str]) -> Option<String> {
    match *path {
        ["stem", "layers", "0", ref rest @ ..] => named("conv_stem", "bn1", rest),
        ["blocks", stage, "units", index, layer, ref rest @ ..] => {
            let block = spec.blocks().get(stage.parse::<usize>().ok()?)?;
            let BlockLayout::InvertedResidual(units) = &block.layout else {
                return None;
            };
            let unit = units.units.get(index.parse::<usize>().ok()?)?;
            Some(format!(
                "blocks.{stage}.{index}.{}",
                inner(unit, layer, rest)?
            ))
        }
        ["head", "linear", tensor] => Some(format!("classifier.{tensor}")),
        _ => None,
    }
}

/// A unit that does not widen is a separable convolution, whose narrowing is `conv_pw`.
fn inner(unit: &InvertedResidualSpec, layer: &str, rest: &[&str]) -> Option<String> {
    let widens = unit.expand.is_some();
    match (layer, rest) {
        ("expand", rest) => named("conv_pw", "bn1", rest),
        ("depthwise", rest) => named("conv_dw", if widens { "bn2" } else { "bn1" }, rest),
        ("project", rest) if widens => named("conv_pwl", "bn3", rest),
        ("project", rest) => named("conv_pw", "bn2", rest),
        ("squeeze_excite", [conv @ ("reduce" | "expand"), tensor]) => {
            Some(format!("se.conv_{conv}.{tensor}"))
        }
        _ => None,
    }
}

/// The last convolution of the networks that pool behind it.
fn conv_head(path: &[&str]) -> Option<String> {
    match *path {
        ["neck", ref rest @ ..] => named("conv_head", "bn2", rest),
        _ => None,
    }
}

/// MobileNetV3 pools between its last two convolutions; the second is our head's hidden layer.
fn pooled_conv_head(path: &[&str]) -> Option<String> {
    match *path {
        ["neck", ref rest @ ..] => named("blocks.6.0.conv", "blocks.6.0.bn1", rest),
        ["head", "hidden", tensor] => Some(format!("conv_head.{tensor}")),
        _ => None,
    }
}

fn named(conv: &str, norm: &str, rest: &[&str]) -> Option<String> {
    let (is_norm, tensor) = part(rest)?;
    Some(format!("{}.{tensor}", if is_norm { norm } else { conv }))
}
