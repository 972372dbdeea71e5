//! Parameters, costs and map sizes against published numbers, all without a device.
#![allow(clippy::unwrap_used)]

use chextransfer_models::{Architecture, Error};

/// Trainable parameters with 1000 and with 14 classes; multiply-accumulates in millions at 224x224
/// (1000 classes) as torchvision states them.
#[rustfmt::skip]
const WHOLE: [(&str, usize, usize, u64); 8] = [
    ("densenet121",   7_978_856,  6_968_206, 2_834),
    ("densenet169",  14_149_480, 12_507_790, 3_360),
    ("densenet201",  20_013_928, 18_119_822, 4_291),
    ("resnet18",     11_689_512, 11_183_694, 1_814),
    ("resnet34",     21_797_672, 21_291_854, 3_664),
    ("resnet50",     25_557_032, 23_536_718, 4_089),
    ("resnet101",    44_549_160, 42_528_846, 7_801),
    ("mobilenet_v2",  3_504_872,  2_241_806,   301),
];

/// Parameters with 14 classes after dropping k blocks.
#[rustfmt::skip]
const TRUNCATED: [(&str, usize, usize); 6] = [
    ("densenet121", 1, 4_281_742), ("densenet121", 2, 1_304_718), ("densenet121", 3, 348_174),
    ("resnet18",    1, 2_786_382), ("resnet18",    2,   684_878), ("resnet18",    3, 158_414),
];

fn architecture(name: &str) -> Architecture {
    name.parse().unwrap()
}

#[test]
fn whole_networks_have_the_published_numbers_of_parameters_and_operations() {
    assert_eq!(WHOLE.len(), Architecture::ALL.len());
    for (name, imagenet, chexpert, macs) in WHOLE {
        let spec = architecture(name).spec();
        assert_eq!(spec.parameters(), imagenet, "{name}");
        let counted = spec.macs([224, 224]).unwrap();
        assert_eq!(
            (counted + 500_000) / 1_000_000,
            macs,
            "{name}: {counted} MACs"
        );
        assert_eq!(
            spec.with_classes(14).unwrap().parameters(),
            chexpert,
            "{name}"
        );
    }
}

#[test]
fn truncated_networks_have_the_papers_numbers_of_parameters() {
    for (name, k, parameters) in TRUNCATED {
        let spec = architecture(name)
            .minus(k)
            .unwrap()
            .with_classes(14)
            .unwrap();
        assert_eq!(spec.parameters(), parameters, "{}", spec.name());
        assert_eq!(spec.name(), format!("{name}-minus{k}"));
    }
}

#[test]
fn truncation_raises_the_resolution_of_the_last_map() {
    for name in ["densenet121", "resnet18"] {
        for (k, side) in [10, 20, 40, 80].into_iter().enumerate() {
            let blocks = architecture(name)
                .minus(k)
                .unwrap()
                .describe([320, 320])
                .unwrap();
            let last = blocks.last().unwrap();
            assert_eq!(last.side, [side; 2], "{name} minus {k}");
            assert_eq!(last.reduction, 320 / side);
        }
    }
}

#[test]
fn cutting_twice_is_cutting_once() {
    for architecture in Architecture::ALL {
        let twice = architecture.minus(1).unwrap().minus(1).unwrap();
        assert_eq!(twice, architecture.minus(2).unwrap());
    }
}

#[test]
fn a_cut_that_leaves_no_block_is_refused_with_the_largest_possible_one() {
    let error = Architecture::ResNet18.minus(4).unwrap_err();
    assert_eq!(
        error.to_string(),
        "resnet18 has 4 blocks, so minus 4 leaves none; at most minus 3 is possible"
    );
    assert!(matches!(
        Architecture::ResNet18.spec().with_classes(0),
        Err(Error::NoClasses)
    ));
}

#[test]
fn an_image_that_is_too_small_is_refused_with_the_smallest_possible_side() {
    let spec = Architecture::DenseNet121.spec();
    let minimum = match spec.describe([16, 300]) {
        Err(Error::InputTooSmall { minimum, .. }) => minimum,
        other => unreachable!("a 16x300 image gave {other:?}"),
    };
    assert!(spec.describe([minimum; 2]).is_ok());
    assert!(spec.describe([minimum - 1; 2]).is_err());
}
