"""A network: loaded, cut in two where its channels are the neurons, traced, fine-tuned."""
