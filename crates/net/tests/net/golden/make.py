#!/usr/bin/env python3
"""Computes training trajectories with PyTorch for what the other cases lack: the families more_optimizers, more_schedules,
groups, ema, lbfgs and muon.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python make.py

It writes the cases beside this file, and puts their lines into index.tsv. A case is a file of safetensors, whose metadata hold its
configuration as JSON; with "ema" there, ema64.K and ema32.K are averaged parameters after the last step. Step s trains on x[s % 8] and y[s % 8]. The run in f64 starts from the f32 parameters, widened.
"""

import copy
import json
import math
import pathlib

import numpy
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
STEPS, CYCLE, BATCH, INPUTS, UNITS, OUTPUTS = 50, 8, 4, 3, 5, 2

FAMILIES = ("more_optimizers/", "more_schedules/", "groups/", "ema/", "lbfgs/", "muon/")


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2. PyTorch has none."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
            for p in group["params"]:
                state = self.state[p]
                m = state.setdefault("m", torch.zeros_like(p))
                p.mul_(1 - lr * decay)
                p.add_((beta1 * m + (1 - beta1) * p.grad).sign(), alpha=-lr)
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class Muon(torch.optim.Optimizer):
    """torch.optim.Muon for matrices, whose Newton-Schulz iterations are in the parameters' own type and not in bfloat16, and AdamW for all else."""

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.7750, 2.0315), eps=1e-7,
                 ns_steps=5, adjust_lr_fn=None, bias_lr=1e-3, bias_weight_decay=0.01):
        params = list(params)
        super().__init__([p for p in params if p.ndim == 2], {"lr": lr})
        self.of = (weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn)
        self.bias_rate = bias_lr / lr
        self.adamw = torch.optim.AdamW([p for p in params if p.ndim != 2], lr=bias_lr, weight_decay=bias_weight_decay)

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none)
        self.adamw.zero_grad(set_to_none)

    @torch.no_grad()
    def step(self):
        weight_decay, momentum, nesterov, (a, b, c), eps, ns_steps, adjust = self.of
        lr = self.param_groups[0]["lr"]
        self.adamw.param_groups[0]["lr"] = self.bias_rate * lr
        self.adamw.step()
        for p in self.param_groups[0]["params"]:
            buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
            buffer.lerp_(p.grad, 1 - momentum)
            x = p.grad.lerp(buffer, momentum) if nesterov else buffer.clone()
            rows, cols = p.shape
            x = x.T if rows > cols else x
            x = x / x.norm().clamp(min=eps)
            for _ in range(ns_steps):
                gram = x @ x.T
                x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
            x = x.T if rows > cols else x
            factor = 0.2 * math.sqrt(max(rows, cols)) if adjust == "match_rms_adamw" else math.sqrt(max(1, rows / cols))
            p.mul_(1 - lr * weight_decay)
            p.add_(x, alpha=-lr * factor)


def optimizer(config, model):
    settings = {k: v for k, v in config.items() if k not in ("name", "bias_decay")}
    parameters = list(model.parameters())
    if not config.get("bias_decay", True):
        # Two groups: biases have no weight decay.
        named = list(model.named_parameters())
        weights = [p for name, p in named if name.endswith("weight")]
        biases = [p for name, p in named if name.endswith("bias")]
        parameters = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
    kinds = {
        "sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "lion": Lion,
        "rprop": torch.optim.Rprop, "rmsprop": torch.optim.RMSprop, "adadelta": torch.optim.Adadelta,
        "adagrad": torch.optim.Adagrad, "adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam, "radam": torch.optim.RAdam,
        "muon": Muon,
        "lbfgs": lambda of, **options: torch.optim.LBFGS(of, line_search_fn="strong_wolfe", **options),
    }
    return kinds[config["name"]](parameters, **settings)


def schedule(config, of):
    lr = torch.optim.lr_scheduler
    settings = {k: v for k, v in config.items() if k not in ("name", "then")}
    if config["name"] == "warm_up":
        after = settings["total_iters"]
        then = schedule(config["then"], of)
        return lr.SequentialLR(of, [lr.LinearLR(of, **settings), then], milestones=[after])
    kinds = {
        "step": lr.StepLR, "exponential": lr.ExponentialLR, "polynomial": lr.PolynomialLR,
        "cosine": lr.CosineAnnealingLR, "one_cycle": lr.OneCycleLR,
    }
    return kinds[config["name"]](of, **settings)


