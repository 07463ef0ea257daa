# As davis2016_synthvos_pasted.py, for methods that compare a frame with a reference: see davis2016_synthvos_reference.py.
_base_ = './davis2016_synthvos_pasted.py'

davis_pipeline = _base_.davis_pipeline
davis_pipeline[0].update(reference='random')
synthvos_pipeline = _base_.synthvos_pipeline
synthvos_pipeline[0].update(reference='random')
train_dataloader = dict(
    dataset=dict(
        streams=dict(
            davis=dict(pipeline=davis_pipeline), synthvos=dict(num_frames=_base_.clip_len + 1, pipeline=synthvos_pipeline)
        )
    )
)
