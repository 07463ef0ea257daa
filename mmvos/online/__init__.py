"""Online training: a model is fine-tuned on what is given of a test video before, and while, the video is segmented."""
