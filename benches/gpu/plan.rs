//! What is measured.

use std::path::PathBuf;
use std::time::Duration;

use chextransfer::models::{Architecture, DeviceChoice};

use crate::side::Side;
use crate::{Numbers, Product, Step};

#[derive(clap::Args, Clone)]
pub(crate) struct Plan {
    /// Ours; several, such as cuda:0,vulkan:0, are ways to the same card
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) devices: Vec<DeviceChoice>,
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "densenet121,resnet50,efficientnet_b0,mobilenet_v2"
    )]
    pub(crate) networks: Vec<Architecture>,
    /// What matrix units compute in
    #[arg(
        long,
        value_delimiter = ',',
        value_enum,
        default_value = "float32,tf32,bfloat16"
    )]
    pub(crate) numbers: Vec<Numbers>,
    #[arg(long, default_value_t = 16)]
    pub(crate) batch: usize,
    /// The largest batch that is tried; each side's largest that fits is measured as well as --batch
    #[arg(long, default_value_t = 512)]
    pub(crate) largest: usize,
    /// Height and width of an image
    #[arg(long, default_value_t = 320)]
    pub(crate) side: usize,
    #[arg(long, default_value_t = 10)]
    pub(crate) warm_up: usize,
    /// Steps of a round
    #[arg(long, default_value_t = 10)]
    pub(crate) steps: usize,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Rows and columns of the matrices whose product measures the matrix rate
    #[arg(long, default_value_t = 8192)]
    pub(crate) product: usize,
    /// Threads that decode in the runs from files
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    pub(crate) threads: usize,
    /// Patients of the runs from files; none are made for 0
    #[arg(long, default_value_t = 400)]
    pub(crate) patients: usize,
    /// Seconds that a measurement may take
    #[arg(long, default_value_t = 1200)]
    limit: u64,
    /// A Python with torch and torchvision
    #[arg(long)]
    python: Option<PathBuf>,
    /// Ways of PyTorch
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "eager,channels_last,compile"
    )]
    ways: Vec<String>,
    /// The built test `parity` of chextransfer-models
    #[arg(long)]
    pub(crate) parity: Option<PathBuf>,
    /// Today
    #[arg(long)]
    pub(crate) date: String,
    /// The page whose section `Record` is replaced
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

impl Plan {
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.limit)
    }

    /// PyTorch's ways; none without PyTorch.
    pub(crate) fn pytorch(&self) -> Vec<Side> {
        let of = |python: &PathBuf| {
            let ways = self.ways.iter();
            let side = |way: &String| Side::PyTorch {
                python: python.clone(),
                way: way.clone(),
            };
            ways.map(side).collect()
        };
        self.python.as_ref().map(of).unwrap_or_default()
    }

    pub(crate) fn step(
        &self,
        network: Architecture,
        device: DeviceChoice,
        numbers: Numbers,
        batch: usize,
    ) -> Step {
        Step {
            network,
            device,
            numbers,
            batch,
            side: self.side,
            warm_up: self.warm_up,
            steps: self.steps,
            rounds: self.rounds,
        }
    }

    pub(crate) fn product(&self, device: DeviceChoice, numbers: Numbers) -> Product {
        Product {
            device,
            numbers,
            size: self.product,
            rounds: self.rounds,
        }
    }
}
