//! Parameters, costs and geometry against published numbers and against torchvision and timm
//! themselves, all without a device.
#![allow(clippy::unwrap_used)]

use chextransfer_models::layers::BatchNormSpec;
use chextransfer_models::{Architecture, BlockLayout, Channels, Error, NetworkSpec, TensorKind};

/// A whole network: trainable parameters with 1000 and 14 classes; multiply-accumulates of one image
/// of its reference size in millions as torchvision publishes them (`_ops` in its weights' metadata;
/// timm's count of `inception_v4` is of another kind), and exactly: summed over the convolutions and
/// linear layers that torchvision 0.29 and timm 1.0 call, also for an image 31 pixels higher and 67
/// wider.
struct Whole {
    name: &'static str,
    parameters: [usize; 2],
    published: Option<u64>,
    macs: u64,
    oblong: u64,
}

#[rustfmt::skip]
const WHOLE: [Whole; 16] = [
    Whole { name: "densenet121",        parameters: [ 7_978_856,  6_968_206], published: Some(2_834), macs:  2_834_161_664, oblong:  4_189_741_056 },
    Whole { name: "densenet169",        parameters: [14_149_480, 12_507_790], published: Some(3_360), macs:  3_359_843_328, oblong:  4_961_870_848 },
    Whole { name: "densenet201",        parameters: [20_013_928, 18_119_822], published: Some(4_291), macs:  4_291_365_888, oblong:  6_330_518_528 },
    Whole { name: "resnet18",           parameters: [11_689_512, 11_183_694], published: Some(1_814), macs:  1_814_073_344, oblong:  2_794_622_976 },
    Whole { name: "resnet34",           parameters: [21_797_672, 21_291_854], published: Some(3_664), macs:  3_663_761_408, oblong:  5_649_371_136 },
    Whole { name: "resnet50",           parameters: [25_557_032, 23_536_718], published: Some(4_089), macs:  4_089_184_256, oblong:  6_302_597_120 },
    Whole { name: "resnet101",          parameters: [44_549_160, 42_528_846], published: Some(7_801), macs:  7_801_405_440, oblong: 12_060_327_936 },
    Whole { name: "inception_v3",       parameters: [27_161_264, 24_382_716], published: Some(5_713), macs:  5_713_216_096, oblong:  7_508_641_024 },
    Whole { name: "inception_v4",       parameters: [42_679_816, 41_164_334], published: None,        macs: 12_253_974_624, oblong: 16_104_057_088 },
    Whole { name: "mnasnet1_0",         parameters: [ 4_383_312,  3_120_246], published: Some(314),   macs:    314_415_872, oblong:    491_810_304 },
    Whole { name: "efficientnet_b0",    parameters: [ 5_288_548,  4_025_482], published: Some(386),   macs:    385_814_752, oblong:    600_913_664 },
    Whole { name: "efficientnet_b1",    parameters: [ 7_794_184,  6_531_118], published: Some(687),   macs:    686_802_832, oblong:    997_852_320 },
    Whole { name: "efficientnet_b2",    parameters: [ 9_109_994,  7_720_720], published: Some(1_088), macs:  1_087_529_456, oblong:  1_555_538_048 },
    Whole { name: "efficientnet_b3",    parameters: [12_233_232, 10_717_750], published: Some(1_827), macs:  1_827_141_392, oblong:  2_438_492_960 },
    Whole { name: "mobilenet_v2",       parameters: [ 3_504_872,  2_241_806], published: Some(301),   macs:    300_774_272, oblong:    465_646_080 },
    Whole { name: "mobilenet_v3_large", parameters: [ 5_483_032,  4_219_966], published: Some(217),   macs:    216_589_760, oblong:    333_269_504 },
];

/// Parameters of `inception_v3` without its auxiliary head, with 1000 and 14 classes.
const WITHOUT_AUXILIARY: [usize; 2] = [23_834_568, 21_814_254];

