//! Numbers as a reader sees them.

/// The minus sign of print.
pub(super) const MINUS: char = '\u{2212}';

/// With so many decimals and the minus sign of print.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    match value < 0.0 && !is_zero {
        true => format!("{MINUS}{text}"),
        false => text,
    }
}

/// As [`fixed`], with a plus sign for what is above zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    match value > 0.0 && !is_zero {
        true => format!("+{text}"),
        false => text,
    }
}

/// A p-value: `0.023`, or `<0.001`.
pub(super) fn p_value(p: f64) -> String {
    match p < 0.0005 {
        true => "<0.001".to_owned(),
        false => fixed(p, 3),
    }
}

/// A p-value in a sentence: `p = 0.023`, or `p < 0.001`.
pub(super) fn p_clause(p: f64) -> String {
    match p < 0.0005 {
        true => "p < 0.001".to_owned(),
        false => format!("p = {}", fixed(p, 3)),
    }
}

/// `(0.846, 0.871)`.
pub(super) fn interval(of: [f64; 2], decimals: usize, with_sign: bool) -> String {
    let show = if with_sign { signed } else { fixed };
    format!("({}, {})", show(of[0], decimals), show(of[1], decimals))
}

/// `6.968` million.
pub(super) fn millions(parameters: u64) -> String {
    fixed(parameters as f64 / 1e6, 3)
}

/// A large number with a prefix and three digits at most: `2.83 G`.
pub(super) fn engineering(value: f64) -> String {
    let prefixes = [
        (1e18, " E"),
        (1e15, " P"),
        (1e12, " T"),
        (1e9, " G"),
        (1e6, " M"),
        (1e3, " k"),
    ];
    let (scale, prefix) = prefixes
        .into_iter()
        .find(|(scale, _)| value >= *scale)
        .unwrap_or((1.0, ""));
    let value = value / scale;
    let decimals = match value {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{prefix}")
}

/// `4.2×`; three digits for what is larger than a hundred.
pub(super) fn times(factor: f64) -> String {
    format!("{}×", fixed(factor, 1))
}

/// A share in percent: `1 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", crate::grid::percent(share))
}

/// `1 network`, `2 networks`.
pub(super) fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [others @ .., last] => {
            let others: Vec<_> = others.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", others.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_in_the_paper() {
        assert_eq!(fixed(-0.0041, 3), "\u{2212}0.004");
        assert_eq!(fixed(-0.0001, 3), "0.000");
        assert_eq!(signed(0.0152, 3), "+0.015");
        assert_eq!(signed(0.00001, 3), "0.000");
        assert_eq!(p_value(2.6e-4), "<0.001");
        assert_eq!(p_clause(0.0226), "p = 0.023");
        assert_eq!(interval([0.846, 0.871], 3, false), "(0.846, 0.871)");
        assert_eq!(millions(6_968_206), "6.968");
        assert_eq!(engineering(2.834e9), "2.83 G");
        assert_eq!(engineering(1_000.0), "1 k");
        assert_eq!(engineering(123_456_789.0), "123 M");
        assert_eq!(engineering(400.0), "400");
        assert_eq!(times(4.195), "4.2×");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(counted(1, "network"), "1 network");
    }
}
