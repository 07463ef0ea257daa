# Optional: needs torchvision, which downloads the weights.
flow = dict(type='TorchvisionRAFT', variant='large', weights='DEFAULT', num_flow_updates=12)