def run(config, start, x, y, dtype):
    model = copy.deepcopy(start).to(dtype)
    x, y = x.to(dtype), y.to(dtype)
    of = optimizer(config["optimizer"], model)
    scheduler = schedule(config["schedule"], of) if "schedule" in config else None
    averaged = None
    if "ema" in config:
        swa = torch.optim.swa_utils
        averaged = swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(config["ema"]))
    losses, rates, first = [], [], {}
    for s in range(config["steps"]):
        rates.append(of.param_groups[0]["lr"])
        of.zero_grad()
        output = model(x[s % CYCLE])
        loss = torch.nn.functional.mse_loss(output, y[s % CYCLE])
        loss.backward()
        if s == 0:
            first = {f"grad0.{k}": p.grad.clone() for k, p in model.named_parameters()}
            first["out0"] = output.detach().clone()
        losses.append(loss.item())
        if config["optimizer"]["name"] == "lbfgs":
            def closure():
                of.zero_grad()
                again = torch.nn.functional.mse_loss(model(x[s % CYCLE]), y[s % CYCLE])
                again.backward()
                return again
            of.step(closure)
        else:
            of.step()
        if averaged is not None:
            averaged.update_parameters(model)
        if scheduler is not None:
            scheduler.step()
    return model, losses, rates, first, averaged


def case(name, config, seed):
    torch.manual_seed(seed)
    start = torch.nn.Sequential(torch.nn.Linear(INPUTS, UNITS), torch.nn.Tanh(), torch.nn.Linear(UNITS, OUTPUTS))
    batch = config.get("batch", BATCH)
    x, y = torch.randn(CYCLE, batch, INPUTS), torch.rand(CYCLE, batch, OUTPUTS)
    if config["optimizer"]["name"] == "lbfgs":
        # It is for a batch of all examples: each step has the same one.
        x, y = x[:1].repeat(CYCLE, 1, 1), y[:1].repeat(CYCLE, 1, 1)
    layers = [
        {"type": "linear", "in": INPUTS, "out": UNITS}, {"type": "act", "name": "tanh"},
        {"type": "linear", "in": UNITS, "out": OUTPUTS},
    ]
    config = {"name": name, "layers": layers, "loss": {"name": "mse"}, **config}
    # The same keys in the same order as ever: files stay what they are.
    config = {**config, "batch": config.pop("batch", BATCH), "steps": config.pop("steps", STEPS), "cycle": CYCLE}
    model64, loss64, rates, first, averaged64 = run(config, start, x, y, torch.float64)
    model32, loss32, _, _, averaged32 = run(config, start, x, y, torch.float32)
    tensors = {"x": x, "y": y, "loss64": torch.tensor(loss64, dtype=torch.float64), "loss32": torch.tensor(loss32)}
    tensors.update({f"init.{k}": p.detach() for k, p in start.named_parameters()})
    tensors.update(first)
    models = [("final64", model64), ("final32", model32)]
    if averaged64 is not None:
        models += [("ema64", averaged64.module), ("ema32", averaged32.module)]
    for kind, model in models:
        tensors.update({f"{kind}.{k}": p.detach() for k, p in model.named_parameters()})
    tensors["eval_out"] = model64(x[0].to(torch.float64)).detach()
    if "schedule" in config:
        tensors["lr"] = torch.tensor(rates, dtype=torch.float64)
    path = HERE / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    arrays = {k: numpy.ascontiguousarray(t.numpy()) for k, t in tensors.items()}
    save_file(arrays, path, metadata={"config": json.dumps(config)})
    relative = max(abs(a - b) / abs(b) for a, b in zip(loss32, loss64))
    pairs = zip(model32.parameters(), model64.parameters())
    absolute = max((a.to(torch.float64) - b).abs().max().item() for a, b in pairs)
    return f"{name}.safetensors\t{loss64[0]:.6g}\t{loss64[-1]:.6g}\t{relative:.2e}\t{absolute:.2e}"


