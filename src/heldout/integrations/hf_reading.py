"""How a Hugging Face model is run so that neither padding nor the batch can change an example's number.

Documents are packed to the left whatever side they were padded on, sorted by length, and run in batches
padded on the right, where a causal model cannot see the pads. Whether that is exact for this model is not
assumed: `settle` compares a padded batch with each document alone, and where they differ runs batches of
equal length, or one document at a time.

>>> next_token(torch.zeros(3, 2), torch.tensor([1, 0, 1]))     # a tie of two classes; ln 2
tensor([0.5000, 0.6931])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core.checks import check_deterministic
from heldout.core.errors import InputError
from heldout.core.preserved import preserved

Mode = Literal["padded", "equal", "alone"]
_MOST_LOGITS = 2**27  # numbers a batch of logits may hold (0.5 GB in float32)
_FAILURES = (RuntimeError, ValueError, IndexError, TypeError)


class Reading(NamedTuple):
    """How to run a model: per token (`language`) or per document, rows a batch, pad id, logits, and mode."""

    language: bool
    batch_size: int
    pad: int
    vocabulary: int
    mode: Mode = "padded"


class Packed(NamedTuple):
    """Documents with their tokens first: ids [n t], segment ids [n t] or None, and the n lengths."""

    ids: Tensor
    types: Tensor | None
    lengths: list[int]


def packed(x: Mapping[str, Tensor]) -> Packed:
    """Move every token to the front, wherever the pads stood."""
    real = x["attention_mask"] != 0
    order = torch.argsort((~real).to(torch.int8), dim=1, stable=True)
    types = x.get("token_type_ids")
    return Packed(
        x["input_ids"].gather(1, order),
        None if types is None else types.gather(1, order),
        real.sum(1).tolist(),
    )


def outputs(
    module: nn.Module, x: Mapping[str, Tensor], reading: Reading, theta: dict[str, Tensor] | None = None
) -> Tensor:
    """[n 2] (next-token accuracy, mean nats a token) of a language model, [n c] logits of a classifier.

    `theta` holds parameters by name that stand in for the module's own; the result is differentiable in them.
    """
    documents = packed(x)
    parts: list[Tensor] = []
    order: list[int] = []
    for rows in _batches(documents.lengths, reading):
        lengths = [documents.lengths[k] for k in rows]
        longest = max(lengths)
        mask = (torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)).to(torch.int64)
        ids = documents.ids[rows, :longest].masked_fill(mask == 0, reading.pad)
        types = None if documents.types is None else documents.types[rows, :longest] * mask
        logits = _logits(_call(module, ids, mask, types, theta))
        if reading.language:
            lines = zip(logits, ids.to(logits.device), lengths, strict=True)
            parts.append(torch.stack([next_token(z[:t], line[:t]) for z, line, t in lines]))
        else:
            parts.append(logits)
        order += rows
    joined = torch.cat(parts)
    return joined[torch.argsort(torch.tensor(order, device=joined.device))]


def next_token(logits: Tensor, ids: Tensor) -> Tensor:
    """[2]: the share of tokens 1..t-1 of one document that are the most probable next token (a tie of k
    counts 1/k), and mean_i -log p(token i | tokens < i) in nats. logits [t v], ids [t]. Half precision is
    raised to float32 first.
    """
    z = logits[:-1].to(torch.promote_types(logits.dtype, torch.float32))
    ties = (z == z.detach().amax(-1, keepdim=True)).to(z.dtype)
    right = ties.gather(-1, ids[1:].unsqueeze(-1)).squeeze(-1) / ties.sum(-1)
    return torch.stack([right.mean(), F.cross_entropy(z, ids[1:])])


def predicted(module: nn.Module, x: Mapping[str, Tensor], reading: Reading) -> Tensor:
    """`outputs` in eval mode, on the CPU; the module is as it was afterwards."""
    if not isinstance(module, nn.Module):
        raise InputError(f"fit returned {type(module).__name__}, not a model", "end it with `return model`")
    with preserved(module), torch.no_grad():
        module.eval()
        out = outputs(module, x, reading).detach().cpu()
    return out.to(torch.promote_types(out.dtype, torch.float32))


def shape_of(model: nn.Module, ids: list[int]) -> tuple[int, ...]:
    """Shape of the logits for one document: (1, t, v) a token or (1, c) a document."""
    with preserved(model), torch.no_grad():
        model.eval()
        try:
            return tuple(_line_logits(model, ids).shape)
        except _FAILURES as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the model fails on a document of {len(ids)} tokens ({type(error).__name__}: {error})",
                "it must take input_ids and attention_mask alone (an encoder-decoder needs a second text)",
            ) from error


def settle(model: nn.Module, x: Mapping[str, Tensor], reading: Reading) -> Reading:
    """The fastest way to run `model` that gives each of a few documents the number it has alone."""
    lengths = x["attention_mask"].sum(1)
    by_length = torch.argsort(lengths)
    few = by_length[[0, len(by_length) // 2, -1]]
    part = {key: value[few] for key, value in x.items()}
    column = 1 if reading.language else slice(None)

    def run(mode: Mode, rows: Mapping[str, Tensor]) -> Tensor:
        return predicted(model, rows, reading._replace(mode=mode))[:, column]

    try:
        alone = run("alone", part)
    except _FAILURES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the model fails on a document of {int(lengths.max())} tokens ({type(error).__name__}: {error})",
            "pass max_length= if that is longer than it can read",
        ) from error
    if not torch.isfinite(alone).all():
        raise InputError(
            "the model returns NaN or inf logits on train", "check its weights, and its precision"
        )
    check_deterministic(alone, run("alone", part))

    def agrees(mode: Mode, copies: int) -> bool:
        try:
            batched = run(mode, {key: value.repeat(copies, 1) for key, value in part.items()})
        except _FAILURES:  # such as a decoder classifier without a pad token, which refuses batches
            return False
        return float((batched - torch.cat([alone] * copies)).abs().max()) <= 1e-4 * (
            1 + float(alone.abs().max())
        )

    best: Mode = "padded" if agrees("padded", 1) else ("equal" if agrees("equal", 2) else "alone")
    return reading._replace(mode=best)


def check_causal(model: nn.Module, ids: list[int], vocabulary: int) -> None:
    """Changing the second half of a document must leave the logits of its first half alone."""
    half = max(1, len(ids) // 2)
    changed = ids[:half] + [(token + 1) % vocabulary for token in ids[half:]]
    with preserved(model), torch.no_grad():
        model.eval()
        first, second = (_line_logits(model, line)[0, :half] for line in (ids, changed))
    slack = max(1e-5, 8 * torch.finfo(first.dtype).eps) * (1 + float(first.abs().max()))
    if float((first - second).abs().max()) > slack:
        raise InputError(
            f"{type(model).__name__} sees the tokens it has to predict, so its scores mean nothing",
            "pass a causal language model (...ForCausalLM), or labels and a ...ForSequenceClassification",
        )


def _batches(lengths: list[int], reading: Reading) -> list[list[int]]:
    """Rows of each batch, longest documents first."""
    batches: list[list[int]] = []
    for k in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        last = batches[-1] if batches else None
        most = reading.batch_size if reading.mode != "alone" else 1
        if last and reading.language:
            most = min(most, max(1, _MOST_LOGITS // (lengths[last[0]] * reading.vocabulary)))
        if last and len(last) < most and (reading.mode == "padded" or lengths[last[0]] == lengths[k]):
            last.append(k)
        else:
            batches.append([k])
    return batches


def _call(
    module: nn.Module, ids: Tensor, mask: Tensor, types: Tensor | None, theta: dict[str, Tensor] | None
) -> Any:
    device = input_device(module)
    takes = inspect.signature(module.forward).parameters
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in takes.values())
    named: dict[str, Any] = {"input_ids": ids.to(device)}
    if anything or "attention_mask" in takes:
        named["attention_mask"] = mask.to(device)
    if types is not None and (anything or "token_type_ids" in takes):
        named["token_type_ids"] = types.to(device)
    if "use_cache" in takes:
        named["use_cache"] = False
    call: Callable[..., Any] = module
    return call(**named) if theta is None else torch.func.functional_call(module, theta, (), named)


def input_device(module: nn.Module) -> torch.device:
    """Where the token ids go: the device of the embedding, or of the first parameter."""
    table = embedding(module)
    first = table if table is not None else next(module.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def embedding(module: nn.Module) -> Tensor | None:
    """The table [v d] that turns token ids into vectors, where the model says which it is."""
    getter = getattr(module, "get_input_embeddings", None)
    weight = getattr(getter(), "weight", None) if callable(getter) else None
    return weight if isinstance(weight, Tensor) else None


def _line_logits(model: nn.Module, ids: list[int]) -> Tensor:
    line = torch.tensor([ids])
    return _logits(_call(model, line, torch.ones_like(line), None, None))


def _logits(out: Any) -> Tensor:
    if isinstance(out, Mapping):
        found, said = out.get("logits"), f"{type(out).__name__} with {', '.join(map(str, out)) or 'nothing'}"
    elif isinstance(out, tuple):
        found, said = (out[0] if out else None), f"a tuple of {len(out)}"
    else:
        found, said = (out if isinstance(out, Tensor) else getattr(out, "logits", None)), type(out).__name__
    if not isinstance(found, Tensor):
        raise InputError(
            f"the model returns {said}: no logits",
            "pass a model with a head: ...ForCausalLM or ...ForSequenceClassification",
        )
    return found
