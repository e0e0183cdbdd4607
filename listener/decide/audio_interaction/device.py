"""What benchmarks and reports say about the device that the model is on."""

import resource
import time
from pathlib import Path

import torch


def describe(device: torch.device) -> str:
    """The GPU's name, or the processor's and how many threads torch uses of it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{_processor()}, {torch.get_num_threads()} threads"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "CPU"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")


def memory_mb(device: torch.device) -> float:
    """The peak so far: what torch has taken of a GPU, or the resident size of this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def now(device: torch.device) -> float:
    """Seconds, after all that the device was given is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