/// Parameters with 14 classes after dropping 1, 2, ... blocks: the cuts of Ke et al. 2021.
#[rustfmt::skip]
const TRUNCATED: [(&str, &[usize]); 4] = [
    ("efficientnet_b0", &[2_880_858, 853_390]),
    ("mnasnet1_0",      &[2_087_414, 474_614, 265_206, 46_966]),
    ("densenet121",     &[4_281_742, 1_304_718, 348_174]),
    ("resnet18",        &[2_786_382, 684_878, 158_414]),
];

/// Sides of the last map for a 320x320 image after dropping 0, 1, ... blocks.
#[rustfmt::skip]
const SIDES_AT_320: [(&str, &[usize]); 4] = [
    ("densenet121",     &[10, 20, 40, 80]),
    ("resnet18",        &[10, 20, 40, 80]),
    ("efficientnet_b0", &[10, 10, 20]),
    ("mnasnet1_0",      &[10, 10, 20, 20, 40]),
];

/// Every block: channels, reduction, height and width of its map for a 299x267 image, receptive field.
///
/// Maps are those of torchvision and timm. A receptive field is the side of the region of the image
/// on which a pixel of the reference's map has a gradient, with every weight positive, maximum
/// replaced by mean, and activations, normalisations and gates by the identity.
type Blocks = (&'static str, &'static [(usize, usize, [usize; 2], usize)]);

#[rustfmt::skip]
const BLOCKS: [Blocks; 16] = [
    ("densenet121", &[(256, 4, [75, 67], 59), (512, 8, [37, 33], 255), (1024, 16, [18, 16], 1031), (1024, 32, [9, 8], 2071)]),
    ("densenet169", &[(256, 4, [75, 67], 59), (512, 8, [37, 33], 255), (1280, 16, [18, 16], 1287), (1664, 32, [9, 8], 3351)]),
    ("densenet201", &[(256, 4, [75, 67], 59), (512, 8, [37, 33], 255), (1792, 16, [18, 16], 1799), (1920, 32, [9, 8], 3863)]),
    ("resnet18",  &[ (64, 4, [75, 67], 43), (128, 8, [38, 34],  99),  (256, 16, [19, 17], 211),  (512, 32, [10, 9], 435)]),
    ("resnet34",  &[ (64, 4, [75, 67], 59), (128, 8, [38, 34], 179),  (256, 16, [19, 17], 547),  (512, 32, [10, 9], 899)]),
    ("resnet50",  &[(256, 4, [75, 67], 35), (512, 8, [38, 34],  91), (1024, 16, [19, 17], 267), (2048, 32, [10, 9], 427)]),
    ("resnet101", &[(256, 4, [75, 67], 35), (512, 8, [38, 34],  91), (1024, 16, [19, 17], 811), (2048, 32, [10, 9], 971)]),
    ("inception_v3", &[
        (256, 8, [35, 31], 63), (288, 8, [35, 31], 95), (288, 8, [35, 31], 127),
        (768, 16, [17, 15], 159), (768, 16, [17, 15], 351), (768, 16, [17, 15], 543), (768, 16, [17, 15], 735), (768, 16, [17, 15], 927),
        (1280, 32, [8, 7], 1055), (2048, 32, [8, 7], 1183), (2048, 32, [8, 7], 1311),
    ]),
    ("inception_v4", &[
        (384, 8, [35, 31], 87), (384, 8, [35, 31], 119), (384, 8, [35, 31], 151), (384, 8, [35, 31], 183),
        (1024, 16, [17, 15], 215), (1024, 16, [17, 15], 407), (1024, 16, [17, 15], 599), (1024, 16, [17, 15], 791),
        (1024, 16, [17, 15], 983), (1024, 16, [17, 15], 1175), (1024, 16, [17, 15], 1367), (1024, 16, [17, 15], 1559),
        (1536, 32, [8, 7], 1687), (1536, 32, [8, 7], 1815), (1536, 32, [8, 7], 1943), (1536, 32, [8, 7], 2071),
    ]),
    ("mnasnet1_0",         &[(16, 2, [150, 134],  7), (24, 4, [75, 67], 27), (40, 8, [38, 34], 107), (80, 16, [19, 17], 267),  (96, 16, [19, 17], 331), (192, 32, [10, 9],  779), (320, 32, [10, 9],  843)]),
    ("efficientnet_b0",    &[(16, 2, [150, 134],  7), (24, 4, [75, 67], 19), (40, 8, [38, 34],  67), (80, 16, [19, 17], 147), (112, 16, [19, 17], 339), (192, 32, [10, 9],  787), (320, 32, [10, 9],  851)]),
    ("efficientnet_b1",    &[(16, 2, [150, 134], 11), (24, 4, [75, 67], 31), (40, 8, [38, 34], 111), (80, 16, [19, 17], 223), (112, 16, [19, 17], 479), (192, 32, [10, 9], 1055), (320, 32, [10, 9], 1183)]),
    ("efficientnet_b2",    &[(16, 2, [150, 134], 11), (24, 4, [75, 67], 31), (48, 8, [38, 34], 111), (88, 16, [19, 17], 223), (120, 16, [19, 17], 479), (208, 32, [10, 9], 1055), (352, 32, [10, 9], 1183)]),
    ("efficientnet_b3",    &[(24, 2, [150, 134], 11), (32, 4, [75, 67], 31), (48, 8, [38, 34], 111), (96, 16, [19, 17], 255), (136, 16, [19, 17], 575), (232, 32, [10, 9], 1279), (384, 32, [10, 9], 1407)]),
    ("mobilenet_v2",       &[(16, 2, [150, 134],  7), (24, 4, [75, 67], 19), (32, 8, [38, 34],  59), (64, 16, [19, 17], 171),  (96, 16, [19, 17], 267), (160, 32, [10, 9],  427), (320, 32, [10, 9],  491)]),
    ("mobilenet_v3_large", &[(16, 2, [150, 134],  7), (24, 4, [75, 67], 19), (40, 8, [38, 34],  99), (80, 16, [19, 17], 211), (112, 16, [19, 17], 275), (160, 32, [10, 9],  595)]),
];

