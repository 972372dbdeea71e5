"""Reference values for crates/chextransfer-metrics/tests/parity.rs, written to tests/reference/statistics.json of that crate.

Run by hand with NumPy 2.4.6, SciPy 1.17.1 and scikit-learn 1.9.1:

    python tests/reference/statistics.py > crates/chextransfer-metrics/tests/reference/statistics.json

Scores, labels and weights are a formula of a case's name and a row's number, so that both sides make them and none are
stored. What neither library has is written out here from its definition, pair by pair: DeLong's variance, the calibration
error, Holm's adjustment.
"""

import itertools
import json
import math
import sys
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

SEEN = [0.025, 0.2, 0.5, 0.77, 0.975]


def uniform(name, count):
    """Numbers in [0, 1): splitmix64 of the index, started at the FNV-1a hash of the name; 24 bits."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24


# Name, rows, levels that scores are rounded down to (0: none, 1: constant), prevalence, share of masked rows, weighted,
# factor of the scores (1: they are probabilities).
CASES = [
    ("random", 500, 0, 0.2, 0.0, False, 1.0),
    ("weighted", 500, 0, 0.2, 0.0, True, 1.0),
    ("masked", 500, 0, 0.2, 0.3, False, 1.0),
    ("masked and weighted ties", 700, 16, 0.3, 0.3, True, 1.0),
    ("few levels", 400, 3, 0.4, 0.0, False, 1.0),
    ("many ties", 1000, 32, 0.05, 0.0, False, 1.0),
    ("constant", 60, 1, 0.3, 0.0, False, 1.0),
    ("tiny", 4, 0, 0.5, 0.0, False, 1.0),
    ("tiny and tied", 5, 2, 0.5, 0.0, False, 1.0),
    ("two", 2, 0, 0.5, 0.0, False, 1.0),
    ("rare", 2000, 0, 0.003, 0.0, False, 1.0),
    ("common", 300, 64, 0.97, 0.0, False, 1.0),
    ("huge", 200000, 0, 0.1, 0.0, False, 1.0),
    ("huge, tied, weighted", 200000, 256, 0.1, 0.0, True, 1.0),
    ("huge scores", 300, 0, 0.3, 0.0, False, 1e300),
    ("minute scores", 300, 128, 0.3, 0.0, False, 1e-300),
]


def rows(name, count, levels, prevalence, masked, factor, model=""):
    """Scores that lean towards the label, labels, and which rows count; a second model shares the labels."""
    labels = (uniform(f"{name} label", count) < prevalence).astype(int)
    # Both classes, whatever the draw.
    labels[:2] = [0, 1]
    scores = (uniform(f"{name} score{model}", count) + 0.5 * labels) / 1.5
    if model:
        scores = (scores + rows(name, count, 0, prevalence, masked, 1.0)[0]) / 2.0
    if levels:
        scores = np.floor(scores * levels) / levels if levels > 1 else np.full(count, 0.25)
    counts = uniform(f"{name} mask", count) >= masked
    counts[:2] = True
    return scores * factor, labels, counts


def pick(values):
    """Five of many, to keep the file small."""
    return [float(values[int(place * (len(values) - 1))]) for place in SEEN]


def placements(scores, labels):
    """Share of negatives below each positive, and of positives above each negative, ties one half; O(mn)."""
    above = np.empty(int(labels.sum()))
    below = np.zeros(int((1 - labels).sum()))
    negatives = scores[labels == 0]
    for place, score in enumerate(scores[labels == 1]):
        wins = (score > negatives) + 0.5 * (score == negatives)
        above[place] = wins.mean()
        below += wins
    return above, below / len(above)


def delong(first, second, labels):
    """Areas and covariance matrix, straight from DeLong, DeLong and Clarke-Pearson (1988)."""
    placed = [placements(scores, labels) for scores in (first, second)]
    positive = np.cov(np.stack([of[0] for of in placed]), ddof=1) / labels.sum()
    negative = np.cov(np.stack([of[1] for of in placed]), ddof=1) / (1 - labels).sum()
    return [of[0].mean() for of in placed], positive + negative


def calibration_error(probabilities, labels, weights, edges):
    bins = np.searchsorted(edges[1:-1], probabilities)
    error = 0.0
    for number in range(len(edges) - 1):
        inside = bins == number
        error += abs(np.sum(weights[inside] * (probabilities[inside] - labels[inside])))
    return error / weights.sum()


def metric_case(name, count, levels, prevalence, masked, weighted, factor):
    scores, labels, counts = rows(name, count, levels, prevalence, masked, factor)
    other, _, _ = rows(name, count, levels, prevalence, masked, factor, " of the second")
    weights = 2.0 * uniform(f"{name} weight", count) if weighted else np.ones(count)
    weights[0] = weights[1] = 1.0
    scores, other, labels, weights = (values[counts] for values in (scores, other, labels, weights))
    case = dict(name=name, rows=count, levels=levels, prevalence=prevalence, masked=masked, weighted=weighted, factor=factor)
    case["auroc"] = metrics.roc_auc_score(labels, scores, sample_weight=weights)
    case["average_precision"] = metrics.average_precision_score(labels, scores, sample_weight=weights)
    roc = metrics.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    case["roc_points"] = len(roc[0])
    case["roc"] = [pick(roc[0]), pick(roc[1])]
    precision, recall, _ = metrics.precision_recall_curve(labels, scores, sample_weight=weights)
    case["pr_points"] = len(precision) - 1
    case["pr"] = [pick(precision[:-1][::-1]), pick(recall[:-1][::-1])]
    youden = np.argmax(roc[1] - roc[0])
    case["youden"] = [roc[1][youden], 1.0 - roc[0][youden]]
    if factor == 1.0:
        case["brier"] = metrics.brier_score_loss(labels, scores, sample_weight=weights)
        width = np.linspace(0.0, 1.0, 11)
        case["ece_width"] = calibration_error(scores, labels, weights, width)
        quantile = np.quantile(scores, np.arange(8) / 7)
        case["ece_quantile"] = calibration_error(scores, labels, weights, quantile)
        if not weighted:
            share, mean = calibration_curve(labels, scores, n_bins=10)
            case["reliability"] = [mean.tolist(), share.tolist()]
    positives = int(labels.sum())
    if not weighted and 2 <= positives <= len(labels) - 2:
        areas, covariance = delong(scores, other, labels)
        error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
        case["delong"] = [covariance[0, 0], covariance[1, 1], covariance[0, 1]]
        case["delong_areas"] = areas
        if error > 1e-9:
            case["delong_p"] = 2.0 * stats.norm.sf(abs(areas[1] - areas[0]) / error)
    return case


def correlation_case(name, count, levels, factor=1.0):
    x, y = uniform(f"{name} x", count), uniform(f"{name} y", count)
    y = x + 2.0 * y
    if levels:
        x, y = np.floor(x * levels) / levels, np.floor(y * levels) / levels
    x, y = x * factor, y * factor
    pearson, spearman, line = stats.pearsonr(x, y), stats.spearmanr(x, y), stats.linregress(x, y)
    case = dict(name=name, count=count, levels=levels, factor=factor)
    case["pearson"] = [pearson.statistic, pearson.pvalue]
    case["spearman"] = [spearman.statistic, spearman.pvalue]
    case["line"] = [line.slope, line.intercept, line.stderr]
    # The band at the first x, from the definition.
    residual = y - line.intercept - line.slope * x
    deviation = math.sqrt(np.sum(residual**2) / (count - 2))
    leverage = 1.0 / count + (x[0] - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    case["half_band"] = stats.t.ppf(0.975, count - 2) * deviation * math.sqrt(leverage)
    if count <= 8:
        observed = abs(spearman.statistic)
        orders = [abs(stats.spearmanr(x, order).statistic) for order in itertools.permutations(y)] if count <= 6 else None
        if orders is None:
            ranks = stats.rankdata(x) - (count + 1) / 2
            others = np.array(list(itertools.permutations(stats.rankdata(y) - (count + 1) / 2)))
            orders = abs(others @ ranks) / math.sqrt((ranks**2).sum() * (others[0] ** 2).sum())
        case["exact"] = float(np.mean(np.array(orders) >= observed - 1e-9))
    return case


def bca_case(name):
    """SciPy's intervals of a given bootstrap distribution: the mean of twenty numbers, and 999 numbers about it."""
    data = uniform(f"{name} data", 20) ** 3
    distribution = data.mean() + (uniform(f"{name} replicates", 999) ** 2 - 0.25) / 5.0
    case = dict(name=name)
    for method in ("percentile", "basic", "BCa"):
        result = stats.bootstrap(
            (data,), np.mean, n_resamples=0, method=method, confidence_level=0.95,
            bootstrap_result=earlier_result(distribution),
        )
        case[method.lower()] = [result.confidence_interval.low, result.confidence_interval.high]
    return case


