//! Iterative stratification: parts in which every label has its share.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Bits of a label set.
const LABELS: usize = u16::BITS as usize;

/// Deals examples, each a set of labels, into parts of the given shares; returns each example's part.
///
/// Algorithm 1 of Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011: the rarest
/// label is dealt first, each of its examples to the part that lacks most of that label, then to the one that lacks most
/// examples, then by draw.
pub(crate) fn distribute(labels: &[u16], shares: &[f64], generator: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.shuffle(generator);
    // Ties are broken by a fresh order of the parts for each example, so that none is favoured.
    let mut parts: Vec<usize> = (0..shares.len()).collect();

    let mut left = [0_usize; LABELS];
    for &set in labels {
        for label in members(set) {
            left[label] += 1;
        }
    }
    let mut lacking_examples: Vec<f64> = shares
        .iter()
        .map(|share| share * labels.len() as f64)
        .collect();
    let mut lacking: Vec<[f64; LABELS]> = shares
        .iter()
        .map(|share| left.map(|count| share * count as f64))
        .collect();

    let mut part_of = vec![usize::MAX; labels.len()];
    loop {
        let rarest = (0..LABELS)
            .filter(|&label| left[label] > 0)
            .min_by_key(|&label| left[label]);
        for &example in &order {
            let set = labels[example];
            let chosen = rarest.is_none_or(|label| set >> label & 1 == 1);
            if part_of[example] != usize::MAX || !chosen {
                continue;
            }
            parts.shuffle(generator);
            let lack = |part: usize| {
                let of_label = rarest.map_or(0.0, |label| lacking[part][label]);
                (of_label, lacking_examples[part])
            };
            let mut best = parts[0];
            for &part in &parts[1..] {
                if lack(part) > lack(best) {
                    best = part;
                }
            }
            part_of[example] = best;
            lacking_examples[best] -= 1.0;
            for label in members(set) {
                lacking[best][label] -= 1.0;
                left[label] -= 1;
            }
        }
        if rarest.is_none() {
            return part_of;
        }
    }
}

/// An order of the examples of which every prefix is stratified: the examples are halved again and again by
/// [`distribute`], so that a prefix is made of halves of halves.
pub(crate) fn prefix_order(labels: &[u16], generator: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order = Vec::with_capacity(labels.len());
    let mut pending: Vec<Vec<usize>> = vec![(0..labels.len()).collect()];
    while let Some(examples) = pending.pop() {
        if examples.len() <= 1 {
            order.extend(examples);
            continue;
        }
        let sets: Vec<u16> = examples.iter().map(|&example| labels[example]).collect();
        let halves = distribute(&sets, &[0.5, 0.5], generator);
        let mut first = Vec::with_capacity(examples.len() / 2 + 1);
        let mut second = Vec::with_capacity(examples.len() / 2 + 1);
        for (example, half) in examples.into_iter().zip(halves) {
            match half {
                0 => first.push(example),
                _ => second.push(example),
            }
        }
        pending.extend([second, first]);
    }
    order
}

fn members(set: u16) -> impl Iterator<Item = usize> {
    (0..LABELS).filter(move |&label| set >> label & 1 == 1)
}