/// Side of the smallest square that the reference takes; 1 for the families that pad every layer.
const MINIMUM: [(&str, usize); 5] = [
    ("densenet121", 29),
    ("densenet169", 29),
    ("densenet201", 29),
    ("inception_v3", 75),
    ("inception_v4", 75),
];

/// What the reference trains with: dropout before the last layer, stochastic depth, momentum and
/// epsilon of batch normalisation.
#[rustfmt::skip]
const TRAINING: [(&str, f64, f64, f64, f64); 16] = [
    ("densenet121",        0.0, 0.0, 0.1,          1e-5),
    ("densenet169",        0.0, 0.0, 0.1,          1e-5),
    ("densenet201",        0.0, 0.0, 0.1,          1e-5),
    ("resnet18",           0.0, 0.0, 0.1,          1e-5),
    ("resnet34",           0.0, 0.0, 0.1,          1e-5),
    ("resnet50",           0.0, 0.0, 0.1,          1e-5),
    ("resnet101",          0.0, 0.0, 0.1,          1e-5),
    ("inception_v3",       0.5, 0.0, 0.1,          1e-3),
    ("inception_v4",       0.0, 0.0, 0.1,          1e-3),
    ("mnasnet1_0",         0.2, 0.0, 1.0 - 0.9997, 1e-5),
    ("efficientnet_b0",    0.2, 0.2, 0.1,          1e-5),
    ("efficientnet_b1",    0.2, 0.2, 0.1,          1e-5),
    ("efficientnet_b2",    0.3, 0.2, 0.1,          1e-5),
    ("efficientnet_b3",    0.3, 0.2, 0.1,          1e-5),
    ("mobilenet_v2",       0.2, 0.0, 0.1,          1e-5),
    ("mobilenet_v3_large", 0.2, 0.0, 0.01,         1e-3),
];

fn architecture(name: &str) -> Architecture {
    name.parse().unwrap()
}

fn spec(name: &str) -> NetworkSpec {
    architecture(name).spec()
}

#[test]
fn every_table_has_every_architecture() {
    let all = Architecture::ALL.map(Architecture::name);
    assert_eq!(WHOLE.map(|row| row.name), all);
    assert_eq!(BLOCKS.map(|row| row.0), all);
    assert_eq!(TRAINING.map(|row| row.0), all);
}

