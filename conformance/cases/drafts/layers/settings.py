"""Values of arguments that many layers have."""

L2 = {"class_name": "L2", "config": {"l2": 0.0078125}}
L1L2 = {"class_name": "L1L2", "config": {"l1": 0.25, "l2": 0.5}}
NON_NEG = {"class_name": "NonNeg", "config": {}}
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 2.0, "axis": 0}}
UNIFORM = {"class_name": "RandomUniform", "config": {"minval": -0.5, "maxval": 0.5, "seed": 7}}
SCALING = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": None},
}

LATTICE = {"regime": "lattice", "weights": "lattice", "cotangent": "lattice"}
"""Small integers everywhere: every order of summation gives the same bits."""
