//! The same picture twice: by the bytes of the file, and by its look.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::finding::{Finding, FindingKind, Row};
use super::images::Examined;
use super::neighbours::neighbours;
use super::tables::{ListedImage, row};
use super::thumbnail::{MAX_DISTANCE, MIN_CORRELATION, PerceptualHash, Thumbnail};
use crate::image::decode_grey;

/// Finds files of the same bytes, and among the rest pictures that look the same.
pub(super) fn find(images: &[ListedImage<'_>], examined: &[Examined], findings: &mut Vec<Finding>) {
    let mut same: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (place, image) in examined.iter().enumerate() {
        if let Some(digest) = image.digest {
            same.entry(digest).or_default().push(place);
        }
    }
    let mut groups: Vec<Vec<usize>> = same.into_values().collect();
    groups.sort();
    // One of identical files stands for all of them.
    let hashed: Vec<(usize, PerceptualHash)> = groups
        .iter()
        .filter_map(|group| {
            let first = *group.first()?;
            Some((first, examined.get(first)?.hash?))
        })
        .collect();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let kinds = [FindingKind::Duplicate, FindingKind::DuplicateAcrossSplits];
        findings.push(finding(images, group, kinds, |count| {
            format!("{count} files of the same bytes")
        }));
    }
    for (group, correlation) in alike(images, &hashed) {
        let kinds = [
            FindingKind::NearDuplicate,
            FindingKind::NearDuplicateAcrossSplits,
        ];
        findings.push(finding(images, &group, kinds, |count| {
            format!("{count} pictures that are nearly the same (correlation {correlation:.3})")
        }));
    }
}

fn finding(
    images: &[ListedImage<'_>],
    group: &[usize],
    [within, across]: [FindingKind; 2],
    message: impl FnOnce(usize) -> String,
) -> Finding {
    let members = group.iter().filter_map(|&place| images.get(place));
    let rows: Vec<Row> = members
        .flat_map(|image| image.rows.iter().map(|(split, record)| row(*split, record)))
        .collect();
    let first = rows.first().map(|row| row.split);
    let kind = if rows.iter().any(|row| Some(row.split) != first) {
        across
    } else {
        within
    };
    Finding::new(kind, message(group.len()), rows)
}

/// Groups of pictures that look the same, each with the lowest correlation that was measured to join it.
fn alike(images: &[ListedImage<'_>], hashed: &[(usize, PerceptualHash)]) -> Vec<(Vec<usize>, f64)> {
    /// How many pictures are held against their partners at a time; what is joined by then is not measured again,
    /// so that a thousand nearly equal pictures do not cost half a million comparisons.
    const AT_A_TIME: usize = 16;

    let hashes: Vec<PerceptualHash> = hashed.iter().map(|(_, hash)| *hash).collect();
    let mut partners: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (first, second) in neighbours(&hashes, MAX_DISTANCE) {
        partners.entry(first).or_default().push(second);
    }
    let thumbnail = |place: usize| {
        let (image, _) = hashed.get(place)?;
        Thumbnail::of(&decode_grey(&images.get(*image)?.file).ok()?).ok()
    };
    let mut groups = Groups::default();
    let partners: Vec<(usize, Vec<usize>)> = partners.into_iter().collect();
    for some in partners.chunks(AT_A_TIME) {
        let measured: Vec<(usize, usize, f64)> = some
            .par_iter()
            .flat_map_iter(|(first, seconds)| {
                let open = seconds.iter().copied();
                let mut open = open.filter(|&s| !groups.joined(*first, s)).peekable();
                let one = open.peek().and_then(|_| thumbnail(*first));
                let pairs: Vec<(usize, usize, f64)> = open
                    .filter_map(|second| {
                        let correlation = one.as_ref()?.correlation(&thumbnail(second)?);
                        Some((*first, second, correlation))
                    })
                    .collect();
                pairs
            })
            .collect();
        for (first, second, correlation) in measured {
            if correlation >= MIN_CORRELATION {
                groups.join(first, second, correlation);
            }
        }
    }
    let image = |place: usize| hashed.get(place).map(|(image, _)| *image);
    groups
        .into_sorted()
        .into_iter()
        .map(|(group, correlation)| (group.into_iter().filter_map(image).collect(), correlation))
        .collect()
}

/// The connected groups of a graph, while edges are added.
#[derive(Default)]
struct Groups {
    /// A member's way to the smallest of its group, which is its own.
    parent: BTreeMap<usize, usize>,
    /// The lowest correlation of a group, by its smallest member.
    lowest: BTreeMap<usize, f64>,
}

impl Groups {
    fn root(&self, mut member: usize) -> usize {
        while let Some(&parent) = self.parent.get(&member)
            && parent != member
        {
            member = parent;
        }
        member
    }

    fn joined(&self, one: usize, other: usize) -> bool {
        self.root(one) == self.root(other)
    }

    fn join(&mut self, one: usize, other: usize, correlation: f64) {
        let roots = [self.root(one), self.root(other)];
        let root = roots[0].min(roots[1]);
        let lowest = roots
            .into_iter()
            .filter_map(|root| self.lowest.remove(&root))
            .fold(correlation, f64::min);
        self.lowest.insert(root, lowest);
        for member in [one, other].into_iter().chain(roots) {
            self.parent.insert(member, root);
        }
    }

    /// Members in order, groups in the order of their smallest members.
    fn into_sorted(self) -> Vec<(Vec<usize>, f64)> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &member in self.parent.keys() {
            groups.entry(self.root(member)).or_default().push(member);
        }
        let lowest = |root: &usize| self.lowest.get(root).copied().unwrap_or(1.0);
        groups
            .iter()
            .map(|(root, members)| (members.clone(), lowest(root)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_join_into_groups_whatever_their_order() {
        let mut pairs = [
            (7, 8, 0.99),
            (0, 3, 0.985),
            (4, 5, 0.99),
            (3, 4, 0.981),
            (0, 5, 0.98),
        ];
        let expected = vec![(vec![0, 3, 4, 5], 0.98), (vec![7, 8], 0.99)];
        for _ in 0..2 {
            let mut groups = Groups::default();
            for (one, other, correlation) in pairs {
                groups.join(one, other, correlation);
            }
            assert!(groups.joined(3, 5) && !groups.joined(3, 7) && !groups.joined(1, 2));
            assert_eq!(groups.into_sorted(), expected);
            pairs.reverse();
        }
    }
}
