//! Maps against pytorch-grad-cam's, whose numbers `tests/reference/class_activation_maps.py` of the workspace writes and
//! explains.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_explain::{ClassActivationMap, Explainer, Method};
use chextransfer_models::weights::{self, Dialect, Head};
use chextransfer_models::{Architecture, DeviceChoice, Network};
use serde::Deserialize;

const CLASSES: usize = 14;
const BATCH: usize = 2;

/// Largest difference, relative to a map's highest value. Measured: 4e-6; the rest is room for processors that round
/// otherwise.
const TOLERANCE: f32 = 2e-5;

#[derive(Deserialize)]
struct Reference {
    image: [usize; 2],
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    architecture: Architecture,
    gain: f64,
    behind: usize,
    classes: [usize; BATCH],
    shape: (usize, usize),
    logits: [f32; BATCH],
    maps: BTreeMap<String, [Vec<f32>; BATCH]>,
}

#[test]
fn raw_maps_are_those_of_pytorch_grad_cam() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/maps.json");
    let reference: Reference = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let device = DeviceChoice::Cpu.open().unwrap();
    let images = images(reference.image, &device);
    assert_eq!(reference.cases.len(), 8);
    let maps = reference
        .cases
        .iter()
        .flat_map(|case| case.maps.values().flatten());
    let lit = maps
        .filter(|map| map.iter().any(|value| *value > 0.0))
        .count();
    assert!(lit >= 75, "{lit} of 80 maps have something to compare");
    for case in &reference.cases {
        assert_eq!(case.maps.len(), 5, "{}", case.architecture);
        let network = network(case, &device);
        for (method, expected) in &case.maps {
            let method: Method = method.parse().unwrap();
            let explainer = Explainer::new(&network, method).unwrap();
            let blocks = network.spec().blocks();
            let block = &blocks[blocks.len() - 1 - case.behind].name;
            let explainer = explainer.at_block(block).unwrap();
            let maps = explainer.explain(images.clone(), &case.classes).unwrap();
            let name = format!("{} {method} at {block}", case.architecture);
            for ((map, expected), logit) in maps.iter().zip(expected).zip(case.logits) {
                assert_eq!(map.values.dim(), case.shape, "{name}");
                let probability = 1.0 / (1.0 + (-logit).exp());
                assert!((map.probability - probability).abs() < 1e-5, "{name}");
                let difference = farthest(map, expected);
                eprintln!("{name}: {difference:.1e}");
                assert!(difference < TOLERANCE, "{name}: {difference:.1e}");
            }
        }
    }
}

/// The largest difference, relative to the highest value.
fn farthest(map: &ClassActivationMap, expected: &[f32]) -> f32 {
    let highest = expected.iter().fold(0f32, |high, value| high.max(*value));
    if highest == 0.0 {
        // A map without evidence for the class must be exactly that.
        return map.values.iter().fold(0.0, |high, value| value.max(high));
    }
    let differences = map.values.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max) / highest
}

/// A network with the reference's weights, through a checkpoint file as torchvision would name it.
fn network(case: &Case, device: &Device) -> Network {
    let spec = case.architecture.spec().with_classes(CLASSES).unwrap();
    let dialect = Dialect::reference(case.architecture);
    let tensors: Vec<_> = spec
        .tensors()
        .into_iter()
        .map(|tensor| {
            let name = dialect.key(&spec, &tensor.path).unwrap();
            let values = weight(&name, &tensor.shape, case.gain);
            (name, TensorData::new(values, tensor.shape))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reference.safetensors");
    weights::write_tensors(&file, &tensors, &BTreeMap::new()).unwrap();
    weights::load(spec.init(0, device), &file, Head::Load)
        .unwrap()
        .0
}

/// `in_evaluation` of `tests/reference/network_parity.py`.
fn weight(name: &str, shape: &[usize], gain: f64) -> Vec<f32> {
    let (_, kind) = name.rsplit_once('.').unwrap();
    let fan_in: usize = shape[1..].iter().product();
    let value = |value: f64| match kind {
        "weight" if shape.len() > 1 => value * gain / (fan_in as f64).sqrt(),
        "weight" => 1.0 + 0.2 * value,
        "running_var" => 1.0 + 0.25 * value,
        _ => 0.1 * value,
    };
    uniform(name, shape.iter().product())
        .map(|number| value(number) as f32)
        .collect()
}

/// `images` of the same file: squares of 32 pixels under noise.
fn images([height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    let (rows, columns) = (height.div_ceil(32), width.div_ceil(32));
    let squares: Vec<f64> = uniform("squares", BATCH * 3 * rows * columns).collect();
    let noise = uniform("noise0", BATCH * 3 * height * width);
    let pixels: Vec<f32> = noise
        .enumerate()
        .map(|(index, noise)| {
            let (plane, y) = (index / width / height, index / width % height);
            let square = (plane * rows + y / 32) * columns + index % width / 32;
            (squares[square] + noise) as f32
        })
        .collect();
    Tensor::from_data(TensorData::new(pixels, [BATCH, 3, height, width]), device)
}

/// Numbers in -1..1: splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f64> + use<> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (1..=count as u64).map(move |index| {
        let z = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}
