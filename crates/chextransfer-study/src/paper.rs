//! The paper's own numbers: Ke, Ellsworth, Banerjee, Ng and Rajpurkar, CheXtransfer: Performance and Parameter Efficiency of
//! ImageNet Models for Chest X-Ray Interpretation, CHIL 2021 (arXiv 2101.06871).
//!
//! They are for comparison, never a pass mark, and each says how it is known ([`Standing`]): the tables of the paper were
//! written down from memory and then checked, as far as it goes, against what is written elsewhere and against counts of the
//! networks. AUC is the mean AUROC over Atelectasis, Cardiomegaly, Consolidation, Edema, Pleural Effusion and No Finding
//! on CheXpert's 500 test studies.

use std::fmt;

use chextransfer_models::Architecture;
use serde::Serialize;

/// How a number of the paper is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Read in published text about the paper or in the documentation of the weights.
    Seen,
    /// Counted or calculated anew from the networks' definitions.
    Computed,
    /// Remembered from the paper, not read again.
    Recalled,
    /// Follows from other numbers here.
    Inferred,
}

impl Standing {
    /// All of them, the surest first.
    pub const ALL: [Self; 4] = [Self::Seen, Self::Computed, Self::Recalled, Self::Inferred];

    /// What it means, for a legend.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Seen => "read in published text about the paper or in the weights' documentation",
            Self::Computed => "counted or calculated anew from the networks' definitions",
            Self::Recalled => "remembered from the paper, not read again",
            Self::Inferred => "follows from other numbers",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Seen => "seen",
            Self::Computed => "computed",
            Self::Recalled => "recalled",
            Self::Inferred => "inferred",
        })
    }
}

/// A number of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fact<T> {
    /// The number.
    pub value: T,
    /// How it is known.
    pub standing: Standing,
}

const fn seen<T: Copy>(value: T) -> Fact<T> {
    Fact {
        value,
        standing: Standing::Seen,
    }
}

const fn recalled<T: Copy>(value: T) -> Fact<T> {
    Fact {
        value,
        standing: Standing::Recalled,
    }
}

const fn inferred<T: Copy>(value: T) -> Fact<T> {
    Fact {
        value,
        standing: Standing::Inferred,
    }
}

/// A row of Table 1, and what the text says of the same network without pretraining.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PaperModel {
    /// The network.
    pub architecture: Architecture,
    /// Its name in the paper.
    pub name: &'static str,
    /// AUC with ImageNet weights; recalled.
    pub auc: f64,
    /// Its 95 % interval; recalled.
    pub interval: [f64; 2],
    /// Parameters as the paper counts them, to the last one; computed, and equal to the paper's millions with three decimals.
    pub parameters: u64,
    /// What the paper counted.
    pub counted: Counted,
    /// ImageNet top-1 accuracy in percent that the weights' documentation of the time states; the list that the paper used
    /// was not seen.
    pub imagenet_top1: Fact<f64>,
    /// AUC without pretraining, where anything is known of it.
    pub without: Option<Fact<f64>>,
    /// AUC with minus without pretraining, where anything is known of it.
    pub boost: Option<Fact<f64>>,
    /// Whether the text says that pretraining boosts it; seen.
    pub boosted: bool,
}

/// What the paper's number of parameters is of: it mixes three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// The network with 14 outputs, as it was trained.
    FourteenOutputs,
    /// The network with ImageNet's 1000 classes, and for Inception v3 with its auxiliary head.
    ThousandClasses,
    /// Another network: see [`MNASNET_ANOMALY`].
    AnotherNetwork,
}

/// What must be said wherever a factor of the paper's MNASNet is printed.
pub const MNASNET_ANOMALY: &str = "The paper's MNASNet is counted as 5.290 M parameters, which is NASNet-A-Mobile with 1000 \
    classes (5,289,978); its truncated networks are counted as MNASNet 1.0's. Its factors 2.5, 11.2, 20.0 and about 112.6 \
    therefore compare two networks: MNASNet 1.0 itself (3,120,246 with 14 outputs) would give 1.5, 6.6, 11.8 and 66.4, and \
    the mean of the four families' factors 3.0 instead of 3.25.";

use Counted::{AnotherNetwork, FourteenOutputs, ThousandClasses};

