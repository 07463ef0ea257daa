import numpy as np
import pytest

from mmvos.structures import Box, Click, InputError, Polygon, Prompt, Scribble, prompts_from_text


def test_command_line_prompts():
    prompts = prompts_from_text(['1:320,240', '1:300,200:-', '3:5,6'], ['2:100,80,220,300'])
    assert [p.object_id for p in prompts] == [1, 2, 3]
    assert prompts[0].clicks == [Click(320, 240), Click(300, 200, positive=False)]
    assert prompts[1].box == Box(100, 80, 220, 300)


@pytest.mark.parametrize(
    ('clicks', 'boxes', 'message'),
    [
        (['1:3'], [], "click '1:3': expected ID:X,Y"),
        (['x:3,4'], [], 'expected ID:X,Y'),
        (['1:3,4:+-'], [], 'expected ID:X,Y'),
        (['300:3,4'], [], 'object id 300: expected 1 to 254'),
        ([], ['1:3,4,5'], "box '1:3,4,5': expected ID:X1,Y1,X2,Y2"),
        ([], ['1:9,4,5,8'], 'is empty; expected x1 < x2'),
        ([], ['1:1,1,5,8', '1:1,1,5,8'], 'object 1 has a box already'),
    ],
)
def test_wrong_text_is_one_line(clicks, boxes, message):
    with pytest.raises(InputError, match=message.replace('(', r'\(')):
        prompts_from_text(clicks, boxes)


def test_a_polygon_covers_the_pixels_whose_centre_is_inside():
    mask = Polygon(((2, 1), (6, 1), (6, 4), (2, 4))).mask((6, 8))
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:6] = True
    assert np.array_equal(mask, expected)
    star = ((3.2, -2), (7.6, 9), (-1, 2.1), (8, 2.1), (0.4, 7))  # crosses itself, and reaches beyond the frame
    rows, columns = np.indices((6, 8)) + 0.5
    turns = np.zeros((6, 8), int)  # even-odd: how many edges a ray to the left crosses
    for (x1, y1), (x2, y2) in zip(star, (*star[1:], star[0]), strict=True):
        crosses = (y1 <= rows) != (y2 <= rows)
        turns += crosses & (x1 + (rows - y1) * (x2 - x1) / (y2 - y1 or 1) <= columns)
    assert np.array_equal(Polygon(star).mask((6, 8)), turns % 2 == 1)


def test_a_scribble_is_clicks_along_its_line():
    clicks = Scribble(((0, 0), (30, 0), (30, 40)), positive=False).clicks(10)
    assert len(clicks) == 8
    assert clicks[3] == Click(30, 0, positive=False)
    assert clicks[-1] == Click(30, 40, positive=False)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda far: Click(far, 1), 'a click has the coordinate'),
        (lambda far: Box(1, 1, 2, far), 'a box has the coordinate'),
        (lambda far: Scribble(((1, 1), (far, 2))), 'a scribble has the coordinate'),
        (lambda far: Polygon(((1, 1), (2, 2), (far, 2))), 'a polygon has the coordinate'),
    ],
    ids=['click', 'box', 'scribble', 'polygon'],
)
@pytest.mark.parametrize('far', [float('nan'), float('inf'), -1e9])
def test_a_coordinate_without_end_is_named(make, message, far):
    with pytest.raises(InputError, match=message):
        make(far)


def test_what_lies_outside_the_frame_is_named():
    with pytest.raises(InputError, match=r'object 4: the click at \(70, 5\) lies outside the frame 60x40'):
        Prompt(4, clicks=[Click(70, 5)]).check_inside((40, 60))
    with pytest.raises(InputError, match='the mask is 8x6, the frame is 60x40'):
        Prompt(4, mask=np.zeros((6, 8), bool)).outline((40, 60))
