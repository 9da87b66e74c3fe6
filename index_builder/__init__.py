"""The offline builder: transactions → triples → embeddings → rules → index → bundle."""
