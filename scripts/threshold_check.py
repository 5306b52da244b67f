"""How much a threshold of 4.5 on a mean of probabilities selects where sampled verdicts give 8.3 % fives.

    make threshold-check

A pair's probabilities of the verdicts 1 to 5 are drawn from a Dirichlet distribution around those of all verdicts:
8.3 % fives and 30.5 % fours as in the paper's statistics (A_5 and A_4), the others shared evenly by 1 to 3, which it
does not give. The concentration says how alike pairs are to their judge: near 0 it is certain about each, the higher
it is, the less it tells them apart. Verdicts sampled one a pair are the same at every concentration, means are not.
"""

from typing import Any

VERDICTS = [0.204, 0.204, 0.204, 0.305, 0.083]
CONCENTRATIONS = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0]
THRESHOLD = 4.5


def selected(concentration: float, pairs: int, seed: int = 0) -> dict[str, float]:
    """What becomes of pairs whose judge is as certain as the concentration says.

    Returns:
        `fives`, the share of pairs whose one sampled verdict is 5; `means`, the share whose mean of the probabilities
        reaches the threshold; `needed`, the threshold on the means that would select as many as `VERDICTS` has fives.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    probabilities: Any = rng.dirichlet(np.array(VERDICTS) * concentration, pairs)
    means = probabilities @ np.arange(1, 6)
    fives = rng.random(pairs) < probabilities[:, 4]
    return {
        "fives": float(fives.mean()),
        "means": float((means >= THRESHOLD).mean()),
        "needed": float(np.quantile(means, 1 - VERDICTS[4])),
    }


def main() -> None:
    """Print a line for each concentration."""
    print(f"{'concentration':>13} {'verdict 5':>10} {'mean >= 4.5':>12} {'for 8.3 %':>10}")
    for concentration in CONCENTRATIONS:
        found = selected(concentration, 400_000)
        print(f"{concentration:>13g} {found['fives']:>10.1%} {found['means']:>12.1%} {found['needed']:>10.2f}")


if __name__ == "__main__":
    main()