def earlier_result(distribution):
    """What scipy.stats.bootstrap returned before and goes on from."""
    result = stats.bootstrap((np.array([0.0, 1.0]),), np.mean, n_resamples=9)
    result.bootstrap_distribution = distribution
    return result


def permutation_case(name, count):
    """All ways to swap two models within a row, on ranks: scipy.stats.permutation_test of the difference of AUROCs."""
    first, labels, _ = rows(name, count, 0, 0.5, 0.0, 1.0)
    second, _, _ = rows(name, count, 0, 0.5, 0.0, 1.0, " of the second")
    def difference(x, y):
        return metrics.roc_auc_score(labels, y) - metrics.roc_auc_score(labels, x)
    result = stats.permutation_test(
        (stats.rankdata(first), stats.rankdata(second)), difference,
        permutation_type="samples", n_resamples=np.inf, vectorized=False,
    )
    return dict(name=name, count=count, difference=float(result.statistic), p=float(result.pvalue))


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted, largest = np.empty(len(p)), 0.0
    for rank, test in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[test]))
        adjusted[test] = largest
    return adjusted.tolist()


def main():
    warnings.simplefilter("error")
    p = uniform("p-values", 25) ** 3
    z = [-37.0, -8.3, -3.0, -1.0, -0.1, 0.0, 0.3, 1.0, 1.96, 4.0, 7.9]
    q = [1e-300, 1e-20, 1e-6, 0.025, 0.3, 0.5, 0.7, 0.95, 0.975, 0.9999]
    t = [(t, df) for t in (0.001, 0.3, 1.0, 2.1, 5.0, 40.0) for df in (1, 2, 3, 7, 14, 63, 128, 500, 19998, 1000000)]
    json.dump(
        dict(
            made_with=f"NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}",
            normal_cdf=[[value, stats.norm.cdf(value)] for value in z],
            normal_quantile=[[value, stats.norm.ppf(value)] for value in q],
            student=[[*of, 2.0 * stats.t.sf(*of)] for of in t],
            student_quantile=[[level, df, stats.t.isf(level / 2.0, df)] for level in (0.001, 0.05, 0.5) for df in (1, 2, 5, 14, 200, 100000)],
            p_from_rho=[[rho, 2.0 * stats.t.sf(abs(rho) * math.sqrt(14 / (1 - rho**2)), 14)] for rho in (0.082, 0.059, 0.565, -0.718, 0.791)],
            metrics=[metric_case(*case) for case in CASES],
            correlations=[
                correlation_case("sixteen models", 16, 0),
                correlation_case("sixteen models, tied", 16, 6),
                correlation_case("five", 5, 0),
                correlation_case("six, tied", 6, 4),
                correlation_case("eight", 8, 0),
                correlation_case("eight, tied", 8, 5),
                correlation_case("three", 3, 0),
                correlation_case("many", 20000, 0),
                correlation_case("many, tied", 5000, 10),
                correlation_case("large", 30, 0, 1e60),
                correlation_case("minute", 30, 0, 1e-60),
            ],
            intervals=[bca_case("skewed"), bca_case("more skewed")],
            permutations=[permutation_case("eight swaps", 8), permutation_case("eleven swaps", 11)],
            adjusted=dict(p=p.tolist(), holm=holm(p), benjamini_hochberg=stats.false_discovery_control(p, method="bh").tolist()),
        ),
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    main()