/// Table 1, in the paper's order, with the boosts of the text.
#[rustfmt::skip]
pub const TABLE_1: [PaperModel; 16] = [
    row(Architecture::DenseNet121,      "DenseNet121",    0.859, [0.846, 0.871],  6_968_206, FourteenOutputs, 74.65,  None, None, true),
    row(Architecture::DenseNet169,      "DenseNet169",    0.860, [0.848, 0.873], 12_507_790, FourteenOutputs, 76.00,  None, None, true),
    row(Architecture::DenseNet201,      "DenseNet201",    0.864, [0.850, 0.876], 18_119_822, FourteenOutputs, 77.20,  None, None, true),
    row(Architecture::EfficientNetB0,   "EfficientNetB0", 0.859, [0.846, 0.871],  4_025_482, FourteenOutputs, 77.698, Some(inferred(0.836)), Some(seen(0.023)), true),
    row(Architecture::EfficientNetB1,   "EfficientNetB1", 0.858, [0.844, 0.872],  6_531_118, FourteenOutputs, 78.692, None, None, true),
    row(Architecture::EfficientNetB2,   "EfficientNetB2", 0.866, [0.853, 0.880],  7_720_720, FourteenOutputs, 80.288, None, None, true),
    row(Architecture::EfficientNetB3,   "EfficientNetB3", 0.853, [0.837, 0.867], 10_717_750, FourteenOutputs, 81.508, Some(inferred(0.839)), Some(inferred(0.014)), true),
    row(Architecture::InceptionV3,      "InceptionV3",    0.862, [0.848, 0.876], 27_161_264, ThousandClasses, 77.294, Some(seen(0.866)), Some(inferred(-0.004)), false),
    row(Architecture::InceptionV4,      "InceptionV4",    0.861, [0.846, 0.873], 42_679_816, ThousandClasses, 80.062, Some(inferred(0.863)), Some(seen(-0.002)), false),
    row(Architecture::MnasNet1_0,       "MNASNet",        0.858, [0.845, 0.871],  Architecture::MNASNET_OF_THE_PAPER as u64, AnotherNetwork, 74.080, None, None, false),
    row(Architecture::MobileNetV2,      "MobileNetV2",    0.854, [0.839, 0.869],  2_241_806, FourteenOutputs, 72.978, Some(seen(0.814)), Some(seen(0.040)), true),
    row(Architecture::MobileNetV3Large, "MobileNetV3",    0.859, [0.847, 0.872],  4_219_966, FourteenOutputs, 75.766, Some(inferred(0.826)), Some(seen(0.033)), true),
    row(Architecture::ResNet101,        "ResNet101",      0.863, [0.848, 0.876], 44_549_160, ThousandClasses, 77.37,  Some(inferred(0.850)), Some(seen(0.013)), true),
    row(Architecture::ResNet18,         "ResNet18",       0.862, [0.847, 0.875], 11_689_512, ThousandClasses, 69.76,  Some(inferred(0.845)), Some(inferred(0.017)), true),
    row(Architecture::ResNet34,         "ResNet34",       0.863, [0.849, 0.875], 21_797_672, ThousandClasses, 73.30,  None, None, true),
    row(Architecture::ResNet50,         "ResNet50",       0.859, [0.843, 0.871], 25_557_032, ThousandClasses, 76.15,  None, None, false),
];

#[allow(clippy::too_many_arguments)]
const fn row(
    architecture: Architecture,
    name: &'static str,
    auc: f64,
    interval: [f64; 2],
    parameters: u64,
    counted: Counted,
    top1: f64,
    without: Option<Fact<f64>>,
    boost: Option<Fact<f64>>,
    boosted: bool,
) -> PaperModel {
    let imagenet_top1 = match counted {
        // Of NASNet-A-Mobile, on the assumption that this is what was trained.
        AnotherNetwork => inferred(top1),
        FourteenOutputs | ThousandClasses => seen(top1),
    };
    PaperModel {
        architecture,
        name,
        auc,
        interval,
        parameters,
        counted,
        imagenet_top1,
        without,
        boost,
        boosted,
    }
}

/// A row of Table 2: a network without its last blocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PaperCut {
    /// The whole network.
    pub architecture: Architecture,
    /// How many blocks are dropped.
    pub minus: usize,
    /// Change of the AUC relative to the whole network's in percent; recalled.
    pub change_percent: f64,
    /// Whether the paper marks the change as significant; recalled, but for what the mean factor of 3.25 pins.
    pub significant: bool,
    /// How many times fewer parameters, with the paper's one decimal; recalled.
    pub times_smaller: f64,
    /// Parameters with 14 outputs; computed.
    pub parameters: u64,
}

/// Table 2, in the paper's order.
#[rustfmt::skip]
pub const TABLE_2: [PaperCut; 12] = [
    cut(Architecture::EfficientNetB0, 1,  0.15, false,   1.4, 2_880_858),
    cut(Architecture::EfficientNetB0, 2, -0.45, false,   4.7,   853_390),
    cut(Architecture::MnasNet1_0,     1, -0.07, false,   2.5, 2_087_414),
    cut(Architecture::MnasNet1_0,     2, -2.51, true,   11.2,   474_614),
    cut(Architecture::MnasNet1_0,     3, -4.40, true,   20.0,   265_206),
    // The two numbers of this one are hardly remembered.
    cut(Architecture::MnasNet1_0,     4, -6.0,  true,  112.6,    46_966),
    cut(Architecture::DenseNet121,    1, -0.04, false,   1.6, 4_281_742),
    cut(Architecture::DenseNet121,    2, -1.33, true,    5.3, 1_304_718),
    cut(Architecture::DenseNet121,    3, -4.73, true,   20.0,   348_174),
    cut(Architecture::ResNet18,       1,  0.24, false,   4.2, 2_786_382),
    cut(Architecture::ResNet18,       2, -3.70, true,   17.1,   684_878),
    cut(Architecture::ResNet18,       3, -8.33, true,   73.8,   158_414),
];

