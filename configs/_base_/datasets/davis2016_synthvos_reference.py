# As davis2016_synthvos.py, for methods that compare a frame with a reference: clips of a random reference frame and of four
# frames in order, three of which are predicted.
_base_ = './davis2016_synthvos.py'

davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(gap=(1, 3), reference='random')
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(reference='random')
train_dataloader = dict(
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=_base_.clip_len + 1, pipeline=synthvos_pipeline)
        )
    )
)
