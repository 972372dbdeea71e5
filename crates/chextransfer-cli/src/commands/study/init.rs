//! `study init`: a ready-made study.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chextransfer_study::{NetworkName, ReadyMade, Study};

use super::result_line;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// paper (16 networks with and without ImageNet weights, and truncations), toy (phantoms, minutes) or sample (the
    /// networks whose weights are given, on the radiographs of a folder)
    name: ReadyMade,
    /// The dataset, a folder in CheXpert's layout
    #[arg(long)]
    data: Option<PathBuf>,
    /// A network's file of weights, which its truncations take as well; may be repeated
    #[arg(long, value_name = "NETWORK=FILE", value_parser = network_and_file)]
    weights: Vec<(NetworkName, PathBuf)>,
    /// The study's folder
    #[arg(long)]
    out: PathBuf,
}

fn network_and_file(text: &str) -> Result<(NetworkName, PathBuf)> {
    let (network, file) = text
        .split_once('=')
        .context("expected NETWORK=FILE, such as resnet18=resnet18.safetensors")?;
    Ok((network.parse()?, file.into()))
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let whole = |path: PathBuf| {
        let found = path.canonicalize();
        found.with_context(|| format!("cannot open {}", path.display()))
    };
    let data = arguments.data.map(whole).transpose()?;
    let weights = arguments.weights.into_iter();
    let weights = weights.map(|(network, file)| Ok((network, whole(file)?)));
    let weights = weights.collect::<Result<BTreeMap<_, _>>>()?;
    let text = arguments.name.with(data.as_deref(), &weights)?;
    let study = Study::create(&arguments.out, &text)?;
    result_line!(
        "{}: {} runs; edit it, then: chextransfer study run {}",
        arguments.out.join("study.toml").display(),
        study.cells().len(),
        arguments.out.display()
    );
    Ok(())
}