const fn cut(
    architecture: Architecture,
    minus: usize,
    change_percent: f64,
    significant: bool,
    times_smaller: f64,
    parameters: u64,
) -> PaperCut {
    PaperCut {
        architecture,
        minus,
        change_percent,
        significant,
        times_smaller,
        parameters,
    }
}

/// A correlation that the text states.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PaperCorrelation {
    /// Spearman's rho.
    pub rho: Fact<f64>,
    /// Its p-value.
    pub p_value: Fact<f64>,
}

/// ImageNet top-1 against AUC, without pretraining.
pub const TOP1_WITHOUT: PaperCorrelation = PaperCorrelation {
    rho: seen(0.082),
    p_value: seen(0.762),
};
/// ImageNet top-1 against AUC, with pretraining.
pub const TOP1_WITH: PaperCorrelation = PaperCorrelation {
    rho: seen(0.059),
    p_value: seen(0.829),
};
/// Parameters against AUC, without pretraining.
pub const PARAMETERS_WITHOUT: PaperCorrelation = PaperCorrelation {
    rho: seen(0.791),
    p_value: recalled(2.62e-4),
};
/// Parameters against AUC, with pretraining.
pub const PARAMETERS_WITH: PaperCorrelation = PaperCorrelation {
    rho: seen(0.565),
    p_value: seen(0.023),
};
/// Parameters against the boost.
pub const PARAMETERS_BOOST: PaperCorrelation = PaperCorrelation {
    rho: seen(-0.718),
    p_value: seen(0.002),
};

/// Mean boost of the sixteen networks (0.016 in another place of the paper, as recalled).
pub const MEAN_BOOST: Fact<f64> = seen(0.015);
/// Best minus worst AUC without pretraining (InceptionV3 and MobileNetV2), and its interval.
pub const SPREAD_WITHOUT: (Fact<f64>, Fact<[f64; 2]>) = (seen(0.052), recalled([0.043, 0.063]));
/// How many times smaller the truncated networks are in the mean of the four families.
pub const MEAN_TIMES_SMALLER: Fact<f64> = seen(3.25);

/// Largest minus smallest network of a family: without and with pretraining; seen. Elsewhere the text gives 0.003 for DenseNet
/// and 0.004 for EfficientNet without pretraining: it differs from itself by 0.001.
pub const WITHIN_FAMILIES: [(&str, [f64; 2]); 3] = [
    ("ResNet", [0.005, 0.002]),
    ("DenseNet", [0.004, 0.004]),
    ("EfficientNet", [0.003, -0.006]),
];

/// The row of an architecture in Table 1.
pub fn of_architecture(architecture: Architecture) -> Option<&'static PaperModel> {
    TABLE_1.iter().find(|row| row.architecture == architecture)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_one_row_and_every_cut_the_parameters_of_the_network() {
        for architecture in Architecture::ALL {
            let row = of_architecture(architecture).unwrap();
            let spec = architecture.spec();
            let fourteen = spec.clone().with_classes(14).unwrap().parameters() as u64;
            match row.counted {
                FourteenOutputs => assert_eq!(row.parameters, fourteen, "{architecture}"),
                ThousandClasses => {
                    assert_eq!(row.parameters, spec.parameters() as u64, "{architecture}")
                }
                AnotherNetwork => assert_eq!(architecture, Architecture::MnasNet1_0),
            }
            assert!(row.interval[0] < row.auc && row.auc < row.interval[1]);
        }
        for cut in TABLE_2 {
            let spec = cut
                .architecture
                .minus(cut.minus)
                .unwrap()
                .with_classes(14)
                .unwrap();
            assert_eq!(spec.parameters() as u64, cut.parameters, "{cut:?}");
            let base = of_architecture(cut.architecture).unwrap().parameters as f64;
            let factor = base / cut.parameters as f64;
            // One decimal; 11.146 was printed as 11.2, by way of 11.15.
            assert!(
                (factor - cut.times_smaller).abs() < 0.055,
                "{cut:?}: {factor}"
            );
        }
    }

    #[test]
    fn boosts_that_are_known_agree_with_the_aucs() {
        for row in TABLE_1 {
            if let (Some(without), Some(boost)) = (row.without, row.boost) {
                let found = row.auc - without.value;
                assert!(
                    (found - boost.value).abs() < 0.0011,
                    "{}: {found}",
                    row.name
                );
            }
        }
        assert_eq!(TABLE_1.iter().filter(|row| row.boosted).count(), 12);
    }
}
