"""What bench/accuracy is made of: the ids and logits of llama.cpp, those of Lathe, an oracle, and how far
they are apart."""