#[test]
fn whole_networks_have_the_published_numbers_of_parameters() {
    for Whole {
        name, parameters, ..
    } in WHOLE
    {
        assert_eq!(spec(name).parameters(), parameters[0], "{name}");
        let chexpert = spec(name).with_classes(14).unwrap();
        assert_eq!(
            chexpert.parameters(),
            parameters[1],
            "{name} with 14 classes"
        );
    }
    let alone = spec("inception_v3").without_auxiliary();
    let [imagenet, chexpert] = WITHOUT_AUXILIARY;
    assert_eq!(alone.parameters(), imagenet);
    assert_eq!(alone.with_classes(14).unwrap().parameters(), chexpert);
}

#[test]
fn whole_networks_have_the_references_multiply_accumulates() {
    for Whole {
        name,
        published,
        macs,
        oblong,
        ..
    } in WHOLE
    {
        let side = architecture(name).input_size();
        let counted = spec(name).macs([side; 2]).unwrap();
        assert_eq!(counted, macs, "{name} at {side}x{side}");
        assert_eq!(
            spec(name).macs([side + 31, side + 67]).unwrap(),
            oblong,
            "{name}, oblong"
        );
        // An auxiliary head does not work in inference.
        let alone = spec(name).without_auxiliary();
        assert_eq!(
            alone.macs([side; 2]).unwrap(),
            macs,
            "{name} without auxiliary head"
        );
        if let Some(published) = published {
            assert_eq!(
                (counted + 500_000) / 1_000_000,
                published,
                "{name}, in millions"
            );
        }
    }
}

#[test]
fn truncated_networks_have_the_papers_numbers_of_parameters() {
    for (name, counts) in TRUNCATED {
        for (k, parameters) in (1..).zip(counts) {
            let spec = architecture(name)
                .minus(k)
                .unwrap()
                .with_classes(14)
                .unwrap();
            assert_eq!(spec.parameters(), *parameters, "{}", spec.name());
            assert_eq!(spec.name(), format!("{name}-minus{k}"));
            assert_eq!(
                (spec.dropped(), spec.architecture()),
                (k, architecture(name))
            );
        }
    }
}

#[test]
fn truncation_raises_the_resolution_of_the_last_map() {
    for (name, sides) in SIDES_AT_320 {
        for (k, side) in sides.iter().enumerate() {
            let blocks = architecture(name)
                .minus(k)
                .unwrap()
                .describe([320, 320])
                .unwrap();
            let last = blocks.last().unwrap();
            assert_eq!(last.side, [*side; 2], "{name} minus {k}");
            assert_eq!(last.reduction, 320 / side, "{name} minus {k}");
        }
    }
}

#[test]
fn blocks_have_the_references_channels_maps_and_receptive_fields() {
    for (name, expected) in BLOCKS {
        let blocks = spec(name).describe([299, 267]).unwrap();
        let found: Vec<_> = blocks
            .iter()
            .map(|block| {
                (
                    block.channels,
                    block.reduction,
                    block.side,
                    block.receptive_field,
                )
            })
            .collect();
        assert_eq!(
            found, expected,
            "{name}: channels, reduction, side, receptive field"
        );
    }
}

#[test]
fn a_cut_describes_the_blocks_that_it_keeps_as_the_whole_network_does() {
    for architecture in Architecture::ALL {
        let whole = architecture.spec().describe([299, 267]).unwrap();
        for k in 0..whole.len() {
            let cut = architecture.minus(k).unwrap();
            let kept = whole.len() - k;
            assert_eq!(
                cut.describe([299, 267]).unwrap(),
                whole[..kept],
                "{}",
                cut.name()
            );
        }
    }
}

