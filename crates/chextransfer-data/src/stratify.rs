//! Iterative stratification: parts in which every label has its share.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Bits of a label set.
const LABELS: usize = u16::BITS as usize;

/// Deals examples, each a set of labels, into parts of the given shares; returns each example's part.
///
/// Algorithm 1 of Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011: the rarest
/// label is dealt first, each of its examples to the part that lacks most of that label, then to the one that lacks most
/// examples, then by draw. Unlike there a part takes no more examples than its share of all, so that small parts are never
/// empty because every label is rarer than their share.
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
    let mut room = apportion(labels.len(), shares);
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
            let need = |part: usize| {
                let of_label = rarest.map_or(0.0, |label| lacking[part][label]);
                (room[part] > 0, of_label, room[part])
            };
            let mut best = parts[0];
            for &part in &parts[1..] {
                if need(part) > need(best) {
                    best = part;
                }
            }
            part_of[example] = best;
            // The rooms add up to the examples, so the best part has some.
            room[best] -= 1;
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

/// Whole numbers that add up to `total`, by largest remainder; the shares add up to 1.
fn apportion(total: usize, shares: &[f64]) -> Vec<usize> {
    let exact: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    // A share of 0.1 of 30 must be 3 although 0.1 * 30.0 is a little more, and another may be a little less.
    let mut whole: Vec<usize> = exact.iter().map(|x| (x + 1e-9).floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    let remainder = |part: &usize| exact[*part] - (exact[*part] + 1e-9).floor();
    by_remainder.sort_by(|a, b| remainder(b).total_cmp(&remainder(a)));
    let given: usize = whole.iter().sum();
    for &part in by_remainder
        .iter()
        .cycle()
        .take(total.saturating_sub(given))
    {
        whole[part] += 1;
    }
    whole
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::named_generator;

    #[test]
    fn parts_add_up_and_are_as_near_to_their_shares_as_whole_numbers_can_be() {
        for (total, shares, expected) in [
            (30, &[0.8, 0.1, 0.1][..], &[24, 3, 3][..]),
            (10, &[0.7, 0.1, 0.2], &[7, 1, 2]),
            (11, &[0.7, 0.1, 0.2], &[8, 1, 2]),
            (5, &[0.5, 0.5], &[3, 2]),
            (7, &[1.0 / 3.0; 3], &[3, 2, 2]),
            (0, &[0.5, 0.5], &[0, 0]),
        ] {
            assert_eq!(apportion(total, shares), expected, "{total} {shares:?}");
        }
    }

    #[test]
    fn a_label_of_two_examples_goes_to_both_halves() {
        // Bit 3 is in examples 0 and 1, bit 0 in 2 to 5, nothing in 6 to 9.
        let labels = [8, 8, 1, 1, 1, 1, 0, 0, 0, 0];
        for seed in 0..20 {
            let parts = distribute(&labels, &[0.5, 0.5], &mut named_generator("test", seed, ""));
            let first = |range: std::ops::Range<usize>| {
                parts[range].iter().filter(|&&part| part == 0).count()
            };
            assert_eq!(
                [first(0..2), first(2..6), first(6..10)],
                [1, 2, 2],
                "seed {seed}"
            );
        }
    }
}