def main():
    torch.set_num_threads(1)
    sgd = {"name": "sgd", "lr": 0.05, "momentum": 0.9}
    optimizers = {
        "lion": {"name": "lion", "lr": 0.003},
        "lion_weight_decay": {"name": "lion", "lr": 0.003, "betas": [0.8, 0.95], "weight_decay": 0.1},
        "rprop": {"name": "rprop", "lr": 0.01},
        "rprop_options": {"name": "rprop", "lr": 0.003, "etas": [0.6, 1.1], "step_sizes": [0.001, 0.01]},
        "rmsprop_centered_momentum": {"name": "rmsprop", "lr": 0.002, "centered": True, "momentum": 0.9, "weight_decay": 0.02},
        "adadelta_options": {"name": "adadelta", "lr": 0.5, "rho": 0.8, "eps": 1e-5, "weight_decay": 0.02},
        "adamax_options": {"name": "adamax", "lr": 0.01, "betas": [0.8, 0.95], "weight_decay": 0.02},
        "nadam_options": {"name": "nadam", "lr": 0.01, "betas": [0.8, 0.95], "momentum_decay": 0.02, "weight_decay": 0.02},
        "radam_options": {"name": "radam", "lr": 0.01, "betas": [0.8, 0.95], "weight_decay": 0.02},
    }
    cosine = {"name": "cosine", "T_max": 35, "eta_min": 0.001}
    cycle = {"name": "one_cycle", "max_lr": 0.05, "total_steps": 51, "cycle_momentum": False}
    schedules = {
        "exponential": {"name": "exponential", "gamma": 0.95},
        "polynomial": {"name": "polynomial", "total_iters": 40, "power": 2.0},
        "cosine": {"name": "cosine", "T_max": 50, "eta_min": 0.002},
        "one_cycle": cycle,
        "one_cycle_linear": {**cycle, "pct_start": 0.45, "div_factor": 10.0, "final_div_factor": 100.0, "anneal_strategy": "linear"},
        "warm_up_cosine": {"name": "warm_up", "start_factor": 0.1, "total_iters": 15, "then": cosine},
        "warm_up_step": {"name": "warm_up", "start_factor": 0.25, "total_iters": 7, "then": {"name": "step", "step_size": 10, "gamma": 0.5}},
        "warm_up_exponential": {"name": "warm_up", "start_factor": 0.5, "total_iters": 9, "then": {"name": "exponential", "gamma": 0.97}},
    }
    decay = {"weight_decay": 0.1, "bias_decay": False}
    groups = {
        "sgd": {"name": "sgd", "lr": 0.05, **decay},
        "sgd_momentum": {**sgd, **decay},
        "sgd_nesterov": {**sgd, "nesterov": True, **decay},
        "adam": {"name": "adam", "lr": 0.01, **decay},
        "adam_amsgrad": {"name": "adam", "lr": 0.01, "amsgrad": True, **decay},
        "adamw": {"name": "adamw", "lr": 0.01, **decay},
        "adamw_amsgrad": {"name": "adamw", "lr": 0.01, "amsgrad": True, **decay},
        "rmsprop": {"name": "rmsprop", "lr": 0.002, **decay},
        "adagrad": {"name": "adagrad", "lr": 0.05, **decay},
        "adadelta": {"name": "adadelta", "lr": 0.5, **decay},
        "adamax": {"name": "adamax", "lr": 0.01, **decay},
        "nadam": {"name": "nadam", "lr": 0.01, **decay},
        "radam": {"name": "radam", "lr": 0.01, **decay},
        "lion": {"name": "lion", "lr": 0.003, **decay},
    }
    cases = [(f"more_optimizers/{n}", {"optimizer": o}) for n, o in optimizers.items()]
    cases += [(f"more_schedules/{n}", {"optimizer": sgd, "schedule": s}) for n, s in schedules.items()]
    cases += [(f"groups/{n}", {"optimizer": o}) for n, o in groups.items()]
    emas = {
        "sgd_momentum_0.9": {"optimizer": sgd, "ema": 0.9},
        "adam_0.99": {"optimizer": {"name": "adam", "lr": 0.01}, "ema": 0.99},
        "adam_0.25": {"optimizer": {"name": "adam", "lr": 0.01}, "ema": 0.25},
    }
    cases += [(f"ema/{n}", c) for n, c in emas.items()]
    # Few steps: near the end every difference of roundings decides about another line search.
    lbfgs = {"name": "lbfgs"}
    all_examples = {
        "defaults": {"optimizer": lbfgs, "batch": 24, "steps": 2},
        "history_3": {"optimizer": {**lbfgs, "history_size": 3, "max_iter": 4}, "batch": 24, "steps": 8},
        "slow": {"optimizer": {**lbfgs, "lr": 0.2, "max_iter": 5, "max_eval": 40}, "batch": 24, "steps": 2},
        "fast": {"optimizer": {**lbfgs, "lr": 20, "max_iter": 6, "max_eval": 12}, "batch": 24, "steps": 3},
    }
    cases += [(f"lbfgs/{n}", c) for n, c in all_examples.items()]
    muon = {"name": "muon", "lr": 0.02}
    muons = {
        "defaults": {"optimizer": muon},
        "options": {"optimizer": {**muon, "momentum": 0.8, "nesterov": False, "weight_decay": 0.0, "ns_steps": 3, "bias_lr": 0.01, "bias_weight_decay": 0.1}},
        "match_rms_adamw": {"optimizer": {**muon, "lr": 0.01, "adjust_lr_fn": "match_rms_adamw"}},
        "cosine": {"optimizer": muon, "schedule": {"name": "cosine", "T_max": 50, "eta_min": 0.002}},
    }
    cases += [(f"muon/{n}", c) for n, c in muons.items()]
    lines = [case(name, config, seed) for seed, (name, config) in enumerate(cases)]
    index = HERE / "index.tsv"
    kept = [line for line in index.read_text().splitlines() if not line.startswith(FAMILIES)]
    index.write_text("\n".join(kept + lines) + "\n")
    assert all(math.isfinite(float(x)) for line in lines for x in line.split("\t")[1:])


if __name__ == "__main__":
    main()