#[test]
fn convolutions_are_those_that_have_weights() {
    for architecture in Architecture::ALL {
        let spec = architecture.spec();
        let weights: Vec<_> = (spec.tensors().into_iter())
            .filter(|tensor| tensor.path.ends_with(".conv.weight"))
            .filter(|tensor| !tensor.path.starts_with("auxiliary"))
            .map(|tensor| tensor.shape)
            .collect();
        let convolutions = spec.convolutions([299, 267]).unwrap();
        let seen: Vec<_> = (convolutions.iter())
            .map(|layer| {
                let conv = &layer.conv;
                vec![
                    conv.output,
                    conv.input / conv.groups,
                    conv.kernel[0],
                    conv.kernel[1],
                ]
            })
            .collect();
        assert_eq!(seen, weights, "{architecture}");
        for layer in &convolutions {
            let weights: usize = layer.conv.output * layer.conv.input / layer.conv.groups
                * layer.conv.kernel.iter().product::<usize>();
            let places = layer.output.iter().product::<usize>();
            assert_eq!(layer.macs, (weights * places) as u64, "{layer:?}");
        }
        let first = &convolutions[0];
        assert_eq!((first.conv.input, first.input), (3, [299, 267]));
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    for architecture in Architecture::ALL {
        let spec = architecture.spec();
        let size = [299, 267];
        let of = |path: &str, spec: &NetworkSpec| -> usize {
            let tensors = spec.tensors().into_iter();
            let tensors = tensors.filter(|tensor| tensor.path.starts_with(path));
            let tensors = tensors.filter(|tensor| tensor.kind == TensorKind::Parameter);
            tensors
                .map(|tensor| tensor.shape.iter().product::<usize>())
                .sum()
        };
        for (index, block) in spec.describe(size).unwrap().iter().enumerate() {
            let path = format!("blocks.{index}.");
            assert_eq!(
                block.parameters,
                of(&path, &spec),
                "{architecture} {}",
                block.name
            );
        }
        // Dropping a block of a truncated network takes away its own cost and changes the head's.
        for k in 1..spec.blocks().len() - 1 {
            let (more, less) = (
                architecture.minus(k).unwrap(),
                architecture.minus(k + 1).unwrap(),
            );
            let dropped = more.describe(size).unwrap().pop().unwrap();
            let head = |spec: &NetworkSpec| (spec.head().features * spec.classes()) as u64;
            assert_eq!(
                more.macs(size).unwrap() - head(&more),
                less.macs(size).unwrap() - head(&less) + dropped.macs,
                "{}",
                more.name()
            );
        }
    }
}

#[test]
fn training_constants_are_the_references() {
    for (name, dropout, depth, momentum, epsilon) in TRAINING {
        let spec = spec(name);
        assert_eq!(spec.head().dropout, dropout, "{name}");
        assert_eq!(
            spec.batch_norm(),
            BatchNormSpec { momentum, epsilon },
            "{name}"
        );
        let stated = spec.clone().with_stochastic_depth(depth);
        assert_eq!(spec, stated, "{name}: stochastic depth is not {depth}");
        assert_ne!(spec, spec.clone().with_stochastic_depth(depth + 0.1));
        let cut = architecture(name).minus(1).unwrap();
        assert_eq!(
            cut.head().dropout,
            0.0,
            "{name}-minus1 has one linear layer and no more"
        );
        assert_eq!(cut.batch_norm(), spec.batch_norm());
    }
}

#[test]
fn stochastic_depth_grows_linearly_over_all_units() {
    for name in ["efficientnet_b0", "efficientnet_b3"] {
        let spec = spec(name);
        let depths: Vec<_> = spec
            .blocks()
            .iter()
            .filter_map(|block| match &block.layout {
                BlockLayout::InvertedResidual(stage) => Some(&stage.units),
                _ => None,
            })
            .flatten()
            .map(|unit| unit.depth)
            .collect();
        for (index, depth) in depths.iter().enumerate() {
            assert_eq!(
                *depth,
                index as f64 / depths.len() as f64,
                "{name}, unit {index}"
            );
        }
        // A cut keeps the depths of the whole network.
        let cut = architecture(name).minus(1).unwrap();
        assert_eq!(cut.blocks(), &spec.blocks()[..6]);
    }
}

#[test]
fn cutting_twice_is_cutting_once() {
    for architecture in Architecture::ALL {
        let twice = architecture.minus(1).unwrap().minus(1).unwrap();
        assert_eq!(twice, architecture.minus(2).unwrap(), "{architecture}");
        assert_eq!(architecture.minus(0).unwrap(), architecture.spec());
    }
}

#[test]
fn a_cut_that_leaves_no_block_is_refused_with_the_largest_possible_one() {
    let error = Architecture::ResNet18.minus(4).unwrap_err();
    assert_eq!(
        error.to_string(),
        "resnet18 has 4 blocks, so minus 4 leaves none; at most minus 3 is possible"
    );
    for architecture in Architecture::ALL {
        let blocks = architecture.spec().blocks().len();
        assert_eq!(architecture.minus(blocks - 1).unwrap().blocks().len(), 1);
        for k in [blocks, usize::MAX] {
            let error = architecture.minus(k).unwrap_err();
            assert!(matches!(error, Error::TooManyBlocks { .. }), "{error}");
        }
    }
    let cut = Architecture::ResNet18.minus(2).unwrap();
    let error = cut.minus(2).unwrap_err().to_string();
    assert!(error.starts_with("resnet18-minus2 has 2 blocks"), "{error}");
}

#[test]
fn a_head_without_classes_is_refused() {
    for architecture in Architecture::ALL {
        let error = architecture.spec().with_classes(0).unwrap_err();
        assert!(matches!(error, Error::NoClasses), "{error}");
    }
}

#[test]
fn an_unknown_block_is_refused_with_those_that_there_are() {
    let spec = Architecture::InceptionV3.minus(8).unwrap();
    assert_eq!(spec.block_index("Mixed_5d").unwrap(), 2);
    assert_eq!(
        spec.block_index("Mixed_6a").unwrap_err().to_string(),
        "inception_v3-minus8 has no block `Mixed_6a`; it has Mixed_5b, Mixed_5c, Mixed_5d"
    );
    for architecture in Architecture::ALL {
        let spec = architecture.spec();
        for (index, block) in spec.blocks().iter().enumerate() {
            assert_eq!(
                spec.block_index(&block.name).unwrap(),
                index,
                "{architecture}"
            );
        }
    }
}

#[test]
fn the_smallest_image_is_the_references() {
    for architecture in Architecture::ALL {
        let spec = architecture.spec();
        let stated = MINIMUM
            .iter()
            .find(|(name, _)| *name == architecture.name());
        let expected = stated.map_or(1, |(_, minimum)| *minimum);
        assert!(
            spec.describe([expected; 2]).is_ok(),
            "{architecture} at {expected}"
        );
        assert!(spec.macs([expected, 500]).is_ok());
        for size in [
            [expected - 1, 500],
            [500, expected - 1],
            [expected - 1; 2],
            [0, 0],
        ] {
            let error = spec.describe(size).unwrap_err();
            let named = match &error {
                Error::InputTooSmall {
                    minimum,
                    height,
                    width,
                    ..
                } => Some((*minimum, [*height, *width])),
                _ => None,
            };
            assert_eq!(named, Some((expected, size)), "{architecture}: {error}");
            assert!(spec.macs(size).is_err());
            assert!(spec.check_training_image(size).is_err());
        }
    }
}

#[test]
fn an_image_that_is_too_small_is_refused_in_words() {
    let error = spec("densenet121").describe([28, 300]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "densenet121 cannot take a 28x300 image: `transition pooling` would see a 1x18 map; give at least 29x29"
    );
    let error = spec("inception_v3")
        .check_training_image([224, 224])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "inception_v3 cannot take a 224x224 image: `auxiliary convolution` would see a 3x3 map; give at least 299x299"
    );
}

#[test]
fn one_channel_saves_two_thirds_of_the_first_filters() {
    for architecture in Architecture::ALL {
        let colour = architecture.spec();
        let gray = colour.clone().with_channels(Channels::Gray);
        let first = |spec: &NetworkSpec| spec.tensors()[0].shape.clone();
        let (three, one) = (first(&colour), first(&gray));
        assert_eq!((three[1], one[1]), (3, 1), "{architecture}");
        let saved = three[0] * 2 * three[2] * three[3];
        assert_eq!(
            colour.parameters() - gray.parameters(),
            saved,
            "{architecture}"
        );
        let back = gray.with_channels(Channels::Rgb);
        assert_eq!(back, colour, "{architecture}");
    }
}
