//! Label problems as a run's `config.toml` has them.

#![allow(clippy::unwrap_used, missing_docs)]

use chextransfer_data::{BlankPolicy, LabelProblem, Observation, UncertaintyPolicy};

fn read(text: &str) -> Result<LabelProblem, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn a_problem_is_read_back_from_what_is_written() {
    let problem = LabelProblem::new(UncertaintyPolicy::Ones, BlankPolicy::Ignore)
        .with_targets(&[Observation::Edema, Observation::NoFinding])
        .unwrap()
        .with_policy(
            Observation::Edema,
            UncertaintyPolicy::Smooth {
                low: 0.55,
                high: 0.85,
            },
        )
        .unwrap()
        .with_policy(Observation::NoFinding, UncertaintyPolicy::MultiClass)
        .unwrap()
        .with_seed(3)
        .with_table("values.csv".into());
    let text = toml::to_string(&problem).unwrap();
    assert!(text.contains("Edema = \"smooth(0.55, 0.85)\""), "{text}");
    assert!(
        text.contains("\"No Finding\" = \"multi_class\"") && text.contains("seed = 3"),
        "{text}"
    );
    assert_eq!(read(&text).unwrap(), problem);
}

#[test]
fn the_papers_problem_is_two_lines_and_files_with_no_more_than_those_are_read() {
    let text = toml::to_string(&LabelProblem::paper()).unwrap();
    assert_eq!(text, "uncertainty = \"ignore\"\nblank = \"negative\"\n");
    assert_eq!(read(&text).unwrap(), LabelProblem::paper());
    let other = read("uncertainty = \"zeros\"\nblank = \"ignore\"\n").unwrap();
    assert_eq!(
        other,
        LabelProblem::new(UncertaintyPolicy::Zeros, BlankPolicy::Ignore)
    );
}

#[test]
fn settings_that_cannot_be_are_errors_that_say_why() {
    let two = "uncertainty = \"ignore\"\nblank = \"negative\"\n";
    for (more, expected) in [
        ("uncertain = 1\n", "unknown field `uncertain`"),
        ("targets = []\n", "labels.targets is empty"),
        ("targets = [\"Oedema\"]\n", "unknown observation \"Oedema\""),
        ("[observations]\nOedema = \"ones\"\n", "unknown observation"),
        (
            "[observations]\nEdema = \"one\"\n",
            "multi_class, smooth(LOW, HIGH), table",
        ),
        (
            "[observations]\nEdema = \"smooth(0.9, 0.1)\"\n",
            "0 <= low <= high <= 1",
        ),
        (
            "targets = [\"Edema\"]\n[observations]\nFracture = \"ones\"\n",
            "a policy for Fracture, which is no target",
        ),
    ] {
        let message = read(&format!("{two}{more}")).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let message = read("uncertainty = \"ignore\"\n").unwrap_err().to_string();
    assert!(message.contains("missing field `blank`"), "{message}");
}
