"""Prompts as JSON: on disk, and between the page and its server."""

from typing import Any

from mmvos.structures import Box, Click, InputError, Polygon, Prompt, Scribble, decode_mask, encode_mask

_POINT = dict(type='array', items=dict(type='number'), minItems=2, maxItems=2, description='x, y in pixels of the frame')
#: JSON schema of a prompt, for the description of interfaces
PROMPT_SCHEMA: dict[str, Any] = dict(
    type='object',
    description='What points at one object in one frame.',
    required=['object_id'],
    additionalProperties=False,
    properties=dict(
        object_id=dict(type='integer', minimum=1, maximum=254),
        clicks=dict(
            type='array',
            description='x, y and whether the point is on the object (true) or beside it (false)',
            items=dict(type='array', prefixItems=[*[dict(type='number')] * 2, dict(type='boolean')], items=False, minItems=3),
        ),
        box=dict(type='array', items=dict(type='number'), minItems=4, maxItems=4, description='left, top, right, bottom'),
        scribbles=dict(
            type='array',
            items=dict(
                type='object',
                required=['points', 'positive'],
                properties=dict(points=dict(type='array', items=_POINT, minItems=1), positive=dict(type='boolean')),
            ),
        ),
        polygon=dict(type='array', items=_POINT, minItems=3, description='outline of the object'),
        mask=dict(
            type='object',
            description='compressed run-length code of COCO',
            required=['size', 'counts'],
            properties=dict(
                size=dict(type='array', items=dict(type='integer'), minItems=2, maxItems=2, description='height, width'),
                counts=dict(type='string'),
            ),
        ),
    ),
)


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """A prompt as what JSON holds; the mask as a run-length code."""
    content: dict[str, Any] = dict(object_id=prompt.object_id)
    if prompt.clicks:
        content['clicks'] = [[c.x, c.y, c.positive] for c in prompt.clicks]
    if prompt.box is not None:
        content['box'] = [prompt.box.x1, prompt.box.y1, prompt.box.x2, prompt.box.y2]
    if prompt.scribbles:
        content['scribbles'] = [dict(points=[list(p) for p in s.points], positive=s.positive) for s in prompt.scribbles]
    if prompt.polygon is not None:
        content['polygon'] = [list(p) for p in prompt.polygon.points]
    if prompt.mask is not None:
        content['mask'] = encode_mask(prompt.mask)
    return content


def prompt_from_json(content: Any) -> Prompt:
    """The prompt that :func:`prompt_to_json` wrote, or that a page sent.

    Raises:
        InputError: keys or values that are not a prompt's.
    """
    try:
        unknown = set(content) - {'object_id', 'clicks', 'box', 'scribbles', 'polygon', 'mask'}
        if unknown:
            raise InputError(f'the keys {sorted(unknown)}; expected clicks, box, scribbles, polygon or mask')
        return Prompt(
            int(content['object_id']),
            clicks=[Click(float(x), float(y), bool(positive)) for x, y, positive in content.get('clicks') or []],
            box=Box(*(float(v) for v in content['box'])) if content.get('box') else None,
            scribbles=[
                Scribble(tuple((float(x), float(y)) for x, y in s['points']), bool(s['positive']))
                for s in content.get('scribbles') or []
            ],
            polygon=Polygon(tuple((float(x), float(y)) for x, y in content['polygon'])) if content.get('polygon') else None,
            mask=decode_mask(content['mask']) if content.get('mask') else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f'not a prompt: {error}') from error
