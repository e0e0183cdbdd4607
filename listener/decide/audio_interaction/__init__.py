"""The Audio-Interaction engine: one 3B model hears, decides and answers (Xie et al., arXiv 2606.05121).

The only packages of the daemon that import torch and transformers are this one and what measures it.
"""
