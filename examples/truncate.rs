//! Truncation and one's own heads: what each cut of a network costs, and a frozen body under a new head.
//!
//! ```text
//! cargo run --release --example truncate -- densenet121
//! ```
#![allow(clippy::print_stdout)]

use anyhow::Result;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Tensor, activation::relu};
use chextransfer::models::{Architecture, Block, DeviceChoice, Network, Stem};

/// The first blocks of a network under two linear layers: any Burn module can hold our blocks.
#[derive(Module, Debug)]
struct TwoLayerHead {
    stem: Stem,
    blocks: Vec<Block>,
    hidden: Linear,
    output: Linear,
}

impl TwoLayerHead {
    fn new(body: &Network, blocks: usize, device: &Device) -> Self {
        let channels = body.spec().blocks()[blocks - 1].layout.channels();
        Self {
            stem: body.stem().clone(),
            blocks: body.blocks()[..blocks].to_vec(),
            hidden: LinearConfig::new(channels, 64).init(device),
            output: LinearConfig::new(64, 14).init(device),
        }
    }

    /// `[batch, 3, height, width]` to `[batch, 14]`.
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.stem.forward(images);
        let map = self
            .blocks
            .iter()
            .fold(map, |map, block| block.forward(map));
        let pooled = map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim::<2>(2);
        self.output.forward(relu(self.hidden.forward(pooled)))
    }
}

fn main() -> Result<()> {
    let name = std::env::args().nth(1);
    let architecture: Architecture = name.as_deref().unwrap_or("resnet18").parse()?;

    // Everything about a network is known before a device is touched.
    let whole = architecture.spec().with_classes(14)?;
    for k in 0..whole.blocks().len() {
        let cut = whole.clone().minus(k)?;
        let blocks = cut.describe([320, 320])?;
        let Some(last) = blocks.last() else { continue };
        println!(
            "{:<24} {:>10} parameters, {:>6.2} times smaller, map {}x{}",
            cut.name(),
            cut.parameters(),
            whole.parameters() as f64 / cut.parameters() as f64,
            last.side[0],
            last.side[1],
        );
    }

    // A cut to fine-tune: all but its last block frozen, so that they cost no gradient.
    let device = DeviceChoice::Cpu.open()?.autodiff();
    let cut = whole.clone().minus(1)?;
    let network = cut.init(0, &device).freeze_below(cut.blocks().len() - 1);
    let images = || Tensor::random([2, 3, 96, 96], Distribution::Default, &device);
    let logits = network.forward(images());
    println!("{}: logits {:?}", cut.name(), logits.dims());

    // The same blocks in a module of one's own.
    let own = TwoLayerHead::new(&network, 1, &device);
    let loss = own.forward(images()).powf_scalar(2.0).mean();
    let gradients = loss.backward();
    let reached = own.output.weight.val().grad(&gradients).is_some();
    println!(
        "own head of {} parameters, gradient: {reached}",
        own.num_params()
    );
    Ok(())
}
