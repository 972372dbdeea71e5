//! `models`: parameters, operations, blocks and cuts.

use anyhow::Result;
use chextransfer_models::{Architecture, BlockSummary, NetworkSpec};
use serde_json::{Value, json};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Show this network's blocks and every cut of it
    #[arg(long)]
    architecture: Option<Architecture>,
    /// Side of the image in pixels
    #[arg(long, default_value_t = 320)]
    image_size: usize,
    /// Outputs of the head
    #[arg(long, default_value_t = 14)]
    classes: usize,
    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let image = [arguments.image_size; 2];
    let networks = match arguments.architecture {
        None => Architecture::ALL
            .map(|architecture| (architecture, 0))
            .to_vec(),
        Some(architecture) => {
            let blocks = architecture.spec().blocks().len();
            (0..blocks).map(|k| (architecture, k)).collect()
        }
    };
    let networks = networks
        .into_iter()
        .map(|(architecture, k)| architecture.minus(k)?.with_classes(arguments.classes))
        .collect::<chextransfer_models::Result<Vec<_>>>()?;
    if arguments.json {
        let rows: Result<Vec<_>> = networks
            .iter()
            .map(|network| as_json(network, image))
            .collect();
        result_line!("{}", serde_json::to_string_pretty(&rows?)?);
        return Ok(());
    }
    result_line!(
        "{:<26} {:>12} {:>8} {:>8} {:>7} {:>9} {:>15}",
        "network",
        "parameters",
        "smaller",
        "MMACs",
        "blocks",
        "map",
        "receptive field"
    );
    let whole = networks.first().map_or(0, NetworkSpec::parameters);
    for network in &networks {
        let blocks = network.describe(image)?;
        let parameters = network.parameters();
        let smaller = match network.dropped() {
            0 => String::new(),
            _ => format!("{:.2}x", whole as f64 / parameters as f64),
        };
        let macs = network.macs(image)? / 1_000_000;
        let Some(last) = blocks.last() else { continue };
        let map = format!("{}x{}", last.side[0], last.side[1]);
        result_line!(
            "{:<26} {parameters:>12} {smaller:>8} {macs:>8} {:>7} {map:>9} {:>15}",
            network.name(),
            blocks.len(),
            last.receptive_field
        );
    }
    for network in &networks {
        if let Some(auxiliary) = auxiliary_parameters(network) {
            result_line!(
                "{} without its auxiliary classifier: {} parameters",
                network.name(),
                network.parameters() - auxiliary
            );
        }
    }
    if arguments.architecture == Some(Architecture::MnasNet1_0) {
        let counted = Architecture::MNASNET_OF_THE_PAPER;
        let factor =
            |cut: &NetworkSpec| format!("{:.2}x", counted as f64 / cut.parameters() as f64);
        let factors: Vec<_> = networks.iter().skip(1).map(factor).collect();
        result_line!(
            "Ke et al. 2021 count NASNet-A-Mobile's {counted} parameters as MNASNet's; against that the cuts are {} smaller",
            factors.join(", ")
        );
    }
    if let Some(network) = arguments.architecture.and(networks.first()) {
        print_blocks(&network.describe(image)?);
    }
    Ok(())
}

/// Parameters that training alone needs, where a network has any.
fn auxiliary_parameters(network: &NetworkSpec) -> Option<usize> {
    network.auxiliary()?;
    Some(network.parameters() - network.clone().without_auxiliary().parameters())
}

fn print_blocks(blocks: &[BlockSummary]) {
    result_line!(
        "\n{:<14} {:>8} {:>9} {:>9} {:>15} {:>12} {:>8}",
        "block",
        "channels",
        "reduction",
        "map",
        "receptive field",
        "parameters",
        "MMACs"
    );
    for block in blocks {
        let BlockSummary {
            name,
            channels,
            reduction,
            side,
            receptive_field,
            parameters,
            macs,
        } = block;
        let map = format!("{}x{}", side[0], side[1]);
        let macs = macs / 1_000_000;
        result_line!(
            "{name:<14} {channels:>8} {reduction:>9} {map:>9} {receptive_field:>15} {parameters:>12} {macs:>8}"
        );
    }
}

fn as_json(network: &NetworkSpec, image: [usize; 2]) -> Result<Value> {
    let block = |block: BlockSummary| {
        json!({
            "name": block.name,
            "channels": block.channels,
            "reduction": block.reduction,
            "side": block.side,
            "receptive_field": block.receptive_field,
            "parameters": block.parameters,
            "macs": block.macs,
        })
    };
    Ok(json!({
        "architecture": network.architecture().name(),
        "minus": network.dropped(),
        "classes": network.classes(),
        "parameters": network.parameters(),
        "auxiliary_parameters": auxiliary_parameters(network).unwrap_or(0),
        "macs": network.macs(image)?,
        "blocks": network.describe(image)?.into_iter().map(block).collect::<Vec<_>>(),
    }))
}
