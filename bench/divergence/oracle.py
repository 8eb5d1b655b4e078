"""An f32 computation that shares nothing with Lathe: transformers, which reads GGUF files through gguf-py."""
import numpy as np

from peers.failure import Failure


class Oracle:
    def __init__(self, model):
        try:
            import torch
            from transformers import AutoModelForCausalLM
        except ImportError as error:
            raise Failure(f"--oracle needs torch, transformers and gguf ({error})") from error
        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name, dtype=torch.float32)
        self.model.eval()

    def logits(self, ids):
        with self.torch.inference_mode():
            return np.asarray(self.model(self.torch.tensor([list(map(int, ids))])).logits[0])
